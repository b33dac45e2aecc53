// Package repl is replication: the stream of changes, who has it, and how a
// node follows another one. It speaks Redis's own wire protocol (PSYNC2,
// diskless full resync, REPLCONF), so either end may be a plain Redis.
//
// # The journey of a write
//
// The gate appends what a command changed to the Stream as one unit
// (stream.go), under the engine lock. The bytes land in the Backlog
// (backlog.go), a list of chunks whose tail is the window that a reconnecting
// replica may continue from. Publish makes whole units visible; Wake, called
// once per batch or loop turn and best outside the lock, lets the goroutines
// of the replicas (feed.go) write them. The replica's Link (link.go) cuts what
// it reads into whole units (batch.go), hands each batch to its Follower,
// which applies it and relays the same bytes into its own Stream, and
// acknowledges. The acknowledgement reaches Confirm (confirm.go), which tells
// how far the replies to clients may be released.
//
// # Positions
//
// A position is the number of stream bytes before a point: Redis's
// master_repl_offset. Redis's PSYNC asks for the first byte it wants, which is
// the position plus one; the conversion is made where that command is read and
// written, and nowhere else. Every position that this package publishes,
// confirms or continues from is the end of a unit: one command, or
// MULTI…EXEC, with the marks before it.
//
// # What a node brings
//
// This package knows no types, no commands and no store. The node provides a
// Source (a snapshot of its data for full resyncs) and a Follower (the data
// set that a Link keeps equal to its master's), and it owns the lock under
// which the Stream is changed.
//
// # What is not guaranteed here
//
// Whether a node may serve, and when a role may change, is decided elsewhere;
// this package keeps one promise for it: after Link.Stop has returned nil not
// one byte is applied or acknowledged any more. Confirm counts
// acknowledgements, it does not know clocks: where a holder count is 0 the
// caller has to hold a lease.
package repl
