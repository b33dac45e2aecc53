// Package election is the sentinel: one member of the group that watches the
// nodes, agrees through raft on who is master, and carries a new one through.
//
// # The journey of a failure
//
// A probe (internal/probe) hears nothing of the master any more. At every turn
// of the loop (loop.go) internal/health judges the silence; the verdict goes to
// the sentinel that leads the raft group (peers.go), which commits it. When
// enough of them agree, internal/failover decides the next step from the
// committed state (internal/group) and from what the nodes answer; act.go
// carries it out: a commit, a request to a node, a question to the other
// sentinels. Each commit is applied by every sentinel (machine.go), which
// prints its events, tells its subscribers and its watching proxies, and wakes
// its own loop. When the leader dies the next one finds in the committed state
// where the failover stands, and in the nodes' answers the rest.
//
// A leader that does not reach a node which others reach and the group needs hands
// the lead over (handover.go): it could tell that node nothing.
//
// With write-acks 0, asked for or because replicas are missing, the leader keeps
// the master's lease fresh: a nonce from the master, a question to raft, and the
// grant with the next probe (internal/failover, lease.go). Before another may lead,
// that lease has to run out, unless the master has stepped down, or a sentinel on its
// machine knows that its process does not exist any more.
//
// Everything that belongs to the loop is touched by the loop's goroutine alone;
// others hand it functions. The committed state is immutable and read freely.
//
// # What a sentinel answers to clients
//
// Redis Sentinel's API on its port (api.go): SENTINEL …, INFO, PING, ROLE and
// the events by SUBSCRIBE and PSUBSCRIBE, in Redis's formats and texts.
//
// SENTINEL SET is an entry in raft's log (api_set.go): a setting holds at every
// sentinel and over restarts, and stands above the files. Of write-acks it changes
// what is asked for; (H, N) follows by the one rule for its changes. SENTINEL
// CONFIG SET changes the asked sentinel alone, and its file (api_config.go). No
// scripts are run, and the times of SENTINEL DEBUG are fixed.
//
// # What a sentinel answers to proxies
//
//	HOLDFAST HELLO 1 → version, part ("sentinel"), id
//	HOLDFAST WATCH group
//	    → the group's topology as JSON in a bulk string, at once, again after
//	      every change, and once a second so that the receiver can tell a dead
//	      connection from a quiet one. The connection serves nothing else.
//
// # What sentinels answer each other
//
//	HOLDFAST REPORT json
//	    → OK at the leader, -NOTLEADER elsewhere. The sender's id, client
//	      address, run id, whether it is in TILT, its verdict on each
//	      group's master, and which nodes it reaches. Sent on every change of those and four times a
//	      second; a sentinel that is not heard has no vote.
//	HOLDFAST VERDICT group run-id
//	    → 1 when the process with that run id, the group's master, is down for
//	      this sentinel at this moment, 2 when it is not yet but nobody listens
//	      there any more, 3 when its process does not exist any more, else 0. The
//	      leader asks before it acts.
//	HOLDFAST LEAD command …
//	    → the reply of that command, which only the leader can carry out
//	      (SENTINEL FAILOVER, RESET, SET); -NOTLEADER elsewhere. A sentinel passes on what a client
//	      asks of it.
//
// # What it does not guarantee
//
// Clients of Redis Sentinel learn of a new master no sooner than they ask or
// hear an event; only the nodes' own protocol keeps a replaced master from
// answering. Plain Redis nodes are watched and listed; they are not failed over
// yet.
package election
