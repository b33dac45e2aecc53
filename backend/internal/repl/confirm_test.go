package repl

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// group is a Confirm with replicas named by incarnation.
type group struct {
	*Confirm
	t       *testing.T
	holders map[string]*Holder
}

func newGroup(t *testing.T) *group {
	return &group{NewConfirm(nil), t, map[string]*Holder{}}
}

func (g *group) ack(incarnation string, pos uint64) {
	h := g.holders[incarnation]
	if h == nil {
		h = g.Join(incarnation)
		g.holders[incarnation] = h
	}
	h.Ack(pos)
}

func (g *group) expect(when string, want uint64) {
	g.t.Helper()
	if got := g.Confirmed(); got != want {
		g.t.Errorf("%s: confirmed up to %d, want %d", when, got, want)
	}
}

func TestNth(t *testing.T) {
	cases := []struct {
		pos  []uint64
		n    int
		want uint64
	}{
		{nil, 0, Everything},
		{nil, 1, 0},
		{[]uint64{5}, 1, 5},
		{[]uint64{5, 9, 7}, 1, 9},
		{[]uint64{5, 9, 7}, 2, 7},
		{[]uint64{5, 9, 7}, 3, 5},
		{[]uint64{5, 9, 7}, 4, 0},
	}
	for _, c := range cases {
		if got := nth(append([]uint64{}, c.pos...), c.n); got != c.want {
			t.Errorf("%d of %v have reached %d, want %d", c.n, c.pos, got, c.want)
		}
	}
}

func TestStandaloneCountsConnectedReplicas(t *testing.T) {
	g := newGroup(t)
	g.expect("closed", 0)
	g.Standalone(0)
	g.expect("nobody has to confirm", Everything)
	g.SetCount(1)
	g.expect("one has to", 0)
	a, b := g.Join(""), g.Join("")
	a.Ack(100)
	g.expect("one did", 100)
	g.SetCount(2)
	g.expect("two have to", 0)
	b.Ack(60)
	g.expect("two did", 60)
	if n := g.Count(60); n != 2 {
		t.Errorf("%d replicas have 60", n)
	}
	b.Leave()
	g.expect("one left", 0)
	if n := g.Count(60); n != 1 {
		t.Errorf("%d replicas have 60", n)
	}
	g.SetCount(1)
	g.expect("one is enough again", 100)
}

func TestAReplicaThatSaidNothingHasNothing(t *testing.T) {
	g := newGroup(t)
	g.Standalone(1)
	h := g.Join("")
	if n := g.Count(0); n != 0 {
		t.Errorf("%d replicas acknowledged position 0", n)
	}
	h.Ack(0)
	if n := g.Count(0); n != 1 {
		t.Errorf("%d replicas acknowledged position 0", n)
	}
}

func TestBarrierOpensWithTheCommit(t *testing.T) {
	g := newGroup(t)
	g.Open(Holders{Version: 7, N: 1, Members: []string{"b", "c"}}, 1000)
	g.ack("b", 999)
	g.expect("before the record is confirmed", 0)
	if g.Commit(7) {
		t.Error("a pair that is not ready was committed")
	}
	g.ack("b", 1200)
	g.expect("confirmed, not committed", 0)
	if _, pending, ready := g.Version(); pending != 7 || !ready {
		t.Errorf("pending %d, ready %v", pending, ready)
	}
	if g.Commit(6) || g.Commit(8) {
		t.Error("another version's commit opened the barrier")
	}
	if !g.Commit(7) {
		t.Error("the commit did not open the barrier")
	}
	g.expect("open", 1200)
	if current, pending, _ := g.Version(); current != 7 || pending != 0 {
		t.Errorf("current %d, pending %d", current, pending)
	}
}

func TestOnlyMembersCount(t *testing.T) {
	g := newGroup(t)
	g.Open(Holders{Version: 1, N: 2, Members: []string{"b", "c"}}, 10)
	g.ack("b", 50)
	g.ack("stranger", 90)
	g.ack("", 95)
	if _, _, ready := g.Version(); ready {
		t.Error("a stranger made the pair ready")
	}
	g.ack("c", 20)
	g.Commit(1)
	g.expect("both members", 20)
}

func TestAMemberThatLeavesStillHoldsItsBytes(t *testing.T) {
	g := newGroup(t)
	g.Open(Holders{Version: 1, N: 1, Members: []string{"b"}}, 10)
	g.ack("b", 50)
	g.Commit(1)
	g.holders["b"].Leave()
	g.expect("its connection is gone", 50)
	again := g.Join("b")
	again.Ack(40) // Redis repeats an acknowledgement after a reconnect
	g.expect("it is back", 50)
	again.Ack(70)
	g.expect("and went on", 70)
}

func TestAChangeNeedsBothPairs(t *testing.T) {
	g := newGroup(t)
	g.Open(Holders{Version: 1, N: 1, Members: []string{"b", "c"}}, 10)
	g.ack("b", 100)
	g.Commit(1)
	if !g.Change(Holders{Version: 2, N: 2, Members: []string{"c", "d"}}, 100) {
		t.Fatal("the change was not accepted")
	}
	g.expect("the new pair has nothing", 0)
	g.ack("c", 150)
	g.ack("d", 90)
	g.expect("both pairs", 90)
	if g.Commit(2) {
		t.Error("committed before the noted position was confirmed")
	}
	g.ack("d", 120)
	g.expect("both pairs", 120)
	g.ack("b", 500)
	g.expect("the old pair alone does not do", 120)
	if !g.Commit(2) {
		t.Error("not committed")
	}
	g.ack("d", 140)
	g.expect("the new pair alone", 140)
}

func TestVersionsOnlyRise(t *testing.T) {
	g := newGroup(t)
	g.ack("b", 1) // some replica is there before any term
	if g.Change(Holders{Version: 1}, 0) {
		t.Error("a closed table accepted a change")
	}
	g.Standalone(1)
	if g.Change(Holders{Version: 1}, 0) {
		t.Error("a table without a group accepted a change")
	}
	g.Open(Holders{Version: 5, N: 1, Members: []string{"b"}}, 0)
	for _, v := range []uint64{1, 4, 5} {
		if g.Change(Holders{Version: v, N: 0}, 0) {
			t.Errorf("version %d replaced the pending 5", v)
		}
	}
	if !g.Change(Holders{Version: 6, N: 1, Members: []string{"c"}}, 0) {
		t.Error("a newer version did not replace the pending one")
	}
	if g.Commit(5) {
		t.Error("a replaced version was committed")
	}
	g.holders = map[string]*Holder{}
	g.ack("c", 3)
	if !g.Commit(6) {
		t.Error("the newest version was not committed")
	}
	if g.Change(Holders{Version: 6, N: 0}, 0) {
		t.Error("the version in use was accepted again")
	}
}

func TestZeroOnEitherSideAsksForALease(t *testing.T) {
	g := newGroup(t)
	g.Open(Holders{Version: 1, N: 1, Members: []string{"b"}}, 10)
	g.ack("b", 30)
	g.Commit(1)
	if g.NeedsLease() {
		t.Error("a lease with N = 1")
	}
	g.Change(Holders{Version: 2, N: 0, Members: []string{"b"}}, 30) // degrade
	if !g.NeedsLease() {
		t.Error("no lease while N = 0 is pending")
	}
	g.expect("the old pair still has its say", 30)
	g.Commit(2)
	g.expect("degraded", Everything)
	if !g.NeedsLease() {
		t.Error("no lease with N = 0")
	}
	g.Change(Holders{Version: 3, N: 1, Members: []string{"b"}}, 60) // restore
	g.expect("the new pair has a say", 30)
	g.ack("b", 60)
	g.Commit(3)
	if g.NeedsLease() {
		t.Error("a lease after N = 1 was restored")
	}
}

// TestOldTermsCountForNothing is the interleaving of a
// confirmation for another epoch: it arrives after the role changed.
func TestReachedFallsOnlyWithTheTerm(t *testing.T) {
	g := newGroup(t)
	expect := func(when string, want uint64) {
		t.Helper()
		if got := g.Reached(); got != want {
			t.Errorf("%s: reached %d, want %d", when, got, want)
		}
	}
	g.Standalone(0)
	expect("nobody has to confirm", 0)
	g.SetCount(1)
	g.ack("a", 10)
	g.holders["a"].Leave()
	g.expect("the replica left", 0)
	expect("the replica left", 10)
	g.Open(Holders{Version: 1, N: 1, Members: []string{"b"}}, 5)
	expect("a new term", 0)
	g.ack("b", 20)
	expect("behind the barrier", 0)
	g.Commit(1)
	expect("the barrier is open", 20)
	g.Change(Holders{Version: 2, N: 1, Members: []string{"c"}}, 20)
	g.expect("under a change", 0)
	expect("under a change", 20)
	g.Close()
	expect("closed", 0)
}

func TestOldTermsCountForNothing(t *testing.T) {
	g := newGroup(t)
	g.Open(Holders{Version: 1, N: 1, Members: []string{"b"}}, 10)
	g.ack("b", 30)
	g.Commit(1)
	g.Close()
	g.expect("closed", 0)
	g.Open(Holders{Version: 2, N: 1, Members: []string{"b"}}, 20)
	g.ack("b", 40) // over the connection of the former term
	if _, _, ready := g.Version(); ready {
		t.Error("an acknowledgement of the former term made the barrier ready")
	}
	g.holders["b"] = g.Join("b")
	g.ack("b", 40)
	if !g.Commit(2) {
		t.Error("not committed")
	}
	g.Standalone(1)
	g.holders["b"].Ack(90)
	g.expect("standalone, old connection", 0)
}

func TestChangedIsToldOfWhatWaitersNeed(t *testing.T) {
	told := 0
	c := NewConfirm(func() { told++ })
	step := func(what string, want bool, f func()) {
		t.Helper()
		before := told
		f()
		if (told > before) != want {
			t.Errorf("%s: told %v, want %v", what, told > before, want)
		}
	}
	var a, b *Holder
	step("a term begins", true, func() { c.Standalone(2) })
	step("replicas join who cannot say whether any below them has to be told", true, func() { a, b = c.Join(""), c.Join("") })
	step("one acknowledges: WAIT 1 may be done", true, func() { a.Ack(10) })
	step("it repeats itself", false, func() { a.Ack(10) })
	step("the second acknowledges", true, func() { b.Ack(5) })
	step("one leaves", false, b.Leave)
	step("the count falls", true, func() { c.SetCount(1) })
}

// TestNothingIsConfirmedTooEarly checks the rules against a second, naive
// reading of them, over random histories.
func TestNothingIsConfirmedTooEarly(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		g := newGroup(t)
		pick := func(version uint64) Holders {
			h := Holders{Version: version, N: rnd.IntN(3)}
			for _, i := range rnd.Perm(len(names))[:2+rnd.IntN(3)] {
				h.Members = append(h.Members, names[i])
			}
			return h
		}
		acked := map[string]uint64{}
		end := uint64(10)
		pairs := []Holders{pick(1)}
		committed := false
		g.Open(pairs[0], end)
		noted := end
		for step := range 200 {
			switch rnd.IntN(8) {
			case 0:
				h := pick(pairs[len(pairs)-1].Version + 1)
				if committed && len(pairs) == 2 || !committed {
					pairs = pairs[:len(pairs)-1]
				}
				pairs = append(pairs, h)
				noted = end
				if !g.Change(h, noted) {
					t.Fatalf("seed %d step %d: change refused", seed, step)
				}
			case 1:
				if g.Commit(pairs[len(pairs)-1].Version) {
					pairs, committed = pairs[len(pairs)-1:], true
				}
			default:
				end += uint64(rnd.IntN(5))
				n := names[rnd.IntN(len(names))]
				acked[n] = max(acked[n], end-uint64(rnd.IntN(int(min(end, 8)))))
				g.ack(n, acked[n])
			}
			want := uint64(0)
			if committed {
				want = Everything
				for _, p := range pairs {
					want = min(want, naive(p, acked))
				}
			}
			if got := g.Confirmed(); got != want {
				t.Fatalf("seed %d step %d: confirmed %d, want %d (pairs %+v, acks %v)", seed, step, got, want, pairs, acked)
			}
			if _, pending, ready := g.Version(); pending != 0 && ready != (naive(pairs[len(pairs)-1], acked) >= noted) {
				t.Fatalf("seed %d step %d: ready is %v", seed, step, ready)
			}
		}
	}
}

// naive tries every position.
func naive(h Holders, acked map[string]uint64) uint64 {
	if h.N == 0 {
		return Everything
	}
	for pos := uint64(1000); pos > 0; pos-- {
		n := 0
		for _, m := range h.Members {
			if acked[m] >= pos {
				n++
			}
		}
		if n >= h.N {
			return pos
		}
	}
	return 0
}

func TestConfirmIsSafeForConcurrentUse(t *testing.T) {
	var c *Confirm
	c = NewConfirm(func() { c.Confirmed() })
	c.Open(Holders{Version: 1, N: 1, Members: []string{"r0", "r1", "r2"}}, 0)
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			h := c.Join(fmt.Sprint("r", i))
			for pos := range uint64(2000) {
				h.Ack(pos)
				c.Commit(1)
				c.Count(pos)
			}
			h.Leave()
		})
	}
	all.Wait()
	if c.Confirmed() != 1999 {
		t.Errorf("confirmed %d", c.Confirmed())
	}
}

func TestAckDoesNotAllocate(t *testing.T) {
	c := NewConfirm(nil)
	c.Open(Holders{Version: 1, N: 1, Members: []string{"a", "b", "c"}}, 0)
	h := c.Join("a")
	h.Ack(1)
	c.Commit(1)
	pos := uint64(1)
	if n := testing.AllocsPerRun(1000, func() { pos++; h.Ack(pos) }); n != 0 {
		t.Errorf("%v allocations per acknowledgement", n)
	}
}
