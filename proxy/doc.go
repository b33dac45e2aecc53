// Package proxy is the endpoint that applications see.
//
// # The way of a request
//
// A netio loop reads from a client (client.go). Each request is looked up,
// classified and routed (route.go, a pure function): to the proxy itself
// (session.go), to the master, to a replica that is fresh enough (read.go), or
// to a connection that the client gets for itself (private.go). It is then
// copied once, into the queue of a lane (queue.go, lane.go).
//
// A lane is a FIFO of requests towards a role, "the master" or one replica,
// shared by all sessions of one loop that have protocol, user and database in
// common. A lane with a link (link.go) sends at the end of the loop's turn, or
// later while the node has plenty to do. Replies come back in order and are
// passed on without being looked into, neighbouring ones of a client in one
// piece.
//
// A lane without a link keeps its requests (hold.go, requeue.go). What was sent and
// not answered, what was not sent, and what came since stand in this order in one
// queue, so nothing has to be put back into order when a new master takes over: the
// lane gets another link, asks what became of what was sent (lost.go), and goes on.
//
// # Who owns what
//
// A loop owns its clients, lanes, links and its view of the topology; nothing
// of it is touched on another goroutine, and there is no lock on the way of a
// request. The watchers of the sentinels and the admin server have goroutines
// of their own and talk to loops through Post.
//
// # What it does not guarantee
//
// Exactly-once when the proxy itself dies: the client's own retry may double a
// write. Session guarantees across several proxies. -UNAVAILABLE says that a request
// was certainly not applied. A request that was in flight when its connection broke
// takes effect once and is answered; -UNKNOWN is left for a plain Redis, for commands
// that do more than change data (PUBLISH, MIGRATE, CONFIG SET), for a request that could
// see what its own client wrote behind it, and where no master comes within hold-timeout.
//
// # Where it is not like one server
//
//   - The cursor of a SCAN means something to the master that gave it: an iteration
//     during which another takes over may miss keys, and should begin again.
//   - Sessions share connections, so a reply of many megabytes stands before the
//     replies to others on the same one; shared-connections makes more of them.
//   - What a client has asked for and does not read waits in memory, whatever it
//     is: as with Redis, only client-output-buffer-limit bounds that of ordinary clients.
//   - A client that closes its sending half gets the replies that are on their way,
//     and is closed where its requests would have to be held (finish.go).
//   - MONITOR shows what reaches the master, from the addresses of proxies.
//   - A transaction holds commands on data only: no SELECT, HELLO, SUBSCRIBE or
//     CLIENT between MULTI and EXEC. What the proxy does not know it queues, since
//     a node may; EXEC then tells that it was none.
//   - CLIENT LIST, INFO, ID and KILL are about the clients of this proxy, INFO and
//     CONFIG about the master. CLIENT TRACKING knows no REDIRECT.
//   - SYNC, PSYNC and REPLCONF are not passed on: redis-cli --rdb, --functions-rdb
//     and --replica need a node's own address.
package proxy
