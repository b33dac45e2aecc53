// Package aof is the append-only file in the form that Redis has given it since
// 7.0: a base, incremental files and a manifest that lists them, under the same
// names, so that either server loads what the other wrote.
//
// # The journey of a write
//
// The bytes come from the replication stream, through a Source, as they are. A
// Log (log.go) writes them to the last incremental file on a goroutine of its
// own and syncs it as the Policy says; how far it got stands in the Horizon, by
// which replies are held back where they are to wait for the disk. Whatever is
// written or synced between two turns of that goroutine shares one write and
// one sync. The syncs of every second go on beside the writes (log_beside.go).
// Replies that do not wait for the disk have what they tell of written by their
// own loop first, once for all that leave together (log_catchup.go).
//
// A rewrite begins with Log.Rotate, at the moment of a snapshot: from there on
// the stream goes to a new incremental file. When the snapshot is whole and
// synced, Dir.Commit puts it in the place of all files before. Until the
// manifest is renamed, nothing that was durable is touched.
//
// At a start Dir.Load reads the files in order into a Sink. A unit, one command
// or MULTI…EXEC, counts as a whole or not at all.
//
// # Where the data stands
//
// Since the files hold the stream byte for byte, the place of the data in the
// replication history is that of the base and the length of what is behind it.
// Lines that begin with # are not counted, and Redis passes them over: #TS: tells
// the time, #HF: the place, where the length alone does not tell it and at the
// beginning of a file that follows others: one that was cut behind a whole unit looks whole, but
// the next does not go on where it ends (Hole).
//
// What a node gives up of the stream it keeps in a Lost file. CutAt ends the files
// there, when the data is to go on from an earlier place.
//
// # What it does not do
//
// Only with the policy Always do replies wait for a sync. With the others a
// machine that loses its power may lose what it answered in the last second, or
// more without any sync; and a process that is killed while a sync runs, or a
// rewrite begins, what it answered meanwhile and had not written beside it.
//
// A directory that another server wrote to in between is loaded, but the place
// in the history is then wrong by what that server wrote; a node whose files were
// lent to another server should be given a new history (a full resync). The
// Log does not bound how far it falls behind: its owner does.
package aof
