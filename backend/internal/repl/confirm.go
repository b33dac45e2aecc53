package repl

import (
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
const Everything = leased - 1

// leased marks a position that is released only under a lease.
const leased = 1 << 63

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
	confirmed atomic.Uint64 // with the mark leased
	reached   atomic.Uint64
	tells     atomic.Bool
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
func (c *Confirm) Confirmed() uint64 { return c.confirmed.Load() &^ leased }

// Releasable is Confirmed, and whether that holds only while the caller has a
// lease: NeedsLease at the same moment.
func (c *Confirm) Releasable() (pos uint64, needsLease bool) {
	v := c.confirmed.Load()
	return v &^ leased, v&leased != 0
}

// Reached is the highest position that was ever confirmed in the present term. It
// does not fall with Confirmed: the pair that confirmed it counts until the next
// one has it too (rules 3 and 4). What N = 0 confirms is not among it.
func (c *Confirm) Reached() uint64 { return c.reached.Load() }

// Tells reports whether some connected replica cannot know by itself what is
// confirmed, so that the stream has to tell it (see Told).
func (c *Confirm) Tells() bool { return c.tells.Load() }

// Pairs are those that have a say now, as Told has them. ok is false while there are
// none yet: before the barrier, or when the node is no master.
func (c *Confirm) Pairs() (pairs []Holders, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tally.pairs()
}

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
		t.look()
		return true
	})
}

// SetCount changes n of a Standalone term without ending it; it does nothing
// in any other.
func (c *Confirm) SetCount(n int) {
	c.update(func(t *tally) bool {
		if t.any {
			t.n = n
			t.look()
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
func (c *Confirm) NeedsLease() bool { return c.confirmed.Load()&leased != 0 }

// N is how many have to confirm: that of the pair in use, of a Standalone term its
// count; 0 when the node is no master.
func (c *Confirm) N() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch t := &c.tally; {
	case t.any:
		return t.n
	case t.current != nil:
		return t.current.N
	}
	return 0
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
	tell = tell || now > c.Confirmed()
	if c.tally.leased() {
		c.confirmed.Store(now | leased)
	} else {
		c.confirmed.Store(now)
	}
	c.reach(now)
	c.tells.Store(c.tally.blind > 0)
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
	followed    atomic.Bool   // it has replicas of its own
}

// Join adds a connected replica to the present term; incarnation is empty for
// a plain Redis. Leave takes it out again.
func (c *Confirm) Join(incarnation string) *Holder {
	h := &Holder{c: c, incarnation: incarnation}
	c.update(func(t *tally) bool {
		h.term = t.term
		t.live = append(t.live, h)
		t.look()
		return t.blind > 0
	})
	return h
}

// Followed notes whether the replica has replicas of its own.
func (h *Holder) Followed(yes bool) {
	if h.followed.Swap(yes) != yes {
		h.c.update(func(t *tally) bool { t.look(); return t.blind > 0 })
	}
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
