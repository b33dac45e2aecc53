package types

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

func TestIDTreeAgainstMap(t *testing.T) {
	for _, value := range []int{0, 8, 24} {
		sp := newTestSpace(t)
		before := sp.Arena.Allocated()
		var tree idTree
		v := tree.bind(sp.Arena, value)
		r := rand.New(rand.NewPCG(uint64(value), 21))
		model := map[StreamID]uint64{}
		for step := range 60_000 {
			id := StreamID{uint64(step / 8), uint64(r.IntN(3))} // nearly in order
			if r.IntN(3) == 0 {
				id = StreamID{uint64(r.IntN(step/8 + 1)), uint64(r.IntN(3))}
			}
			shrinking := step/10_000%2 == 1
			if had := model[id] != 0; r.IntN(10) < 7 == shrinking {
				if shrinking && len(model) > 0 && !had {
					id = firstID(model, v)
				}
				_, had = model[id]
				if removed := v.remove(id); removed != had {
					t.Fatalf("remove(%v) = %v", id, removed)
				}
				delete(model, id)
			} else {
				_, had = model[id]
				place, added := v.put(id)
				if added == had {
					t.Fatalf("put(%v): added %v", id, added)
				}
				model[id] = 1
				if value > 0 {
					model[id] = r.Uint64()
					*(*uint64)(place) = model[id]
				}
			}
			if step%997 == 0 {
				checkIDTree(t, v, model)
			}
		}
		checkIDTree(t, v, model)
		freed := 0
		for v.n > 0 {
			freed += v.dropLast(func(unsafe.Pointer) {})
		}
		if freed != len(model) || v.dropLast(nil) != 0 {
			t.Errorf("dropLast freed %d of %d", freed, len(model))
		}
		if leaked := sp.Arena.Allocated() - before; leaked != 0 {
			t.Errorf("%d bytes leaked", leaked)
		}
	}
}

// firstID returns the least ID, as a queue would remove it.
func firstID(model map[StreamID]uint64, v ids) StreamID {
	c := v.seek(StreamID{})
	return c.id()
}

func checkIDTree(t *testing.T, v ids, model map[StreamID]uint64) {
	t.Helper()
	var want []StreamID
	for id := range model {
		want = append(want, id)
	}
	slices.SortFunc(want, StreamID.Compare)
	var got []StreamID
	for c := v.seek(StreamID{}); c.ok(); c.next() {
		if v.item > StreamIDSize && *(*uint64)(c.value()) != model[c.id()] {
			t.Fatalf("%v has another value", c.id())
		}
		got = append(got, c.id())
	}
	if !slices.Equal(got, want) || int(v.n) != len(want) {
		t.Fatalf("%d items, n = %d, want %d", len(got), v.n, len(want))
	}
	slices.Reverse(got)
	var back []StreamID
	for c := v.last(); c.ok(); c.prev() {
		back = append(back, c.id())
	}
	if !slices.Equal(back, got) {
		t.Fatal("backwards the order is another")
	}
	for i := range 200 {
		id := StreamID{uint64(i * 37), uint64(i % 4)}
		at, exact := slices.BinarySearchFunc(want, id, StreamID.Compare)
		if c := v.seek(id); c.ok() != (at < len(want)) || c.ok() && c.id() != want[at] {
			t.Fatalf("seek(%v)", id)
		}
		if !exact {
			at--
		}
		if c := v.seekLast(id); c.ok() != (at >= 0) || c.ok() && c.id() != want[at] {
			t.Fatalf("seekLast(%v)", id)
		}
		if found := v.find(id) != nil; found != exact {
			t.Fatalf("find(%v) = %v", id, found)
		}
	}
}

// A queue that moves on must not leave nodes behind, and IDs in order fill them.
func TestIDTreeIsCompact(t *testing.T) {
	sp := newTestSpace(t)
	var tree idTree
	v := tree.bind(sp.Arena, 24)
	const n = 10_000
	for i := range uint64(n) {
		v.put(StreamID{i, 0})
	}
	if _, bytes := v.memory(); bytes > n*(StreamIDSize+24)*11/10 {
		t.Errorf("%d items in order take %d bytes", n, bytes)
	}
	for i := range uint64(n) {
		v.remove(StreamID{i, 0})
		v.put(StreamID{n + i, 0})
	}
	if _, bytes := v.memory(); bytes > n*(StreamIDSize+24)*11/10 {
		t.Errorf("a queue of %d items takes %d bytes", n, bytes)
	}
	for i := range uint64(n) { // every twentieth stays
		if i%20 != 0 {
			v.remove(StreamID{n + i, 0})
		}
	}
	if _, bytes := v.memory(); bytes > n/20*(StreamIDSize+24)*3 {
		t.Errorf("%d items left take %d bytes", n/20, bytes)
	}
}

func TestStreamIDText(t *testing.T) {
	for text, want := range map[string]StreamID{
		"0-0": {}, "5-3": {5, 3}, "7": {7, 99}, "18446744073709551615-18446744073709551615": MaxStreamID,
		"007-+5": {7, 5}, " 1-2": {1, 2}, "1--0": {1, 0}, "1--05": {1, 1<<64 - 5},
	} {
		if id, ok := ParseStreamID([]byte(text), 99); !ok || id != want {
			t.Errorf("%q is %v, %v", text, id, ok)
		}
	}
	for _, text := range []string{"", "-", "+", "-1", "1-", "1--5", "x-1", "1-x", "1-1-1", "1.0-1", "18446744073709551616-0", "1-1 "} {
		if id, ok := ParseStreamID([]byte(text), 0); ok {
			t.Errorf("%q is taken for %v", text, id)
		}
	}
	for _, id := range []StreamID{{}, {1, 0}, {0, 1<<64 - 1}, {5, 1<<64 - 1}} {
		next, ok := id.Next()
		back, _ := next.Prev()
		if !ok || back != id || !id.Less(next) || cmp.Compare(0, id.Compare(next)) != 1 {
			t.Errorf("behind %v comes %v, before that %v", id, next, back)
		}
		if RawStreamID(id.AppendRaw(nil)) != id {
			t.Errorf("%v changes in raw form", id)
		}
	}
	if next, ok := MaxStreamID.Next(); ok || !next.IsZero() {
		t.Error("there is an ID behind the last")
	}
	if prev, ok := (StreamID{}).Prev(); ok || prev != MaxStreamID {
		t.Error("there is an ID before the first")
	}
}
