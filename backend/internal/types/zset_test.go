package types

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
)

type scored struct {
	member string
	score  float64
}

func compareScored(a, b scored) int {
	return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.member, b.member))
}

// zmodel is a sorted set as a sorted slice.
type zmodel []scored

func (m zmodel) find(member string) int {
	return slices.IndexFunc(m, func(s scored) bool { return s.member == member })
}

func (m *zmodel) put(member string, score float64) {
	if i := m.find(member); i >= 0 {
		*m = slices.Delete(*m, i, i+1)
	}
	i, _ := slices.BinarySearchFunc(*m, scored{member, score}, compareScored)
	*m = slices.Insert(*m, i, scored{member, score})
}

var oddScores = []float64{0, 1, -1, 1.5, math.Inf(1), math.Inf(-1), 1e300, -5e-324, 1 << 60, 3.14}

func TestZSetAgainstSlice(t *testing.T) {
	for name, c := range map[string]struct{ members, scores, ops int }{
		"compact":            {100, 10, 8000},
		"large":              {2000, 1 << 30, 12000},
		"large, few scores":  {2000, 5, 12000},
		"large, equal score": {1000, 1, 8000},
	} {
		t.Run(name, func(t *testing.T) {
			sp := newTestSpace(t)
			before := sp.Arena.Allocated()
			r := rand.New(rand.NewPCG(11, 12))
			z, model := sp.NewZSet(1, 1), zmodel(nil)
			for range c.ops {
				member := fmt.Sprint("m", r.IntN(c.members))
				if r.IntN(2) == 0 {
					member = fmt.Sprint(r.IntN(c.members))
				}
				zsetStep(t, r, &z, &model, member, c.scores)
			}
			checkZSet(t, r, &z, model)
			copied := z.Clone()
			z.Free()
			checkZSet(t, r, &copied, model)
			for copied.Len() > 0 { // a member may be removed by the slice that At returned
				member, want := copied.At(r.IntN(copied.Len()))
				if score, ok := copied.Remove(member); !ok || score != want {
					t.Fatalf("Remove(At) = %v, %v, want %v", score, ok, want)
				}
				if x, ok := copied.root.Large.(*ZIndex); ok && r.IntN(10) == 0 {
					checkTree(t, &x.tree)
				}
			}
			copied.Free()
			if leaked := sp.Arena.Allocated() - before; leaked != 0 {
				t.Errorf("%d bytes leaked", leaked)
			}
		})
	}
}

func zsetStep(t *testing.T, r *rand.Rand, z *ZSet, model *zmodel, member string, scores int) {
	t.Helper()
	i := model.find(member)
	switch op := r.IntN(20); {
	case op < 12:
		score := float64(r.IntN(scores))
		if r.IntN(4) == 0 && scores > 1 {
			score = oddScores[r.IntN(len(oddScores))]
		}
		if i >= 0 && r.IntN(2) == 0 && !math.IsInf((*model)[i].score, 0) {
			score = (*model)[i].score + .25 // a small step mostly stays in place
		}
		old, existed := z.Put([]byte(member), score)
		if existed != (i >= 0) || existed && old != (*model)[i].score {
			t.Fatalf("Put(%s) = %v, %v", member, old, existed)
		}
		model.put(member, score)
	case op < 19:
		score, ok := z.Remove([]byte(member))
		if ok != (i >= 0) || ok && score != (*model)[i].score {
			t.Fatalf("Remove(%s) = %v, %v", member, score, ok)
		}
		if ok {
			*model = slices.Delete(*model, i, i+1)
		}
	default:
		start := r.IntN(len(*model) + 1)
		end := min(start+r.IntN(10), len(*model))
		z.RemoveSpan(start, end)
		*model = slices.Delete(*model, start, end)
	}
	if z.Len() != len(*model) {
		t.Fatalf("Len = %d, want %d", z.Len(), len(*model))
	}
}

func checkZSet(t *testing.T, r *rand.Rand, z *ZSet, model zmodel) {
	t.Helper()
	if x, ok := z.root.Large.(*ZIndex); ok {
		checkTree(t, &x.tree)
	}
	for range 200 {
		start := r.IntN(len(model) + 1)
		end := min(start+r.IntN(len(model)+1), len(model))
		for _, reverse := range []bool{false, true} {
			want := slices.Clone(model[start:end])
			if reverse {
				slices.Reverse(want)
			}
			if got := collect(z, start, end, reverse); !slices.Equal(got, want) {
				t.Fatalf("Each(%d, %d, %v) = %v, want %v", start, end, reverse, got, want)
			}
		}
	}
	for i, want := range model {
		rank, score, ok := z.Rank([]byte(want.member))
		if member, s := z.At(i); !ok || rank != i || score != want.score || string(member) != want.member || s != score {
			t.Fatalf("Rank(%s) = %d, %v, want %d, %v; At = %s", want.member, rank, score, i, want.score, member)
		}
	}
	if _, _, ok := z.Rank([]byte("not there")); ok {
		t.Fatal("an absent member has a rank")
	}
	checkSpans(t, r, z, model)
	scanned := map[string]float64{}
	for cursor := z.Scan(0, 10, func(m []byte, s float64) { scanned[string(m)] = s }); cursor != 0; {
		cursor = z.Scan(cursor, 10, func(m []byte, s float64) { scanned[string(m)] = s })
	}
	if m, s := z.Random(); len(scanned) != len(model) || scanned[string(m)] != s {
		t.Fatalf("Scan visits %d of %d", len(scanned), len(model))
	}
}

func collect(z *ZSet, start, end int, reverse bool) (got []scored) {
	z.Each(start, end, reverse, func(m []byte, s float64) bool {
		got = append(got, scored{string(m), s})
		return true
	})
	return got
}

func checkSpans(t *testing.T, r *rand.Rand, z *ZSet, model zmodel) {
	t.Helper()
	score := func() float64 {
		if r.IntN(3) == 0 {
			return oddScores[r.IntN(len(oddScores))]
		}
		return model[r.IntN(len(model))].score
	}
	for range 300 {
		sr := ScoreRange{score(), score(), r.IntN(2) == 0, r.IntN(2) == 0}
		inside := func(s scored) bool {
			return (s.score > sr.Min || s.score == sr.Min && !sr.MinOpen) && (s.score < sr.Max || s.score == sr.Max && !sr.MaxOpen)
		}
		start, end := z.ScoreSpan(sr)
		for i, s := range model {
			if inside(s) != (i >= start && i < end) {
				t.Fatalf("ScoreSpan(%+v) = %d, %d: %v at %d", sr, start, end, s, i)
			}
		}
	}
	if start, end := z.ScoreSpan(ScoreRange{Min: math.Inf(-1), Max: math.Inf(1)}); start != 0 || end != len(model) {
		t.Fatalf("the whole range is %d, %d", start, end)
	}
}

// checkTree holds the tree to what its comments say.
func checkTree(t *testing.T, tr *ztree) {
	t.Helper()
	if tr.root == 0 {
		return
	}
	var leaves []Ref
	var walk func(r Ref, level int) int
	walk = func(r Ref, level int) int {
		if level == 0 {
			l := tr.leaf(r)
			leaves = append(leaves, r)
			for i := 1; i < int(l.n); i++ {
				b := zbound{score: l.score[i], member: tr.dict.Key(l.entry[i]), byScore: true, byMember: true}
				if !b.behind(l.score[i-1], tr.dict.Key(l.entry[i-1])) {
					t.Fatal("a leaf is not in order")
				}
			}
			return int(l.n)
		}
		in, total := tr.inner(r), 0
		if in.n == 0 || in.n > zinnerCap {
			t.Fatalf("an inner node has %d children", in.n)
		}
		for i := range int(in.n) {
			n := walk(in.child[i], level-1)
			score, e := tr.least(in.child[i], level-1)
			if n != int(in.count[i]) || score != in.score[i] || e != in.entry[i] {
				t.Fatalf("child %d has %d members from %v on, noted are %d from %v on", i, n, score, in.count[i], in.score[i])
			}
			total += n
		}
		return total
	}
	if n := walk(tr.root, tr.height); n != tr.dict.Len() {
		t.Fatalf("the tree has %d members of %d", n, tr.dict.Len())
	}
	prev := Ref(0)
	for i, r := range leaves {
		l := tr.leaf(r)
		if l.prev != prev || l.n == 0 || (i == len(leaves)-1) != (l.next == 0) {
			t.Fatal("the chain of leaves is broken")
		}
		prev = r
	}
}

func TestZSetLexSpan(t *testing.T) {
	for _, n := range []int{50, 500} {
		sp := newTestSpace(t)
		z := sp.NewZSet(1, 1)
		var model []string
		for i := range n {
			model = append(model, fmt.Sprintf("%03d", 2*i))
			z.Put([]byte(model[i]), 7)
		}
		at := func(s string) int { return sort.SearchStrings(model, s) }
		for _, c := range []struct {
			r          LexRange
			start, end int
		}{
			{LexRange{LexBound{Infinite: -1}, LexBound{Infinite: 1}}, 0, n},
			{LexRange{LexBound{Infinite: 1}, LexBound{Infinite: -1}}, n, n},
			{LexRange{LexBound{Value: []byte("010")}, LexBound{Value: []byte("020")}}, at("010"), at("020") + 1},
			{LexRange{LexBound{Value: []byte("010"), Open: true}, LexBound{Value: []byte("020"), Open: true}}, at("010") + 1, at("020")},
			{LexRange{LexBound{Value: []byte("011")}, LexBound{Value: []byte("021")}}, at("012"), at("022")},
			{LexRange{LexBound{Value: []byte("020")}, LexBound{Value: []byte("010")}}, at("020"), at("020")},
			{LexRange{LexBound{}, LexBound{Value: []byte("01")}}, 0, at("010")},
		} {
			if start, end := z.LexSpan(c.r); start != c.start || end != c.end {
				t.Errorf("%d members: LexSpan(%+v) = %d, %d, want %d, %d", n, c.r, start, end, c.start, c.end)
			}
		}
	}
}

func TestZSetConverts(t *testing.T) {
	sp := newTestSpace(t)
	fill := func(z *ZSet, n int) {
		for i := range n {
			z.Put(fmt.Append(nil, "m", i), float64(i))
		}
	}
	for _, c := range []struct {
		name string
		n    int
		last string
		want Encoding
	}{
		{"128 members", 128, "m0", EncodingListpack}, {"129 members", 129, "m0", EncodingSkiplist},
		{"64 bytes", 1, strings.Repeat("x", 64), EncodingListpack}, {"65 bytes", 1, strings.Repeat("x", 65), EncodingSkiplist},
	} {
		z := sp.NewZSet(1, 1)
		fill(&z, c.n)
		z.Put([]byte(c.last), 0)
		if z.Encoding() != c.want {
			t.Errorf("%s: %v, want %v", c.name, z.Encoding(), c.want)
		}
	}
	if z := sp.NewZSet(129, 1); z.Encoding() != EncodingSkiplist {
		t.Error("129 expected members must make a large sorted set")
	}
}

func TestLoadZSet(t *testing.T) {
	sp := newTestSpace(t)
	z := sp.NewZSet(1, 1)
	for i, s := range []float64{1.5, math.Inf(-1), 3, 5e18} {
		z.Put(AppendInt(nil, int64(i)), s)
	}
	loaded, err := sp.LoadZSet(slices.Clone(z.Bytes()))
	if err != nil || !slices.Equal(collect(&loaded, 0, 4, false), collect(&z, 0, 4, false)) {
		t.Errorf("loaded %v, %v", collect(&loaded, 0, 4, false), err)
	}
	if _, err := sp.LoadZSet(NewListpack(0).Append([]byte("m")).Append([]byte("nan"))); err == nil {
		t.Error("a score that is no number is accepted")
	}
	sp.Limits.ZSetMaxListpackEntries = 3
	if loaded, err = sp.LoadZSet(slices.Clone(z.Bytes())); err != nil || loaded.Encoding() != EncodingSkiplist || loaded.Len() != 4 {
		t.Errorf("past the limit it is loaded as %v, %v", loaded.Encoding(), err)
	}
}

// TestZSetMemory holds a large sorted set to less than Redis takes: per member a
// dictEntry (32 bytes with its place in the table), a skip list node (56) and an sds.
func TestZSetMemory(t *testing.T) {
	for name, score := range map[string]func(i int) float64{
		"ascending": func(i int) float64 { return float64(i) },
		"random":    func(int) float64 { return rand.Float64() },
	} {
		sp := newTestSpace(t)
		z := sp.NewZSet(1, 1)
		const n, length = 100000, 11
		for i := range n {
			z.Put(fmt.Appendf(nil, "member%05d", i), score(i))
		}
		got := float64(z.MemoryUsage(0)) / n
		t.Logf("%s: %.1f bytes a member", name, got)
		if redis := 32.0 + 8 + 56 + 16; got > 1.1*redis {
			t.Errorf("%s: %.1f bytes a member, Redis takes %.1f", name, got, redis)
		}
	}
}

func TestZSetAllocates(t *testing.T) {
	sp := newTestSpace(t)
	for _, n := range []int{50, 5000} {
		z := sp.NewZSet(1, 1)
		for i := range n {
			z.Put(AppendInt(nil, int64(i)), float64(i))
		}
		m, total, i := []byte("new"), 0.0, 0
		if got := testing.AllocsPerRun(100, func() {
			i++
			z.Put(m, float64(i))
			z.Put([]byte("7"), float64(n-i)+.5)
			rank, score, _ := z.Rank(m)
			z.Each(rank, n, true, func(m []byte, s float64) bool { total += s; return true })
			start, end := z.ScoreSpan(ScoreRange{Min: 3, Max: 7})
			total += score + float64(end-start)
			z.Remove(m)
		}); got != 0 {
			t.Errorf("%v: %v allocations, want 0", z.Encoding(), got)
		}
	}
}

func BenchmarkZSetPut(b *testing.B) {
	sp := newTestSpace(b)
	z := sp.NewZSet(1, 1)
	buf := make([]byte, 0, 32)
	r := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		buf = fmt.Appendf(buf[:0], "element:%012d", r.IntN(1000000))
		z.Put(buf, float64(r.IntN(1000000)))
	}
}
