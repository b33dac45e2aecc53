package types

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// modelEntry is an entry of the slice that a stream is compared with.
type modelEntry struct {
	id    StreamID
	pairs string
}

func TestStreamAgainstSlice(t *testing.T) {
	for name, limits := range map[string][2]int{"100 entries": {4096, 100}, "2 entries": {4096, 2}, "small nodes": {200, 0}, "one node": {0, 0}} {
		t.Run(name, func(t *testing.T) {
			sp := newTestSpace(t)
			sp.Limits.StreamNodeMaxBytes, sp.Limits.StreamNodeMaxEntries = limits[0], limits[1]
			before := sp.Arena.Allocated()
			r := rand.New(rand.NewPCG(uint64(limits[1]), 22))
			s, model, last := sp.NewStream(), []modelEntry(nil), StreamID{}
			for step := range 6000 {
				model, last = streamStep(t, r, &s, model, last)
				if step%50 == 0 {
					checkStream(t, r, &s, model)
				}
			}
			copied := s.Clone()
			s.Free()
			checkStream(t, r, &copied, model)
			copied.Free()
			if leaked := sp.Arena.Allocated() - before; leaked != 0 {
				t.Errorf("%d bytes leaked", leaked)
			}
		})
	}
}

func streamStep(t *testing.T, r *rand.Rand, s *Stream, model []modelEntry, last StreamID) ([]modelEntry, StreamID) {
	t.Helper()
	switch op := r.IntN(100); {
	case op < 80:
		id := StreamID{last.Ms + uint64(r.IntN(2)), uint64(r.IntN(1000))}
		pairs := []string{"temp 1 hum 2", "temp -77 hum x", "a b", "12 34", "a " + strings.Repeat("v", 1+r.IntN(300))}[r.IntN(5)]
		err := s.Append(id, bytes.Fields([]byte(pairs)))
		if ok := last.Less(id); ok != (err == nil) {
			t.Fatalf("Append(%v) behind %v: %v", id, last, err)
		}
		if err == nil {
			return append(model, modelEntry{id, pairs}), id
		}
	case op < 95 && len(model) > 0:
		i := r.IntN(len(model))
		if !s.Delete(model[i].id) || s.Delete(model[i].id) {
			t.Fatalf("Delete(%v)", model[i].id)
		}
		return slices.Delete(model, i, i+1), last
	case len(model) > 0:
		trim := StreamTrim{ByID: op%2 == 0, MinID: model[r.IntN(len(model))].id, MaxLen: uint64(r.IntN(len(model) + 1)), Whole: r.IntN(4) == 0}
		n := len(model) - int(trim.MaxLen)
		if trim.ByID {
			n = slices.IndexFunc(model, func(e modelEntry) bool { return !e.id.Less(trim.MinID) })
		}
		removed := int(s.Trim(trim))
		if removed > n || !trim.Whole && removed != n {
			t.Fatalf("Trim(%+v) of %d removed %d, want %d", trim, len(model), removed, n)
		}
		return slices.Delete(model, 0, removed), last
	}
	return model, last
}

func checkStream(t *testing.T, r *rand.Rand, s *Stream, model []modelEntry) {
	t.Helper()
	s.EachNode(func(_ StreamID, lp []byte) bool {
		if !validStreamNode(lp) {
			t.Fatal("a node is not valid")
		}
		return true
	})
	first := StreamID{}
	if len(model) > 0 {
		first = model[0].id
	}
	if info := s.Info(); info.First != first || int(info.Length) != len(model) {
		t.Fatalf("%+v, want %d entries from %v on", info, len(model), first)
	}
	from, to := StreamID{}, MaxStreamID
	if len(model) > 0 && r.IntN(2) == 0 {
		from, to = model[r.IntN(len(model))].id, model[r.IntN(len(model))].id
	}
	var want []modelEntry
	for _, e := range model {
		if !e.id.Less(from) && !to.Less(e.id) {
			want = append(want, e)
		}
	}
	for _, reverse := range []bool{false, true} {
		var got []modelEntry
		for e := s.Entries(from, to, reverse); e.Next(); {
			var words []string
			for range e.Fields {
				field, value := e.Pair()
				words = append(words, string(field), string(value))
			}
			got = append(got, modelEntry{e.ID, strings.Join(words, " ")})
		}
		if reverse {
			slices.Reverse(got)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("Entries(%v, %v, %v): %d entries, want %d", from, to, reverse, len(got), len(want))
		}
	}
}

// A stream whose last node holds deleted entries alone has no first one.
func TestStreamOfDeletedEntries(t *testing.T) {
	sp := newTestSpace(t)
	s := sp.NewStream()
	for i := range uint64(3) {
		s.Append(StreamID{i + 1, 0}, bytes.Fields([]byte("f v")))
	}
	s.Delete(StreamID{3, 0})
	if n := s.Trim(StreamTrim{ByID: true, MinID: StreamID{3, 0}}); n != 2 {
		t.Errorf("%d entries were trimmed", n)
	}
	first, ok := s.Edge(false)
	if nodes, _ := s.Nodes(); nodes != 1 || s.Info().First != (StreamID{}) || ok || !first.IsZero() {
		t.Errorf("%d nodes, %+v, the first entry is %v, %v", nodes, s.Info(), first, ok)
	}
}

// TestStreamBytesAreRedis compares with the node that redis-server 7.0.15 dumps for
// the same commands.
func TestStreamBytesAreRedis(t *testing.T) {
	sp := newTestSpace(t)
	s := sp.NewStream()
	for i, pairs := range []string{"temp 1 hum 200", "temp 70000 hum x", "a b"} {
		if err := s.Append(StreamID{uint64(1000 + i), uint64(i)}, bytes.Fields([]byte(pairs))); err != nil {
			t.Fatal(err)
		}
	}
	s.Delete(StreamID{1001, 1})
	s.EachNode(func(master StreamID, lp []byte) bool {
		const want = "4700000019000201010102018474656d70058368756d0400010201000100010101c0c802050103010101" +
			"0101f270110104817802050100010201020101018161028162020601ff"
		if got := fmt.Sprintf("%x", lp); master != (StreamID{1000, 0}) || got != want {
			t.Errorf("node %v differs from Redis:\n got %s\nwant %s", master, got, want)
		}
		return true
	})
}

func TestGroupsAgainstMap(t *testing.T) {
	sp := newTestSpace(t)
	before := sp.Arena.Allocated()
	s := sp.NewStream()
	g, _ := s.AddGroup([]byte("g"), StreamID{}, EntriesUnknown)
	if _, ok := s.AddGroup([]byte("g"), StreamID{}, 0); ok {
		t.Fatal("a name is taken twice")
	}
	s.AddGroup([]byte("another"), StreamID{5, 5}, 7)
	r := rand.New(rand.NewPCG(5, 23))
	owners := map[StreamID]string{}
	for range 5000 {
		name := fmt.Append(nil, "c", r.IntN(20))
		c, ok := g.Consumer(name)
		if !ok {
			c, _ = g.AddConsumer(name, 1)
		}
		id := StreamID{uint64(r.IntN(300)), 1}
		switch r.IntN(40) {
		default:
			g.Deliver(Pending{ID: id, Consumer: c, Delivered: 9, Count: 3})
			owners[id] = string(name)
		case 0:
			g.RemoveConsumer(c)
			for id, owner := range owners {
				if owner == string(name) {
					delete(owners, id)
				}
			}
		case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16:
			if _, was := owners[id]; g.Acknowledge(id) != was {
				t.Fatalf("Acknowledge(%v) is not %v", id, was)
			}
			delete(owners, id)
		}
	}
	copied := s.Clone()
	s.Free()
	g, _ = copied.Group([]byte("g"))
	n := 0
	g.EachConsumer(func(c Consumer) bool {
		c.EachPending(StreamID{}, func(id StreamID) bool {
			if p, ok := g.FindPending(id); !ok || owners[id] != string(c.Name()) || string(p.Consumer.Name()) != owners[id] || p.Count != 3 {
				t.Errorf("%v is pending for %s, in the group for %s", id, c.Name(), owners[id])
			}
			n++
			return true
		})
		return true
	})
	if n != len(owners) || g.Pending() != n {
		t.Errorf("%d entries are pending, %d for consumers, want %d", g.Pending(), n, len(owners))
	}
	copied.RemoveGroup(g)
	if left, ok := copied.Group([]byte("another")); copied.Groups() != 1 || !ok || left.EntriesRead() != 7 {
		t.Error("another group was removed too")
	}
	copied.Free()
	if leaked := sp.Arena.Allocated() - before; leaked != 0 {
		t.Errorf("%d bytes leaked", leaked)
	}
}

// TestStreamIsFreedInSteps holds what Tidy counts on.
func TestStreamIsFreedInSteps(t *testing.T) {
	sp := newTestSpace(t)
	before := sp.Arena.Allocated()
	s := sp.NewStream()
	g, _ := s.AddGroup([]byte("g"), StreamID{}, 0)
	c, _ := g.AddConsumer([]byte("c"), 0)
	for i := range uint64(20_000) {
		s.Append(StreamID{i + 1, 0}, [][]byte{[]byte("f"), []byte("v")})
		g.Deliver(Pending{ID: StreamID{i + 1, 0}, Consumer: c})
	}
	pieces := sp.Pieces(s.Root())
	if n := pieces.Len(); n < 20_200 {
		t.Errorf("%d pieces", n)
	}
	steps := 0
	for !pieces.ClearStep(100) {
		steps++
	}
	if steps < 200 || sp.Arena.Allocated() != before {
		t.Errorf("%d steps leave %d bytes", steps, sp.Arena.Allocated()-before)
	}
}

// TestHostileStreamNodes damages nodes: whatever is still accepted must be walkable,
// trimmable and deletable without leaving the node, and be valid afterwards.
func TestHostileStreamNodes(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 24))
	accepted := 0
	for range 60_000 {
		bad := slices.Clone(streamNodeBytes(t))
		for range 1 + r.IntN(2) {
			bad[r.IntN(len(bad))] = []byte{0, 1, 2, 3, 127, 128, 0xC0, 0xF1, 0xF4, 0xFF, byte(r.Uint32())}[r.IntN(11)]
		}
		if exerciseStreamNode(t, bad) {
			accepted++
		}
	}
	if accepted < 100 {
		t.Errorf("only %d nodes were accepted: nothing was tried", accepted)
	}
}

var nodeBytes []byte

func streamNodeBytes(t testing.TB) []byte {
	if nodeBytes == nil {
		sp := newTestSpace(t)
		s := sp.NewStream()
		for i, pairs := range []string{"temp 1 hum 200", "temp 70000 hum x", "a b", "temp 5 hum 6"} {
			s.Append(StreamID{uint64(1000 + i), 5}, bytes.Fields([]byte(pairs)))
		}
		s.Delete(StreamID{1001, 5})
		s.EachNode(func(_ StreamID, lp []byte) bool { nodeBytes = slices.Clone(lp); return true })
	}
	return nodeBytes
}

var hostileSpace *Space

// exerciseStreamNode loads a node and does everything to it that commands can.
func exerciseStreamNode(t testing.TB, b []byte) (accepted bool) {
	if hostileSpace == nil {
		a, err := NewArena()
		if err != nil {
			t.Fatal(err)
		}
		hostileSpace = NewSpace(a)
	}
	s := hostileSpace.NewStream()
	defer s.Free()
	if s.LoadNode(StreamID{1000, 5}, b) != nil {
		return false
	}
	walk := func() (all []StreamID) {
		for _, reverse := range []bool{false, true} {
			for e := s.Entries(StreamID{}, MaxStreamID, reverse); e.Next(); {
				for range e.Fields {
					e.Pair()
				}
				all = append(all, e.ID)
			}
		}
		return all
	}
	seen := walk()
	s.SetInfo(StreamInfo{Last: StreamID{5000, 0}})
	s.Append(StreamID{6000, 0}, [][]byte{[]byte("temp"), []byte("1"), []byte("hum"), []byte("2")})
	s.Trim(StreamTrim{ByID: true, MinID: StreamID{1002, 5}})
	s.Trim(StreamTrim{MaxLen: 2})
	for _, id := range seen {
		s.Delete(id)
	}
	walk()
	s.EachNode(func(_ StreamID, lp []byte) bool {
		if !validStreamNode(lp) {
			t.Fatalf("a node became invalid: %x was %x", lp, b)
		}
		return true
	})
	return true
}

func FuzzStreamNode(f *testing.F) {
	f.Add(streamNodeBytes(f))
	f.Add([]byte(NewListpack(32).AppendInt(0).AppendInt(0).AppendInt(9).AppendInt(0))) // no entries, and fields that are not there
	f.Fuzz(func(t *testing.T, b []byte) { exerciseStreamNode(t, b) })
}

func TestStreamAllocates(t *testing.T) {
	sp := newTestSpace(t)
	s := sp.NewStream()
	g, _ := s.AddGroup([]byte("g"), StreamID{}, 0)
	c, _ := g.AddConsumer([]byte("c"), 0)
	pairs, id := bytes.Fields([]byte("temp 1 hum 2")), uint64(0)
	if got := testing.AllocsPerRun(2000, func() {
		id++
		if s.Append(StreamID{id, 0}, pairs) != nil {
			t.Fatal("not appended")
		}
		g.Deliver(Pending{ID: StreamID{id, 0}, Consumer: c})
		for e := s.Entries(StreamID{id, 0}, MaxStreamID, false); e.Next(); {
			e.Pair()
		}
		g.Acknowledge(StreamID{id, 0})
		s.Trim(StreamTrim{MaxLen: 50})
	}); got > 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}
