package types

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestListAgainstSlice(t *testing.T) {
	for name, c := range map[string]struct{ fill, size, most int }{
		"one listpack":        {-2, 10, 100},
		"nodes of 8 KiB":      {-2, 400, 500},
		"nodes of 3 elements": {3, 10, 60},
		"long elements":       {-1, 9000, 40},
	} {
		t.Run(name, func(t *testing.T) {
			sp := newTestSpace(t)
			sp.Limits.ListMaxListpackSize = c.fill
			before := sp.Arena.Allocated()
			r := rand.New(rand.NewPCG(13, 14))
			l, model := sp.NewList(), []string(nil)
			value := func() []byte {
				if r.IntN(2) == 0 {
					return AppendInt(nil, int64(r.IntN(20)))
				}
				return []byte(strings.Repeat(string(rune('a'+r.IntN(3))), r.IntN(c.size)))
			}
			for step := range 8000 {
				model = listStep(t, r, &l, model, value(), len(model) > c.most)
				if step%50 == 0 {
					checkList(t, r, &l, model)
				}
			}
			copied := l.Clone()
			l.Free()
			checkList(t, r, &copied, model)
			copied.Free()
			if leaked := sp.Arena.Allocated() - before; leaked != 0 {
				t.Errorf("%d bytes leaked", leaked)
			}
		})
	}
}

// listStep does the same to a list and to a slice; less makes it remove rather than add.
func listStep(t *testing.T, r *rand.Rand, l *List, model []string, v []byte, less bool) []string {
	t.Helper()
	i := r.IntN(len(model) + 1)
	op := r.IntN(12)
	if less {
		op = 8 + r.IntN(4)
	}
	switch {
	case op < 2:
		l.Push(Tail, v, []byte("7"))
		model = append(model, string(v), "7")
	case op < 4:
		l.Push(Head, v, []byte("7"))
		model = slices.Insert(model, 0, "7", string(v))
	case op < 6:
		l.Insert(i, v)
		model = slices.Insert(model, i, string(v))
	case op < 7 && i < len(model): // an element of the list itself
		own := l.At(i)
		want := string(own)
		l.Insert(i, own)
		model = slices.Insert(model, i, want)
	case op < 8 && i < len(model):
		l.Set(i, v)
		model[i] = string(v)
	case op < 10:
		n := r.IntN(len(model) - i + 1)
		if r.IntN(8) > 0 {
			n = min(n, 3)
		}
		l.RemoveRange(i, n)
		model = slices.Delete(model, i, i+n)
	case i < len(model):
		n, backwards := r.IntN(3), r.IntN(2) == 0
		removed := l.RemoveMatches([]byte(model[i]), n, backwards)
		var want int
		if model, want = removeMatches(model, model[i], n, backwards); removed != want {
			t.Fatalf("RemoveMatches removed %d, want %d", removed, want)
		}
	}
	if l.Len() != len(model) {
		t.Fatalf("Len = %d, want %d after operation %d", l.Len(), len(model), op)
	}
	return model
}

func removeMatches(model []string, v string, n int, backwards bool) (left []string, removed int) {
	if backwards {
		slices.Reverse(model)
	}
	for _, s := range model {
		if s == v && (n == 0 || removed < n) {
			removed++
		} else {
			left = append(left, s)
		}
	}
	if backwards {
		slices.Reverse(left)
	}
	return left, removed
}

func checkList(t *testing.T, r *rand.Rand, l *List, model []string) {
	t.Helper()
	nodes := 0
	l.EachNode(func(lp []byte) bool {
		nodes++
		if !ValidListpack(lp, 1) || l.large() && (Listpack(lp).Len() != int(l.quick().nodes()[nodes-1].count) || Listpack(lp).Len() == 0) {
			t.Fatal("a node is not valid, empty, or miscounted")
		}
		return true
	})
	if nodes > len(model)+1 {
		t.Fatalf("%d nodes for %d elements", nodes, len(model))
	}
	for i, want := range model {
		if got := l.At(i); string(got) != want {
			t.Fatalf("At(%d) = %.20q, want %.20q", i, got, want)
		}
	}
	if len(model) == 0 {
		return
	}
	i := r.IntN(len(model))
	for _, side := range []Side{Head, Tail} {
		want := slices.Clone(model[i:])
		if side == Head {
			want = slices.Clone(model[:i+1])
			slices.Reverse(want)
		}
		var got []string
		l.Each(i, len(want), side, func(v []byte) bool { got = append(got, string(v)); return true })
		if !slices.Equal(got, want) {
			t.Fatalf("Each(%d) differs towards %v", i, side)
		}
		var at []int
		l.Match([]byte(model[i]), i, len(want), side, func(i int) bool { at = append(at, i); return true })
		for j, v := range want {
			index := i + j
			if side == Head {
				index = i - j
			}
			if (v == model[i]) != slices.Contains(at, index) {
				t.Fatalf("Match(%.20q) = %v", model[i], at)
			}
		}
	}
}

func TestListConverts(t *testing.T) {
	sp := newTestSpace(t)
	kilo := []byte(strings.Repeat("x", 1000))
	l := sp.NewList()
	for range 8 {
		l.Push(Tail, kilo)
	}
	if l.Encoding() != EncodingListpack {
		t.Errorf("8 kB: %v, want listpack", l.Encoding())
	}
	l.Push(Head, kilo)
	if l.Encoding() != EncodingQuicklist {
		t.Errorf("9 kB: %v, want quicklist", l.Encoding())
	}
	l.RemoveRange(0, 4)
	if l.Encoding() != EncodingQuicklist || l.Len() != 5 {
		t.Errorf("back to 5 kB: %v, want quicklist", l.Encoding())
	}
	l.RemoveRange(0, 1)
	if l.Encoding() != EncodingListpack || l.Len() != 4 {
		t.Errorf("back to 4 kB: %v, want listpack", l.Encoding())
	}
	sp.Limits.ListMaxListpackSize = 4
	l.Push(Tail, kilo)
	if l.Encoding() != EncodingQuicklist {
		t.Errorf("5 elements of 4: %v, want quicklist", l.Encoding())
	}
}

func TestLoadList(t *testing.T) {
	sp := newTestSpace(t)
	var nodes [][]byte
	var want []string
	for i := range 3 {
		lp := NewListpack(0)
		for j := range 100 {
			v := fmt.Sprint("value", i, j)
			lp, want = lp.Append([]byte(v)), append(want, v)
		}
		nodes = append(nodes, lp)
	}
	for n := 1; n <= 3; n++ {
		l := sp.NewList()
		for _, node := range nodes[:n] {
			if err := l.LoadNode(node); err != nil {
				t.Fatal(err)
			}
		}
		l.Settle()
		var got []string
		l.Each(0, l.Len(), Tail, func(v []byte) bool { got = append(got, string(v)); return true })
		if (l.Encoding() == EncodingListpack) != (n == 1) || !slices.Equal(got, want[:100*n]) {
			t.Errorf("%d nodes: %v of %d elements", n, l.Encoding(), l.Len())
		}
	}
	l := sp.NewList()
	if err := l.LoadNode(nodes[0][1:]); err == nil {
		t.Error("a corrupt node is accepted")
	}
}

// TestListInsertsKeepNodesFull holds merging to its purpose.
func TestListInsertsKeepNodesFull(t *testing.T) {
	sp := newTestSpace(t)
	l := sp.NewList()
	r := rand.New(rand.NewPCG(15, 16))
	value, bytes := []byte(strings.Repeat("v", 100)), 0
	for i := range 20000 {
		l.Insert(r.IntN(i+1), value)
		bytes += len(value)
	}
	if used := l.MemoryUsage(0); used > 2*bytes {
		t.Errorf("%d bytes of elements take %d", bytes, used)
	}
}

func TestListAllocates(t *testing.T) {
	sp := newTestSpace(t)
	for _, n := range []int{10, 10000} {
		l := sp.NewList()
		value, total := []byte("some value"), 0
		for range n {
			l.Push(Tail, value)
		}
		if got := testing.AllocsPerRun(1000, func() {
			l.Push(Head, value)
			l.Push(Tail, value, value)
			l.Each(l.Len()/2, 100, Tail, func(v []byte) bool { total += len(v); return true })
			l.Set(3, value)
			total += len(l.At(5))
			l.RemoveRange(0, 2)
			l.RemoveRange(l.Len()-1, 1)
		}); got > 0.1 { // the array of nodes is moved now and then
			t.Errorf("%v: %v allocations, want 0", l.Encoding(), got)
		}
	}
}

func BenchmarkListQueue(b *testing.B) {
	sp := newTestSpace(b)
	l := sp.NewList()
	value := []byte(strings.Repeat("v", 64))
	for range 100000 {
		l.Push(Tail, value)
	}
	for b.Loop() {
		l.Push(Tail, value)
		l.RemoveRange(0, 1)
	}
}

// A list that grows and shrinks at its ends keeps what it should, whatever stands
// in front of its nodes' listpacks, and takes no more than twice what it holds.
func TestListAtItsEnds(t *testing.T) {
	sp := newTestSpace(t)
	before := sp.Arena.Allocated()
	r := rand.New(rand.NewPCG(17, 18))
	l, model := sp.NewList(), []string(nil)
	push := func(side Side, v []byte) {
		text := string(v) // v may lie in the list
		if l.Push(side, v); side == Head {
			model = slices.Insert(model, 0, text)
		} else {
			model = append(model, text)
		}
	}
	remove := func(side Side, n int) {
		i := 0
		if side == Tail {
			i = len(model) - n
		}
		l.RemoveRange(i, n)
		model = slices.Delete(model, i, i+n)
	}
	for phase := range 60 {
		// Each phase grows or shrinks the list, mostly at one end.
		growing, most := phase%3 != 2, Side(r.IntN(2) == 0)
		for range 400 {
			side := most
			if r.IntN(10) == 0 {
				side = !side
			}
			switch {
			case growing == (r.IntN(8) > 0) || len(model) == 0:
				v := AppendInt(nil, int64(r.IntN(1000)))
				if r.IntN(3) == 0 {
					v = []byte(strings.Repeat("x", r.IntN(200)))
				}
				push(side, v)
			case r.IntN(20) == 0:
				push(Head, l.At(0))
			case r.IntN(20) == 0:
				v := strings.Repeat("y", r.IntN(300))
				model[0] = v
				l.Set(0, []byte(v))
			default:
				remove(side, min(1+r.IntN(2), len(model)))
			}
		}
		checkList(t, r, &l, model)
		if l.large() {
			held := l.quick().Bytes()
			for _, n := range l.quick().nodes() {
				if c := sp.Arena.Cap(n.ref); int(n.gap) >= c {
					t.Fatalf("a gap of %d bytes in a block of %d", n.gap, c)
				}
			}
			if taken := sp.Arena.Allocated() - before; taken > int64(2*held+16<<10) {
				t.Errorf("%d bytes are taken for nodes of %d", taken, held)
			}
		}
	}
	l.Free()
	if leaked := sp.Arena.Allocated() - before; leaked != 0 {
		t.Errorf("%d bytes leaked", leaked)
	}
}
