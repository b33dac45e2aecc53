package backend

import (
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/conf"
)

// batch is what one run of commands of one client has in common.
type batch struct {
	gate    uint64 // offset that its replies wait for; 0: none
	proves  bool   // a strong link's: they wait for a proof besides
	replies int    // requests answered
	from    int    // where in the output a native link's frames may begin
	pushed  bool   // what the present request appended is no reply: CLIENT REPLY lets it pass

	// The replies that stand before the first one with a gate need not wait.
	gated        bool
	clear        int // where that one begins
	clearReplies int // answered before it
}

// batchOutput bounds the replies of one batch, bytes: a pipeline that asks for
// large values is served in turns, between which others have theirs.
const batchOutput = 1 << 20

// runBatch executes the requests in in and returns how many bytes it took, and
// whether it stopped before their end though it could go on.
func (n *Node) runBatch(s *session, in []byte) (took int, more bool) {
	x := n.beginBatch(s, in)
	start, began, calls := len(x.Out), n.timing.clock, n.calls
	took, more = n.runRequests(s, x, in)
	s.parser.Release(in)
	n.running, s.unread = nil, len(in)-took
	if s.unread > 0 {
		s.unread -= s.parser.Started(in[took:])
		s.limitRequest()
	}
	n.stats.netIn += int64(took)
	n.stats.netOut += int64(len(x.Out) - start)
	n.timing.turns.turn(n.timing.clock-began, n.calls-calls)
	n.endBatch(s, x, start)
	n.broadcast()
	if n.kept.forgot {
		n.assureWaiting()
	}
	n.loop = nil
	return took, more
}

// beginBatch does what is due before a client's requests run.
func (n *Node) beginBatch(s *session, in []byte) *commands.Ctx {
	n.loop, n.running = s.conn.Loop(), s
	if !n.mu.parted { // in the middle of a script no time passes
		n.tick()
	}
	if n.lapsed || n.confirm.NeedsLease() {
		n.lapse()
	}
	s.lastActive, s.unread = n.now, len(in)
	if n.clientLimit.Load() > 0 {
		s.count()
		n.evictClients() // perhaps this one, before it costs more
	}
	s.batch = batch{}
	n.settleShown()
	n.x.Out, n.x.Proto = s.conn.Buf(), s.proto
	return &n.x
}

// runRequests runs one request after the other until one is not whole or the client
// has to wait. more says that its replies are so many that others come first.
func (n *Node) runRequests(s *session, x *commands.Ctx, in []byte) (took int, more bool) {
	start := len(x.Out)
	expected := 0 // bytes whose keys the store was told of
	for took < len(in) && s.waiting == nil && !s.closing && !s.peer.detached {
		if len(x.Out)-start > batchOutput {
			return took, true
		}
		args, size, err := s.parser.Next(in[took:])
		if err != nil {
			x.Err("ERR " + err.Error())
			s.closing = true
			break
		}
		if size == 0 || n.pause.until != 0 && len(args) > 0 && !n.mu.parted && n.stalls(s, args) {
			break
		}
		if took >= expected && took+size < len(in) { // others stand behind it
			expected = took + n.expectRequests(s, in[took:])
		}
		took += size
		if len(args) > 0 {
			n.serve(s, x, args)
		}
	}
	return took, false
}

// serve runs one request, serves the clients that waited for what it changed,
// and lets CLIENT REPLY leave its answer out.
func (n *Node) serve(s *session, x *commands.Ctx, args [][]byte) {
	before := len(x.Out)
	s.batch.pushed = false
	if s.link != "" {
		s.counted++
	}
	n.exec(s, x, args)
	if len(n.ready) > 0 {
		n.wakeReady()
	}
	switch s.quiet {
	case replyOff, replySkipping:
		if !s.batch.pushed {
			x.Out = x.Out[:before]
		}
		if s.quiet == replySkipping && s.waiting == nil {
			s.quiet = replyOn // else the reply that comes later is the one
		}
	case replySkip:
		s.quiet = replySkipping
	default:
		if s.batch.gate > 0 && !s.batch.gated && s.waiting == nil {
			s.batch.gated, s.batch.clear, s.batch.clearReplies = true, before, s.batch.replies
		}
		s.batch.replies++
	}
	if s.tracker != nil {
		s.tracker.commandEnds(s)
	}
	x.Proto = s.proto
	if len(n.asides) > 0 {
		x.Out = append(x.Out, n.asides...)
		n.asides = n.asides[:0]
	}
}

// endBatch hands the batch's replies to the connection, or to the queue of
// those that wait for confirmations.
func (n *Node) endBatch(s *session, x *commands.Ctx, start int) {
	b := &s.batch
	if s.native {
		x.Out = n.insertPair(s, x.Out, max(start, b.from))
		b.gate = max(b.gate, n.proofFor(b))
	}
	if len(x.Out) > start && (b.gate > 0 && b.gate > n.confirmed() || !s.held.empty()) {
		at := start
		if s.held.empty() && b.gated && !s.native {
			at, b.replies = b.clear, b.replies-b.clearReplies
		}
		s.hold(x.Out[at:], b.gate, b.replies)
		x.Out = x.Out[:at]
	}
	if len(x.Out) > 0 {
		s.put(x.Out)
	}
	x.Out = nil
	s.limitOutput()
}

// promptOutput is how many bytes of replies leave at once.
const promptOutput = 16 << 10

// put gives the connection its output. Small ones leave together with those of the
// other clients of the loop's turn: each write would wake a client which then finds
// little to do and sleeps again (a sixth of LPUSH's processor time at depth 16). Large
// ones are written while the processor's caches still have them.
func (s *session) put(out []byte) {
	if len(out) > promptOutput {
		s.conn.SetBuf(out)
		return
	}
	s.conn.SetBufLater(out)
}

// reply sends the answer of a request that ended outside its own batch: that of
// a client which waited. gate is the offset it must wait for, 0 for none. CLIENT
// REPLY may leave it out, as serve does. The engine lock is held.
func (s *session) reply(b []byte, gate uint64) {
	switch s.quiet {
	case replyOn:
		s.emit(b, gate, 1)
	case replySkip:
		s.emit(b, gate, 1)
		s.quiet = replySkipping
	case replySkipping:
		s.quiet = replyOn
	}
}

// push sends bytes that answer no request. The engine lock is held.
func (s *session) push(b []byte) { s.emit(b, 0, 0) }

// emit sends bytes to a client outside its own batch. They are copied when
// another loop owns the client, and follow the reply when it is the one whose
// command runs.
func (s *session) emit(b []byte, gate uint64, replies int) {
	n := s.node
	switch {
	case len(b) == 0:
	case s == n.woken:
		n.behind = append(n.behind, b...)
	case s == n.running:
		n.asides = append(n.asides, b...)
	case s.conn.Loop() == n.loop:
		s.emitHere(b, gate, replies)
	default:
		n.stream.Publish() // its loop may send this before the batch ends, and has what is published in the file by then
		own := append([]byte(nil), b...)
		s.onWay.Add(int32(replies))
		s.conn.Loop().Post(func() {
			s.onWay.Add(int32(-replies))
			s.emitHere(own, gate, replies)
		})
	}
}

// emitHere is emit on the client's own loop. Nothing overtakes what is held.
func (s *session) emitHere(b []byte, gate uint64, replies int) {
	switch {
	case s.conn.Closed() || s.leaves && replies == 0:
	case gate > 0 && gate > s.node.confirmed() || !s.held.empty():
		s.hold(b, gate, replies)
	default:
		s.conn.Write(b)
	}
	s.limitOutput()
}

// uncounted are the bytes of replies that no limit of a client's output sees: in Redis they have a place of their own, of
// 1 KB (PROTO_REPLY_MIN_BYTES) at least, so that the smallest limit lets a client through that reads.
const uncounted = 1 << 10

// limitOutput closes a client that does not read what it is sent (networking.c,
// checkClientOutputBufferLimits). It runs on the client's loop, with or without
// the engine lock: it looks only at what the loop itself changes.
func (s *session) limitOutput() {
	s.count()
	if s.node.clientLimit.Load() > 0 {
		loopState(s.conn.Loop()).stir(s)
	}
	limit := s.outputLimit()
	if limit.Hard == 0 && limit.Soft == 0 || s.conn.Closed() {
		return
	}
	size := max(int64(s.conn.Unsent()+len(s.held.out))-uncounted, 0)
	over := limit.Hard > 0 && size > limit.Hard
	if limit.Soft == 0 || size <= limit.Soft {
		s.softSince = 0
	} else if now := time.Now().UnixMilli(); s.softSince == 0 {
		s.softSince = now
	} else {
		over = over || now-s.softSince > limit.SoftFor.Milliseconds()
	}
	if over {
		s.node.log.Warn("Client closed for overcoming of output buffer limits", "addr", s.addr, "bytes", size)
		s.dropped.Store(true)
		s.conn.Close()
		s.count()
	}
}

// outputLimit is the limit that holds for a client, which replicas are not.
func (s *session) outputLimit() conf.OutputLimit {
	limits := &s.node.cfg().OutputLimits
	if s.listens.Load() {
		return limits.PubSub
	}
	return limits.Normal
}

// replyLimit is how many bytes of replies the client whose batch runs may leave
// unread; 0: any number.
func (n *Node) replyLimit() int64 {
	if n.running == nil {
		return 0
	}
	if hard := n.running.outputLimit().Hard; hard > 0 {
		return hard + uncounted
	}
	return 0
}
