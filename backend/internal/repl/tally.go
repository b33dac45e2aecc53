package repl

import "slices"

// tally is the rules of Confirm without locks, callbacks or time.
type tally struct {
	term    uint64
	any     bool // no group: n of live
	n       int
	current *Holders // nil in a group: the barrier has not opened
	pending *change
	best    map[string]uint64 // incarnation → acknowledged in this term
	live    []*Holder         // of this and, until they leave, of earlier terms
	blind   int               // of live, those that the stream has to tell what is confirmed
	scratch []uint64
}

type change struct {
	Holders
	noted uint64
}

func (t *tally) reset() {
	*t = tally{term: t.term + 1, best: map[string]uint64{}, live: t.live, scratch: t.scratch}
	t.look()
}

// pairs are those that have a say.
func (t *tally) pairs() (pairs []Holders, ok bool) {
	switch {
	case t.any && t.n == 0:
		return nil, true
	case t.any:
		return []Holders{{N: t.n, Members: []string{anybody}}}, true
	case t.current == nil:
		return nil, false
	case t.pending == nil:
		return []Holders{*t.current}, true
	}
	return []Holders{*t.current, t.pending.Holders}, true
}

// look counts the replicas that cannot know by themselves what is confirmed. A plain one
// does not ask, nor say whether it is followed, but those below it may ask.
func (t *tally) look() {
	t.blind = 0
	pairs, _ := t.pairs()
	for _, h := range t.live {
		sees := !h.followed.Load()
		for i := range pairs {
			sees = sees && (pairs[i].N == 0 || pairs[i].N == 1 && pairs[i].has(h.incarnation))
		}
		if !sees && len(pairs) > 0 {
			t.blind++
		}
	}
}

func (t *tally) propose(h Holders, noted uint64) bool {
	switch {
	case t.current == nil && t.pending == nil: // closed or standalone
		return false
	case t.current != nil && h.Version <= t.current.Version:
		return false
	case t.pending != nil && h.Version <= t.pending.Version:
		return false
	}
	t.pending = &change{Holders: h, noted: noted}
	t.look()
	return true
}

func (t *tally) commit(version uint64) bool {
	if t.pending == nil || t.pending.Version != version || !t.ready() {
		return false
	}
	t.current, t.pending = &t.pending.Holders, nil
	t.look()
	return true
}

func (t *tally) ready() bool { return t.confirmedBy(&t.pending.Holders) >= t.pending.noted }

func (t *tally) ack(h *Holder, pos uint64) bool {
	if h.term != t.term || pos < h.acked.Load() {
		return false
	}
	advanced := pos > h.acked.Load() || !h.heard.Load()
	h.acked.Store(pos)
	h.heard.Store(true)
	if h.incarnation != "" && pos >= t.best[h.incarnation] {
		t.best[h.incarnation] = pos
	}
	return advanced
}

func (t *tally) leave(h *Holder) bool {
	if i := slices.Index(t.live, h); i >= 0 {
		t.live = slices.Delete(t.live, i, i+1)
		t.look()
	}
	return false
}

// allowed is the position up to which every pair that has a say confirms.
func (t *tally) allowed() uint64 {
	switch {
	case t.any:
		return t.confirmedByAny()
	case t.current == nil:
		return 0
	case t.pending == nil:
		return t.confirmedBy(t.current)
	}
	return min(t.confirmedBy(t.current), t.confirmedBy(&t.pending.Holders))
}

// leased tells whether a pair that has a say has N = 0.
func (t *tally) leased() bool {
	return t.current != nil && t.current.N == 0 || t.pending != nil && t.pending.N == 0
}

func (t *tally) confirmedBy(h *Holders) uint64 {
	t.scratch = t.scratch[:0]
	for _, m := range h.Members {
		if pos, ok := t.best[m]; ok {
			t.scratch = append(t.scratch, pos)
		}
	}
	return nth(t.scratch, h.N)
}

func (t *tally) confirmedByAny() uint64 {
	t.scratch = t.scratch[:0]
	for _, h := range t.live {
		if h.term == t.term && h.heard.Load() {
			t.scratch = append(t.scratch, h.acked.Load())
		}
	}
	return nth(t.scratch, t.n)
}

// nth returns the n-th largest position: what n of them have reached.
func nth(pos []uint64, n int) uint64 {
	switch {
	case n <= 0:
		return Everything
	case len(pos) < n:
		return 0
	}
	slices.Sort(pos)
	return pos[len(pos)-n]
}
