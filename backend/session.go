package backend

import (
	"holdfast/backend/internal/commands"
	"holdfast/backend/netio"
	"holdfast/backend/resp"
)

// session is one client. Its loop owns it; what commands of other clients may
// look at (CLIENT LIST, KILL, waking a blocked client) is read and changed under
// the engine lock.
type session struct {
	node   *Node
	conn   *netio.Conn
	parser resp.Requests

	id         int64
	addr       string
	localAddr  string
	created    int64 // unix ms
	lastActive int64 // unix ms
	lastCmd    string

	proto  int
	db     int
	name   string
	libs   [2]string // lib-name, lib-ver
	authed bool
	native bool   // a native link: frames beside the replies
	poison string // the native link was refused; what the frame says

	multi   *transaction
	watch   watchSet
	subs    *subscriptions
	waiting *waiter // blocked, and in what

	peer      peer   // what a replica says of itself before PSYNC
	reported  pair   // the position that a native link knows of
	lastWrite uint64 // offset behind the session's last write, for WAIT

	closing bool // nothing more is read from this client
	quiet   quiet
	batch   batch
	held    heldReplies
}

// quiet is the state of CLIENT REPLY.
type quiet uint8

const (
	replyOn       quiet = iota
	replyOff            // nothing is replied
	replySkip           // the next reply is left out
	replySkipping       // this reply is left out
)

// batch is what one run of commands of one client has in common.
type batch struct {
	gate    uint64 // offset its replies wait for; 0: none
	replies int    // requests answered
	from    int    // where in the output a native link's frames may begin
}

// Data executes the whole requests in in. It holds the engine lock once for all
// of them: the lock's cost and the clock are shared by a pipeline.
func (s *session) Data(c *netio.Conn, in []byte) int {
	if s.waiting != nil || s.closing {
		s.limitInput(len(in))
		return 0
	}
	n := s.node
	n.mu.Lock()
	took := n.runBatch(s, in)
	wake := n.unit.publish()
	n.mu.Unlock()
	if wake {
		n.stream.Wake()
	}
	if s.peer.detached {
		s.handOver(in[took:])
		return len(in)
	}
	if s.closing {
		c.CloseAfterWrite()
		return len(in)
	}
	return took
}

// limitInput keeps a blocked client from filling our memory with requests it
// cannot have answered yet.
func (s *session) limitInput(buffered int) {
	const most = 1 << 20
	if buffered > most {
		s.conn.Pause()
	}
}

// Closed forgets the client.
func (s *session) Closed(*netio.Conn, error) {
	n := s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	s.closing = true
	s.unblock()
	s.unwatch()
	s.unsubscribeAll()
	s.held.drop()
	delete(n.clients, s.id)
	delete(n.monitors, s)
}

// runBatch executes the requests in in and returns how many bytes it took.
func (n *Node) runBatch(s *session, in []byte) (took int) {
	n.loop = s.conn.Loop()
	n.tick()
	s.lastActive = n.now
	x := &n.x
	x.Out, x.Proto = s.conn.Buf(), s.proto
	start := len(x.Out)
	s.batch = batch{}
	for took < len(in) && s.waiting == nil && !s.closing {
		args, size, err := s.parser.Next(in[took:])
		if err != nil {
			x.Err("ERR " + err.Error())
			s.closing = true
			break
		}
		if size == 0 {
			break
		}
		took += size
		if len(args) > 0 {
			n.serve(s, x, args)
		}
		if s.peer.detached {
			break
		}
	}
	n.endBatch(s, x, start)
	n.wakeReady()
	n.loop = nil
	return took
}

// serve runs one request and lets CLIENT REPLY leave its answer out.
func (n *Node) serve(s *session, x *commands.Ctx, args [][]byte) {
	before := len(x.Out)
	n.exec(s, x, args)
	s.batch.replies++
	x.Proto = s.proto
	switch s.quiet {
	case replyOff, replySkipping:
		x.Out = x.Out[:before]
		if s.quiet == replySkipping {
			s.quiet = replyOn
		}
	case replySkip:
		s.quiet = replySkipping
	}
}

// endBatch hands the batch's replies to the connection, or to the queue of
// those that wait for confirmations.
func (n *Node) endBatch(s *session, x *commands.Ctx, start int) {
	if s.native {
		x.Out = n.insertPair(s, x.Out, max(start, s.batch.from))
	}
	if len(x.Out) > start && (s.batch.gate > n.confirmed() || !s.held.empty()) {
		s.hold(x.Out[start:], s.batch)
		x.Out = x.Out[:start]
	}
	if len(x.Out) > 0 {
		s.conn.SetBuf(x.Out)
	}
	x.Out = nil
	n.enforceOutputLimit(s)
}

// emit sends bytes to a client outside its own batch: a woken blocked client, a
// message. gate is the offset the bytes must wait for, 0 for none. The engine
// lock is held; the bytes are copied when another loop owns the client.
func (s *session) emit(b []byte, gate uint64) {
	if len(b) == 0 {
		return
	}
	if s.conn.Loop() == s.node.loop {
		s.emitHere(b, gate)
		return
	}
	own := append([]byte(nil), b...)
	s.conn.Loop().Post(func() { s.emitHere(own, gate) })
}

func (s *session) emitHere(b []byte, gate uint64) {
	if s.conn.Closed() {
		return
	}
	if gate > 0 && (gate > s.node.confirmed() || !s.held.empty()) {
		s.hold(b, batch{gate: gate, replies: 1})
		return
	}
	s.conn.Write(b)
}

// enforceOutputLimit closes a client that does not read its replies (networking.c,
// closeClientOnOutputBufferLimitReached).
func (n *Node) enforceOutputLimit(s *session) {
	limits := &n.cfg().OutputLimits
	limit := limits.Normal.Hard
	if s.subs != nil {
		limit = limits.PubSub.Hard
	}
	if limit > 0 && int64(s.conn.Unsent()) > limit {
		n.log.Warn("Client closed for overcoming of output buffer limits", "addr", s.addr, "bytes", s.conn.Unsent())
		s.closing = true
		s.conn.Close()
	}
}
