package backend

import (
	"sync/atomic"

	"holdfast/backend/acl"
	"holdfast/backend/netio"
	"holdfast/backend/resp"
)

// session is one client. Its loop owns it. What other goroutines may look at
// or change (CLIENT LIST, KILL, waking a blocked client) is only touched under
// the engine lock; peer, held and softSince only on the loop.
type session struct {
	node   *Node
	conn   *netio.Conn
	parser resp.Requests

	id         int64
	addr       string
	localAddr  string
	created    int64    // unix ms
	lastActive int64    // unix ms
	last       *handler // what it asked for last; nil before the first command, and where that is unknown
	unread     int      // bytes received and not executed
	unforeseen int      // batches in whose requests the next keys are not looked for

	proto  int
	db     int
	name   string
	libs   [2]string // lib-name, lib-ver
	user   *acl.User // nil: the node itself, which may do everything
	authed bool      // it logged in, or came when nobody had to
	native bool      // a native link: frames beside the replies
	strong bool      // the link of a proxy whose reads are strong (strong.go)
	poison string    // the native link was refused; what the frame says
	link   string    // the proxy's link that this is a connection of; empty: none
	noEvict,
	noTouch bool // CLIENT NO-EVICT, NO-TOUCH

	multi   *transaction
	watch   watchSet
	subs    *subscriptions
	waiting *waiter // blocked, and in what
	tracker *tracker

	peer      peer   // what a replica says of itself before PSYNC
	far       *far   // stands for a replication connection, in lists only; nil: a client
	reported  pair   // the position that a native link knows of
	lastWrite uint64 // offset behind the session's last write, for WAIT
	counted   uint64 // requests of the link

	// onWay counts replies that another goroutine has posted to the loop: what
	// this client sent since must not be answered before them.
	onWay atomic.Int32

	debugs  debugMode // of its EVALs
	console *console  // one is being debugged; nil otherwise

	closing bool // nothing more is read from this client
	quiet   quiet
	batch   batch

	held      heldReplies
	leaves    bool         // closed once held is empty
	memory    atomic.Int64 // bytes that n.clientMemory has of this client; written on the loop
	unsent    atomic.Int64 // bytes of it that the client does not read; written on the loop
	books     atomic.Int64 // bytes of what is kept for it: queued requests, watched keys, subscriptions, prefixes
	listens   atomic.Bool  // it has subscriptions, as limitOutput sees it
	dropped   atomic.Bool  // it is about to be closed, and what it holds counts no more
	stirred   bool         // it is to be counted at the end of the loop's turn
	softSince int64        // unix ms since which the output is past the soft limit; 0: it is not
}

// quiet is the state of CLIENT REPLY.
type quiet uint8

const (
	replyOn       quiet = iota
	replyOff            // nothing is replied
	replySkip           // the next reply is left out
	replySkipping       // this reply is left out
)

// Data executes the whole requests in in. It holds the engine lock once for all
// of them: the lock's cost and the clock are shared by a pipeline.
func (s *session) Data(_ *netio.Conn, in []byte) int {
	n := s.node
	n.mu.LockParted()
	if s.console != nil && !s.closing {
		took := s.console.feed(in)
		n.mu.Unlock()
		return took
	}
	if n.mu.parted && n.apart.keepsOut(s) || s.waiting != nil || s.onWay.Load() > 0 || s.closing || n.ending {
		n.mu.Unlock()
		s.count()
		s.limitInput(len(in))
		return 0
	}
	took, more := n.runBatch(s, in)
	wake := n.unit.publish()
	closing := s.closing
	n.mu.Unlock()
	if wake {
		n.stream.Wake()
	}
	switch {
	case s.peer.detached:
		s.handOver(in[took:])
		return len(in)
	case closing:
		s.leave()
		return len(in)
	case more:
		s.conn.Loop().Post(s.conn.Redeliver)
	}
	return took
}

// leave closes the connection behind the replies that are still held.
func (s *session) leave() {
	if s.held.empty() {
		s.conn.CloseAfterWrite()
		return
	}
	s.leaves = true
	s.conn.Pause()
}

// limitInput keeps a client that cannot be answered yet from filling our memory
// with requests: past the bound its socket is not read any more.
func (s *session) limitInput(buffered int) {
	const most = 1 << 20
	if buffered > most {
		s.conn.Pause()
	}
}

// limitRequest closes a client whose incomplete request is larger than
// client-query-buffer-limit, or than a stranger needs (networking.c,
// readQueryFromClient).
func (s *session) limitRequest() {
	const stranger = 1 << 20
	limit := s.node.cfg().ClientQueryBufferMax
	if !s.authed {
		limit = min(limit, stranger)
	}
	if int64(s.unread) > limit {
		s.node.log.Warn("Closing client that reached max query buffer length: " + s.describe())
		s.closing = true
	}
}

// resume goes on with what a client sent while it waited; on its loop.
func (s *session) resume() {
	switch {
	case s.leaves: // nothing more is read from it
	case s.conn.Paused():
		s.conn.Resume()
	default:
		s.conn.Redeliver()
	}
}

// Ended is netio's: the client sends no more. It stays for the replies that are
// held; blocked it does not, as in Redis.
func (s *session) Ended(*netio.Conn) (stay bool) {
	s.leaves = !s.held.empty()
	return s.leaves
}

// Closed forgets the client.
func (s *session) Closed(*netio.Conn, error) {
	n := s.node
	n.mu.LockParted()
	defer n.mu.Unlock()
	s.forget()
	s.held.drop()
	s.count()
}

// forget takes a client that is closed, or is about to be, out of all that knows
// it. The engine lock is held.
func (s *session) forget() {
	n := s.node
	s.closing = true
	if s.console != nil {
		s.console.leave()
	}
	s.unblock()
	s.unlink()
	s.unwatch()
	s.unsubscribeAll()
	s.untrack()
	s.endMulti()
	delete(n.clients, s.id)
	delete(n.monitors, s)
	delete(n.apart.behind, s)
	delete(n.pause.stalled, s)
}
