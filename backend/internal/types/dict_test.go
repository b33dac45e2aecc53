package types

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestDictAgainstMap(t *testing.T) {
	a := newTestArena(t)
	d := NewDict(a)
	model := map[string]string{}
	rng := rand.New(rand.NewPCG(3, 4))
	value := func() string { return fmt.Sprintf("%0*d", rng.IntN(200)+1, rng.Uint32()) }
	for phase := range 6 {
		for range 20_000 {
			k := fmt.Sprint("key", rng.IntN(8000))
			switch op := rng.IntN(10); {
			case phase%2 == 0 && op < 6:
				v := value()
				if _, added := d.Put([]byte(k), []byte(v)); added == has(model, k) {
					t.Fatalf("Put(%s) added = %v", k, added)
				}
				model[k] = v
			case op < 8:
				if d.Delete([]byte(k)) != has(model, k) {
					t.Fatalf("Delete(%s) disagrees", k)
				}
				delete(model, k)
			default:
				e := d.Find([]byte(k))
				if (e != 0) != has(model, k) || e != 0 && string(d.Value(e)) != model[k] {
					t.Fatalf("Find(%s) = %d", k, e)
				}
				if e != 0 && op == 9 { // lengthen and shorten
					n := rng.IntN(300)
					if e = d.Resize(e, n); string(d.Value(e)[:min(n, len(model[k]))]) != model[k][:min(n, len(model[k]))] {
						t.Fatal("Resize lost bytes")
					}
					copy(d.Value(e), make([]byte, n))
					model[k] = string(make([]byte, n))
				}
			}
			if d.Len() != len(model) {
				t.Fatalf("Len() = %d, want %d", d.Len(), len(model))
			}
		}
		seen := 0
		d.Each(func(e Ref) bool {
			seen++
			if v, ok := model[string(d.Key(e))]; !ok || v != string(d.Value(e)) {
				t.Fatalf("Each visits %q", d.Key(e))
			}
			return true
		})
		if seen != len(model) {
			t.Fatalf("Each visited %d of %d", seen, len(model))
		}
	}
	d.Clear()
	if d.Len() != 0 || a.Allocated() != 0 {
		t.Errorf("after Clear: %d entries, %d bytes", d.Len(), a.Allocated())
	}
	if d.Put([]byte("a"), []byte("b")); string(d.Value(d.Find([]byte("a")))) != "b" {
		t.Error("a cleared dictionary cannot be used again")
	}
}

func has(m map[string]string, k string) bool { _, ok := m[k]; return ok }

// What is there all the time must be seen, however the table grows and shrinks
// between the calls.
func TestScanSeesWhatStays(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for round := range 200 {
		d := NewDict(newTestArena(t))
		stay := rng.IntN(300)
		for i := range stay {
			d.Put(fmt.Append(nil, "stay", i), nil)
		}
		seen := map[string]bool{}
		extra, limit, growing := 0, rng.IntN(3000), true
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			cursor = d.Scan(cursor, func(e Ref) { seen[string(d.Key(e))] = true })
			for range rng.IntN(60) {
				if growing && extra < limit {
					d.Put(fmt.Append(nil, "extra", extra), nil)
					extra++
				} else if extra > 0 {
					growing = false
					extra--
					d.Delete(fmt.Append(nil, "extra", extra))
				}
			}
			growing = growing || extra == 0 && limit < 500
		}
		for i := range stay {
			if !seen[fmt.Sprint("stay", i)] {
				t.Fatalf("round %d: stay%d of %d was not visited", round, i, stay)
			}
		}
	}
}

func TestScanWithoutChangesVisitsOnce(t *testing.T) {
	d := NewDict(newTestArena(t))
	for i := range 1000 {
		d.Put(fmt.Append(nil, i), nil)
	}
	for d.Rehash(100) {
	}
	visits := 0
	cursor := d.Scan(0, func(Ref) { visits++ })
	for cursor != 0 {
		cursor = d.Scan(cursor, func(Ref) { visits++ })
	}
	if visits != 1000 {
		t.Errorf("%d visits of 1000 entries", visits)
	}
}

func TestRandomIsFair(t *testing.T) {
	d := NewDict(newTestArena(t))
	const n, rounds = 100, 100_000
	for i := range n {
		d.Put(fmt.Append(nil, i), nil)
	}
	hits := map[string]int{}
	for range rounds {
		hits[string(d.Key(d.Random()))]++
	}
	chi := 0.0
	for i := range n {
		diff := float64(hits[fmt.Sprint(i)]) - rounds/n
		chi += diff * diff / (rounds / n)
	}
	if chi > 200 { // 99 degrees of freedom: one run in a hundred million
		t.Errorf("chi square %v: some entries are favoured", chi)
	}
}

func TestShrinkGivesTheTableBack(t *testing.T) {
	a := newTestArena(t)
	d := NewDict(a)
	for i := range 10_000 {
		d.Put(fmt.Append(nil, i), nil)
	}
	for i := range 9_990 {
		d.Delete(fmt.Append(nil, i))
	}
	for d.Rehash(1000) {
	}
	if d.Overhead() > 4096 {
		t.Errorf("%d bytes of tables for %d entries", d.Overhead(), d.Len())
	}
}

func TestDictOutOfSpace(t *testing.T) {
	a := newTestArena(t)
	a.limit = 20
	d := NewDict(a)
	n := 0
	for ; ; n++ {
		if e, _ := d.Put(fmt.Append(nil, n), make([]byte, 100)); e == 0 {
			break
		}
	}
	if n < 500 || d.Len() != n {
		t.Fatalf("%d entries, Len() = %d", n, d.Len())
	}
	if e, _ := d.Put([]byte("1"), make([]byte, 20_000)); e != 0 {
		t.Fatal("a value was grown without space")
	}
	for i := range n {
		if len(d.Value(d.Find(fmt.Append(nil, i)))) != 100 {
			t.Fatalf("entry %d was damaged", i)
		}
	}
}

func TestDictDoesNotAllocate(t *testing.T) {
	d := NewDict(newTestArena(t))
	key := make([]byte, 8)
	val := make([]byte, 64)
	i := uint64(0)
	visit := func(Ref) {}
	keys := make([][]byte, 100)
	for j := range keys {
		keys[j] = []byte{byte(j), 7, 0, 0, 0, 0, 0, 0}
	}
	if n := testing.AllocsPerRun(5000, func() {
		i++
		binary.LittleEndian.PutUint64(key, i%2000)
		d.Put(key, val)
		d.Find(key)
		d.Scan(i, visit)
		d.Warm(i)
		d.WarmKeys(keys)
		d.Random()
		binary.LittleEndian.PutUint64(key, (i+7)%2000)
		d.Delete(key)
	}); n != 0 {
		t.Errorf("%v heap allocations", n)
	}
}

func BenchmarkDictFind(b *testing.B) {
	d := NewDict(newTestArena(b))
	key := make([]byte, 16)
	val := make([]byte, 64)
	const n = 1 << 20
	for i := range uint64(n) {
		binary.LittleEndian.PutUint64(key, i)
		d.Put(key, val)
	}
	b.ReportAllocs()
	b.ResetTimer()
	x := uint64(1)
	for range b.N {
		x = x*6364136223846793005 + 1442695040888963407
		binary.LittleEndian.PutUint64(key, x>>44)
		if d.Find(key) == 0 {
			b.Fatal("missing")
		}
	}
}

func BenchmarkDictRandom(b *testing.B) {
	for _, left := range []int{180_000, 90_000, 45_000} {
		b.Run(fmt.Sprint(left), func(b *testing.B) {
			d := NewDict(newTestArena(b))
			for i := range 180_000 {
				d.Put(fmt.Appendf(nil, "element:%012d", i), nil)
			}
			for i := left; i < 180_000; i++ {
				d.Delete(fmt.Appendf(nil, "element:%012d", i))
			}
			for d.Rehash(1000) {
			}
			for b.Loop() {
				d.Random()
			}
		})
	}
}
