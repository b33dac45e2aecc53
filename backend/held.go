package backend

import (
	"sync"
	"time"

	"holdfast/backend/netio"
	"holdfast/backend/resp"
)

// heldReplies are replies of one client that must not leave before an offset
// of the replication stream is confirmed. They leave in order, so
// whatever comes behind them waits too.
type heldReplies struct {
	out   []byte
	marks []mark
}

// mark says that out up to end may leave once offset is confirmed.
type mark struct {
	end     int
	offset  uint64
	replies int
	since   time.Time
}

func (h *heldReplies) empty() bool { return len(h.marks) == 0 }

func (h *heldReplies) drop() { h.out, h.marks = nil, nil }

// heldBytes bounds what may wait for one client; one that pipelines on without
// getting answers is paused by then.
const heldBytes = 8 << 20

// hold queues bytes that answer so many requests until gate is confirmed, and
// in any case behind what is held already.
func (s *session) hold(b []byte, gate uint64, replies int) {
	if n := len(s.held.marks); n > 0 {
		gate = max(gate, s.held.marks[n-1].offset)
	} else {
		loopState(s.conn.Loop()).enqueue(s)
	}
	s.held.out = append(s.held.out, b...)
	s.held.marks = append(s.held.marks, mark{len(s.held.out), gate, replies, time.Now()})
	if len(s.held.out) > heldBytes {
		s.conn.Pause()
	}
	if gate <= s.node.confirmed() {
		// The confirmation came between the look at it and here, and may have
		// found nobody waiting.
		s.node.confirmedMore()
	}
}

// release sends what the confirmed offset allows. frames, on a native link,
// tells who confirmed it.
func (s *session) release(confirmed uint64, frames func() []byte) {
	h := &s.held
	n := 0
	for n < len(h.marks) && h.marks[n].offset <= confirmed {
		n++
	}
	if n == 0 {
		return
	}
	end := h.marks[n-1].end
	if s.native {
		s.conn.Write(frames())
	}
	s.conn.Write(h.out[:end])
	s.node.acks.released(h.marks[:n])
	s.shift(n, end)
}

// expire answers -NOACKS in place of replies that waited since before that
// time.
func (s *session) expire(before time.Time, text string) {
	h := &s.held
	for len(h.marks) > 0 && h.marks[0].since.Before(before) {
		s.node.acks.gaveUp(h.marks[0].replies)
		s.refuseFirst(text)
	}
}

// giveUp answers an error in place of the replies at the head that wait for
// more than the offset gate.
func (s *session) giveUp(gate uint64, text string) {
	for h := &s.held; len(h.marks) > 0 && h.marks[0].offset > gate; {
		s.refuseFirst(text)
	}
}

// refuseFirst answers an error to the requests of the first mark. On a native link
// it is a frame: a read can be sent again, and a script may invent any error.
func (s *session) refuseFirst(text string) {
	m := s.held.marks[0]
	if m.replies == 0 { // messages, which are nobody's answer
		s.conn.Write(s.held.out[:m.end])
	}
	var b []byte
	for range m.replies {
		if s.native {
			b = resp.AppendSimple(append(b, ">2\r\n+hfn\r\n"...), text)
		} else {
			b = resp.AppendError(b, text)
		}
	}
	s.conn.Write(b)
	s.reported = pair{} // the frame that told it may be among what is dropped
	s.shift(1, m.end)
}

// shift takes the first marks and bytes out. What may follow from that, more
// input or the end of the connection, is left for a later turn of the loop: its
// list of waiting clients is being looked through.
func (s *session) shift(marks, bytes int) {
	h := &s.held
	h.out = h.out[:copy(h.out, h.out[bytes:])]
	h.marks = h.marks[:copy(h.marks, h.marks[marks:])]
	for i := range h.marks {
		h.marks[i].end -= bytes
	}
	if h.empty() && cap(h.out) > 64<<10 {
		h.out = nil
	}
	switch {
	case s.leaves && h.empty():
		s.conn.Loop().Post(s.conn.CloseAfterWrite)
	case len(h.out) <= heldBytes/2 && s.conn.Paused():
		s.conn.Loop().Post(s.resume)
	}
}

// perLoop is what a loop keeps for the node: the clients with held replies, in
// the order in which their oldest reply was held.
type perLoop struct {
	held    []*session
	clock   *netio.Timer
	stirred []*session // to be counted at the end of the turn
}

func loopState(l *netio.Loop) *perLoop {
	if l.Local == nil {
		l.Local = new(perLoop)
	}
	return l.Local.(*perLoop)
}

func (p *perLoop) enqueue(s *session) {
	p.held = append(p.held, s)
	s.node.waiting.Add(1)
	if p.clock == nil {
		p.watch(s.node, s.conn.Loop())
	}
}

// watch looks for replies that waited too long as long as any are held. It also
// releases, in case a confirmation came before this loop was known to the
// server.
func (p *perLoop) watch(n *Node, l *netio.Loop) {
	p.clock = l.After(100*time.Millisecond, func() {
		p.clock = nil
		n.releaseHeld(l)
		n.expireHeld(p)
		if len(p.held) > 0 {
			p.watch(n, l)
		}
	})
}

func (n *Node) expireHeld(p *perLoop) {
	limit := n.cfg().WriteAcksTimeout
	if limit <= 0 {
		return
	}
	text := "NOACKS not confirmed by enough replicas within " + limit.String() + "; the outcome of a write is unknown"
	before := time.Now().Add(-limit)
	p.each(func(s *session) { s.expire(before, text) })
}

// releaseHeld sends on loop l what is confirmed by now.
func (n *Node) releaseHeld(l *netio.Loop) {
	confirmed := n.confirmed()
	frames := sync.OnceValue(n.acknowledgements)
	loopState(l).each(func(s *session) { s.release(confirmed, frames) })
}

// each calls f with every client that has held replies and drops those that
// have none left. f must not run requests: these may add clients to the list.
func (p *perLoop) each(f func(*session)) {
	kept := p.held[:0]
	for _, s := range p.held {
		if !s.conn.Closed() {
			if f(s); !s.held.empty() {
				kept = append(kept, s)
				continue
			}
		}
		s.node.waiting.Add(-1)
	}
	clear(p.held[len(kept):])
	p.held = kept
}
