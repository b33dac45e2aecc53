// Package backend is the node: a Redis-compatible in-memory store that
// replicates itself.
//
// # The journey of a command
//
// A netio loop reads a batch of bytes from a client (conn.go) and parses every
// complete request in it. The engine mutex is taken once for the batch. Each
// request passes the gate (exec.go): lookup, arity, authentication, what its user
// may do (package acl, users.go), role, MULTI, run, propagate. Handlers (internal/commands) change the store
// (internal/store) and append their reply to the session's own buffer; what a
// handler changed leaves the gate as one unit of the replication stream
// (internal/repl). After the mutex is released the buffer is written once, up
// to the point the replicas have confirmed when write-acks asks for it: replies
// to writes, and all others that show what was written (shown.go). Messages of
// publish/subscribe, invalidations, MONITOR, INFO and DEBUG wait for nothing.
//
// A script that runs for longer than busy-reply-threshold lets others in between
// slices of itself (apart.go): they are told -BUSY, and whoever needs the data
// between two units waits.
//
// A replica's upstream link, an EXEC block and a script enter through the same
// gate with another origin, so there is exactly one place that mutates and
// exactly one that propagates.
//
// # In place of redis-server
//
// `holdfast node` takes redis-server's files and options, writes its log lines
// and heeds its signals. It differs on purpose where Redis's way is a matter of
// its processes and threads, or of safety:
//
//   - bind defaults to this machine; Redis's default is every address.
//   - A control port is opened besides, port + 10000, and stays where it is when
//     CONFIG SET moves the port.
//   - Nothing is forked: there is no process whose title, score or pid could be
//     looked at, or killed, no memory copied on write to tell of, and no title of
//     our own (set-proc-title does nothing).
//   - There is no cluster mode, and there are no modules.
//   - A file that cannot be read ends the start with words of our own.
//   - Replicas and their master are served by goroutines: DEBUG SLEEP does not
//     silence the newlines and PINGs that keep their connections alive, and
//     CLIENT LIST does not show them. REPLCONF rdb-filter-only is not heeded: who
//     asks for functions alone (redis-cli --functions-rdb) gets everything.
//   - A replica keeps its old data, and answers from it, until a full resync has
//     been loaded whole, whatever repl-diskless-load says.
//   - REPLICAOF inside MULTI takes effect behind EXEC.
//   - A full resync does not wait for company unless repl-diskless-sync-delay
//     asks for it; Redis's default is 5 seconds.
//
// And a client that looks closely sees that
//
//   - buffers of replies belong to the loops: rbs, rbp and obl of CLIENT LIST are
//     0, and DEBUG REPLYBUFFER does nothing;
//   - a large request is read a piece at each turn of the loop, between which others
//     have theirs: its bytes are in tot-mem, and count for maxmemory-clients, only
//     as they come;
//   - a command's time begins where the one before it in the batch ended, so that
//     it has a share of the parsing; a value that is deleted is freed later, so
//     that a large key which expires is no latency event;
//   - the table of client-side caching is kept to its size at every insertion and
//     at CONFIG SET, not ten times a second;
//   - CLIENT PAUSE on a replica does not hold back what its master sends;
//   - the append-only file is the replication stream: what a script sends to the file
//     alone (redis.set_repl with REPL_AOF) reaches neither; there is no SCRIPT DEBUG;
//   - COMMAND DOCS has the facts of Redis 7.2 in words of our own.
//
// # The native protocol
//
// Sentinels and proxies speak one container command, HOLDFAST, to a node. A
// server that answers "unknown command" is a plain Redis and is handled in
// Redis's way. Every reply is plain RESP2; maps are flat arrays of
// name, value, name, value. The version spoken is 1.
//
// HOLDFAST has an ACL category of its own, holdfast, on both ports. Once a
// connection has become a native link HOLDFAST is allowed on it, whoever it logs in
// as then: the proxy said who it is first, and goes on for a client.
//
// On the data port:
//
//	HOLDFAST HELLO 1 [PROXY]
//	    → version, run-id, control-port, role, managed, group
//	    With PROXY the connection becomes a native link (see below).
//	HOLDFAST EPOCH
//	    → [data epoch, replication offset] as integers
//
// On the control port, which is served by goroutines of its own so that a long
// script or a full load never looks like a dead node (PING, INFO and SCRIPT KILL
// work there too):
//
//	HOLDFAST HELLO 1
//	HOLDFAST PROBE group term epoch holders-version
//	    → run-id, incarnation, group, promised-epoch, data-epoch, offset,
//	      role (master | replica | none), serving (0 | 1), replid,
//	      master-addr (host:port, empty without one), link (up | down | sync |
//	      none), priority, loading, write-acks, holders-version (in use),
//	      holders-pending (version of a change under way, 0 without one),
//	      holders-ready (1 when the noted offset is confirmed), nonce,
//	      addr (announced host:port), and replicas: an array of
//	      [addr, run-id, incarnation, acked offset, state, lag in ms]
//	    holders-version tells the newest committed one; a change under way that
//	    carries it is thereby complete, and a barrier that waited for it opens.
//	HOLDFAST SEAL group epoch
//	    → run-id, incarnation, promised-epoch, data-epoch, offset
//	    Persists the promise, drops the upstream, refuses writes, then answers.
//	    A promise at or above epoch that was given before is answered again
//	    when equal and refused with -STALE when higher.
//	HOLDFAST PROMOTE group epoch run-id holders-version N incarnation…
//	    → OK once; acts once per epoch. The barrier opens when N of the named
//	      incarnations confirmed the epoch record and a later PROBE says that
//	      holders-version is committed.
//	HOLDFAST FOLLOW group epoch host port
//	    → OK; replicates from there as of that epoch.
//	HOLDFAST DRAIN group epoch
//	    → offset; from now on the master appends nothing. It never resumes by
//	      itself.
//	HOLDFAST HOLDERS group epoch holders-version N incarnation…
//	    → OK; begins the change of (H, N) (SAFETY §4).
//
// Errors: -STALE promised epoch is E, -WRONGGROUP …, -NOTRUNID …, and -NOTMASTER …
// to DRAIN and HOLDERS, all of which name what was expected. An epoch below the
// promised one is always refused. -LOADING: the snapshot file is being read;
// until then only HELLO and PROBE are answered.
//
// # Frames on a native link
//
// A connection that said HELLO 1 PROXY receives, besides its replies, push
// frames (RESP3's '>' type whatever protocol the link speaks):
//
//	>3 +hfp :epoch :offset
//	    the node's own (data epoch, offset); ahead of the replies of the batch
//	    that was executed at it. Left out when nothing changed since the last.
//	>3 +hfx +REASON +text
//	    in place of a reply: this command was refused by routing and certainly
//	    not executed (REASON is READONLY, SEALED, DRAINING, LOADING,
//	    NOTSERVING …). The link is poisoned: every later command on it is
//	    refused the same way.
//	>2 +hfn +text
//	    in place of a reply: the command was executed, and what it did or showed
//	    was not confirmed in time. Of a write the outcome is unknown, and text is
//	    the error to pass on; a read can be sent again.
//	>4 +hfa +run-id :epoch :offset
//	    the replica with that run id has confirmed that offset; ahead of the
//	    replies which this confirmation released.
//
// # Where keys are handled otherwise than by Redis
//
//   - MIGRATE does not stop the server while it talks to the target, and is
//     therefore refused inside a transaction or a script.
//   - PFCOUNT on a replica keeps no cardinality in the value: its data would differ
//     from its master's.
//   - RESTORE refuses what is corrupt whatever sanitize-dump-payload says, but for
//     members that come twice; Redis leaves some of it to crash later.
//   - GEOSEARCH with COUNT: of several members equally far away the first found
//     come first. A distance that STOREDIST keeps may have another last bit.
//   - SORT leaves a sorted set in the encoding it has.
package backend
