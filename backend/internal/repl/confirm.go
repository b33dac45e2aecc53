package repl

import (
	"math"
	"sync"
	"sync/atomic"
)

// Holders is the pair (H, N): a reply to a write may leave the master when N
// of Members, named by incarnation, have confirmed it. Version is the one the
// group agreed on.
type Holders struct {
	Version uint64
	N       int
	Members []string
}

// Everything is what Confirmed returns when no confirmation is needed.
const Everything = math.MaxUint64

// Confirm knows how far the stream is confirmed and thereby which replies may
// be released. The rules:
//
//  1. A position is confirmed by a pair when N of its members acknowledged it
//     or a later one. N = 0 confirms everything, and the caller needs a lease.
//  2. An acknowledgement counts only if it came over a connection that was
//     joined in the present term: every Open, Standalone and Close ends the
//     term, so what was sent to an earlier epoch counts for nothing.
//  3. While a pair is being changed, only what both pairs confirm is
//     confirmed.
//  4. The new pair is ready when it confirms the position noted at the
//     change's beginning; only then does Commit put it in the old one's place.
//  5. After a promotion there is no old pair, and nothing is confirmed before
//     the first Commit: the barrier.
//  6. A newer version replaces a change under way; equal and older ones are
//     ignored.
//
// Without a group any connected replica counts (Standalone).
//
// All methods are safe for concurrent use. Confirmed may fall as well as rise:
// with a change of the pair, or, without a group, when a replica leaves.
type Confirm struct {
	confirmed atomic.Uint64
	reached   atomic.Uint64
	changed   func() // called without the lock

	mu    sync.Mutex
	tally tally
	term  uint64 // of reached
}

// NewConfirm returns a Confirm in the closed state: nothing is confirmed.
// changed, which may be nil, is called from the goroutine that brought an
// acknowledgement or a change of the pair, after it took effect; it must not
// block.
func NewConfirm(changed func()) *Confirm {
	if changed == nil {
		changed = func() {}
	}
	c := &Confirm{changed: changed}
	c.tally.reset()
	return c
}

// Confirmed is the position up to which replies may be released.
func (c *Confirm) Confirmed() uint64 { return c.confirmed.Load() }

// Reached is the highest position that was ever confirmed in the present term. It
// does not fall with Confirmed: the pair that confirmed it counts until the next
// one has it too (rules 3 and 4). What N = 0 confirms is not among it.
func (c *Confirm) Reached() uint64 { return c.reached.Load() }

// Open begins a term as a group's master: nothing is confirmed until members
// of h confirmed noted, the end of the epoch record, and Commit told that the
// group agreed.
func (c *Confirm) Open(h Holders, noted uint64) {
	c.update(func(t *tally) bool {
		t.reset()
		t.pending = &change{Holders: h, noted: noted}
		return true
	})
}

// Standalone begins a term without a group: n connected replicas of any kind
// have to confirm.
func (c *Confirm) Standalone(n int) {
	c.update(func(t *tally) bool {
		t.reset()
		t.any, t.n = true, n
		return true
	})
}

// SetCount changes n of a Standalone term without ending it; it does nothing
// in any other.
func (c *Confirm) SetCount(n int) {
	c.update(func(t *tally) bool {
		if t.any {
			t.n = n
		}
		return t.any
	})
}

// Close ends the term: the node is no master any more.
func (c *Confirm) Close() {
	c.update(func(t *tally) bool { t.reset(); return true })
}

// Change begins the change to h; noted is the stream's end now. It reports
// false when the version is not newer than all it knows or no term is open.
func (c *Confirm) Change(h Holders, noted uint64) (accepted bool) {
	c.update(func(t *tally) bool {
		accepted = t.propose(h, noted)
		return accepted
	})
	return accepted
}

// Commit tells the newest version that the group has agreed on. A ready
// change that carries it is complete; Commit reports whether one was.
func (c *Confirm) Commit(version uint64) (done bool) {
	c.update(func(t *tally) bool {
		done = t.commit(version)
		return done
	})
	return done
}

// Version says which pair is in use (0: none), which is pending (0: none) and
// whether that one is ready.
func (c *Confirm) Version() (current, pending uint64, ready bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tally.current != nil {
		current = c.tally.current.Version
	}
	if p := c.tally.pending; p != nil {
		pending, ready = p.Version, c.tally.ready()
	}
	return current, pending, ready
}

// NeedsLease reports whether a pair in use or pending has N = 0, so that the
// right to serve rests on a lease.
func (c *Confirm) NeedsLease() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.tally
	return t.current != nil && t.current.N == 0 || t.pending != nil && t.pending.N == 0
}

// Count returns how many connected replicas acknowledged pos: WAIT's answer.
func (c *Confirm) Count(pos uint64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, h := range c.tally.live {
		if h.acked.Load() >= pos && h.heard.Load() {
			n++
		}
	}
	return n
}

// CountDurable returns how many connected replicas have pos on disk: WAITAOF's
// second answer.
func (c *Confirm) CountDurable(pos uint64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, h := range c.tally.live {
		if h.onDisk.Load() >= pos && h.heard.Load() {
			n++
		}
	}
	return n
}

// update changes the tally; f tells whether something changed that Confirmed
// does not show but that someone may wait for.
func (c *Confirm) update(f func(*tally) bool) {
	c.mu.Lock()
	tell := f(&c.tally)
	now := c.tally.allowed()
	tell = tell || now > c.confirmed.Load()
	c.confirmed.Store(now)
	c.reach(now)
	c.mu.Unlock()
	if tell {
		c.changed()
	}
}

// reach notes what is confirmed now for Reached.
func (c *Confirm) reach(now uint64) {
	if c.term != c.tally.term {
		c.term = c.tally.term
		c.reached.Store(0)
	}
	if now != Everything && now > c.reached.Load() {
		c.reached.Store(now)
	}
}

// Holder is one connected replica in the table.
type Holder struct {
	c           *Confirm
	incarnation string // "" for a plain Redis
	term        uint64
	acked       atomic.Uint64
	onDisk      atomic.Uint64 // what it says is on its disk
	heard       atomic.Bool   // it has acknowledged at all
}

// Join adds a connected replica to the present term; incarnation is empty for
// a plain Redis. Leave takes it out again.
func (c *Confirm) Join(incarnation string) *Holder {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := &Holder{c: c, incarnation: incarnation, term: c.tally.term}
	c.tally.live = append(c.tally.live, h)
	return h
}

// Ack records that the replica holds the stream up to pos. Positions that fall
// are ignored.
func (h *Holder) Ack(pos uint64) {
	h.c.update(func(t *tally) bool { return t.ack(h, pos) })
}

// Synced records that the replica has the stream up to pos on disk. It is said
// together with Ack.
func (h *Holder) Synced(pos uint64) { h.onDisk.Store(max(pos, h.onDisk.Load())) }

// Acked is the last acknowledged position.
func (h *Holder) Acked() uint64 { return h.acked.Load() }

// Leave takes the replica out. What its incarnation confirmed in this term
// stays confirmed in a group: it still holds those bytes.
func (h *Holder) Leave() {
	h.c.update(func(t *tally) bool { return t.leave(h) })
}
