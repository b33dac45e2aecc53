package backend

import (
	"time"

	"holdfast/backend/netio"
	"holdfast/backend/resp"
)

// heldReplies are replies of one client that must not leave before an offset
// of the replication stream is confirmed (SAFETY §4). They leave in order, so
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

// hold queues replies of a batch until its gate is confirmed.
func (s *session) hold(b []byte, of batch) {
	gate := of.gate
	if n := len(s.held.marks); n > 0 {
		gate = max(gate, s.held.marks[n-1].offset)
	} else {
		loopState(s.conn.Loop()).enqueue(s)
	}
	s.held.out = append(s.held.out, b...)
	s.held.marks = append(s.held.marks, mark{len(s.held.out), gate, of.replies, time.Now()})
	if len(s.held.out) > heldBytes {
		s.conn.Pause()
	}
	if gate <= s.node.confirmed() {
		// The confirmation came between the look at it and here, and may have
		// found nobody waiting.
		s.node.confirmedMore()
	}
}

// release sends what the confirmed offset allows and reports whether nothing
// is left. prefix, on a native link, tells who confirmed.
func (s *session) release(confirmed uint64, prefix []byte) (done bool) {
	h := &s.held
	last := -1
	for i, m := range h.marks {
		if m.offset > confirmed {
			break
		}
		last = i
	}
	if last < 0 {
		return len(h.marks) == 0
	}
	end := h.marks[last].end
	if s.native {
		s.conn.Write(prefix)
	}
	s.conn.Write(h.out[:end])
	s.shift(last+1, end)
	return h.empty()
}

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
	if len(h.out) <= heldBytes/2 && s.conn.Paused() {
		s.conn.Resume()
	}
}

// expire answers -NOACKS in place of replies that waited too long.
func (s *session) expire(before time.Time, text string) {
	h := &s.held
	for len(h.marks) > 0 && h.marks[0].since.Before(before) {
		m := h.marks[0]
		var b []byte
		for range m.replies {
			b = resp.AppendError(b, text)
		}
		s.conn.Write(b)
		s.shift(1, m.end)
	}
}

// perLoop is what a loop keeps for the node: the clients with held replies, in
// the order in which their oldest reply was held.
type perLoop struct {
	held  []*session
	clock *netio.Timer
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

// watch looks for replies that waited too long as long as any are held.
func (p *perLoop) watch(n *Node, l *netio.Loop) {
	p.clock = l.After(100*time.Millisecond, func() {
		p.clock = nil
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
	text := "NOACKS the write was not confirmed by enough replicas within " + limit.String() + "; its outcome is unknown"
	before := time.Now().Add(-limit)
	p.each(func(s *session) bool {
		s.expire(before, text)
		return s.held.empty()
	})
}

// releaseHeld sends on loop l what is confirmed by now.
func (n *Node) releaseHeld(l *netio.Loop) {
	confirmed := n.confirmed()
	prefix := n.acknowledgements()
	loopState(l).each(func(s *session) bool { return s.release(confirmed, prefix) })
}

// each calls f with every client that has held replies and drops those for
// which it reports that none are left.
func (p *perLoop) each(f func(*session) (done bool)) {
	kept := p.held[:0]
	for _, s := range p.held {
		if s.conn.Closed() || f(s) {
			s.node.waiting.Add(-1)
			continue
		}
		kept = append(kept, s)
	}
	clear(p.held[len(kept):])
	p.held = kept
}
