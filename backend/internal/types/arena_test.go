package types

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func newTestArena(t testing.TB) *Arena {
	t.Helper()
	a, err := NewArena()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func TestClassesHoldWhatTheyAreAskedFor(t *testing.T) {
	for n := 0; n <= maxSmall; n++ {
		c := classOf(n)
		if size := int(classes[c].size); size < n || c > 0 && int(classes[c-1].size) >= n && n > 0 {
			t.Fatalf("classOf(%d) = %d with blocks of %d", n, c, size)
		}
	}
	for c, cl := range classes {
		if cl.pages > 16 || cl.size%unit != 0 {
			t.Errorf("class %d: %+v", c, cl)
		}
	}
}

// block is what the random test believes a block to hold.
type block struct {
	r    Ref
	n    int
	fill byte
}

func (b block) check(t *testing.T, a *Arena) {
	t.Helper()
	if c := a.Cap(b.r); c < b.n {
		t.Fatalf("block %d: capacity %d below %d", b.r, c, b.n)
	}
	if !bytes.Equal(a.Bytes(b.r, b.n), bytes.Repeat([]byte{b.fill}, b.n)) {
		t.Fatalf("block %d of %d bytes was overwritten", b.r, b.n)
	}
}

func TestArenaRandom(t *testing.T) {
	a := newTestArena(t)
	rng := rand.New(rand.NewPCG(1, 2))
	size := func() int {
		switch rng.IntN(20) {
		case 0:
			return rng.IntN(1 << 20)
		case 1, 2, 3:
			return rng.IntN(40 << 10)
		}
		return rng.IntN(300)
	}
	var live []block
	steps := 20_000
	if testing.Short() {
		steps /= 10
	}
	for range steps {
		switch op := rng.IntN(10); {
		case op < 5 || len(live) == 0:
			b := block{n: size(), fill: byte(rng.Uint32())}
			if rng.IntN(8) == 0 {
				b.r, b.fill = a.AllocZero(b.n), 0
				b.check(t, a)
			} else {
				b.r = a.Alloc(b.n)
			}
			for i := range a.Bytes(b.r, b.n) {
				a.Bytes(b.r, b.n)[i] = b.fill
			}
			live = append(live, b)
		case op < 7:
			b := &live[rng.IntN(len(live))]
			n := size()
			b.r = a.Realloc(b.r, b.n, n)
			block{b.r, min(b.n, n), b.fill}.check(t, a)
			b.n = n
			for i := range a.Bytes(b.r, n) {
				a.Bytes(b.r, n)[i] = b.fill
			}
		default:
			i := rng.IntN(len(live))
			live[i].check(t, a)
			a.Free(live[i].r)
			live[i] = live[len(live)-1]
			live = live[:len(live)-1]
		}
	}
	var sum int64
	for _, b := range live {
		b.check(t, a)
		sum += int64(a.Cap(b.r))
	}
	if sum != a.Allocated() {
		t.Errorf("Allocated() = %d, blocks hold %d", a.Allocated(), sum)
	}
	for _, b := range live {
		a.Free(b.r)
	}
	if a.Allocated() != 0 {
		t.Errorf("Allocated() = %d after freeing all", a.Allocated())
	}
	a.Trim(1 << 40)
	if a.dirtyPages != 0 || a.cleanPages != int(a.top)-1 {
		t.Errorf("after freeing all: %d dirty and %d clean of %d pages", a.dirtyPages, a.cleanPages, a.top)
	}
	if p := a.clean.longest(); a.spans[p].pages != a.top-1 {
		t.Errorf("free runs were not merged: longest %d of %d", a.spans[p].pages, a.top-1)
	}
}

func TestArenaOutOfSpace(t *testing.T) {
	a := newTestArena(t)
	a.limit = 100
	if a.Alloc(1<<40) != 0 || a.Alloc(200*pageSize) != 0 {
		t.Fatal("an impossible block was handed out")
	}
	var got []Ref
	for {
		r := a.Alloc(1000)
		if r == 0 {
			break
		}
		got = append(got, r)
	}
	if len(got) < 700 {
		t.Fatalf("only %d blocks of 1000 bytes from 99 pages", len(got))
	}
	if r := a.Realloc(got[0], 1000, 30000); r != 0 {
		t.Fatal("Realloc found space where there is none")
	}
	for _, r := range got {
		a.Free(r)
	}
	if a.Alloc(90*pageSize) == 0 {
		t.Fatal("freed blocks are not reused for a large one")
	}
}

func TestLargeBlocksGrowInPlace(t *testing.T) {
	a := newTestArena(t)
	r := a.Alloc(100 << 10)
	guard := a.Alloc(100 << 10)
	a.Alloc(100 << 10)
	a.Free(guard)
	if got := a.Realloc(r, 100<<10, 150<<10); got != r {
		t.Error("the block moved although the run behind it was free")
	}
	if got := a.Realloc(r, 100<<10, 20<<10); got != r || a.Cap(r) != 24<<10 {
		t.Errorf("shrinking moved the block or kept %d bytes", a.Cap(r))
	}
}

func TestArenaDoesNotAllocate(t *testing.T) {
	a := newTestArena(t)
	if n := testing.AllocsPerRun(1000, func() {
		r := a.Alloc(100)
		r = a.Realloc(r, 100, 50_000)
		a.Free(r)
	}); n != 0 {
		t.Errorf("%v heap allocations", n)
	}
}

func TestCloseInSteps(t *testing.T) {
	a, err := NewArena()
	if err != nil {
		t.Fatal(err)
	}
	a.Alloc(100 * pageSize)
	steps := 1
	for !a.CloseStep(9 * pageSize) {
		steps++
	}
	if steps != 11 || a.base != nil {
		t.Errorf("closed after %d steps: %v", steps, a.base == nil)
	}
}

func TestTopBlockGrowsInPlace(t *testing.T) {
	a := newTestArena(t)
	r := a.Alloc(100 << 10)
	for n := 200 << 10; n < 64<<20; n *= 2 {
		if got := a.Realloc(r, n/2, n); got != r {
			t.Fatalf("moved at %d bytes, with nothing behind it", n)
		}
	}
}

// A very large block goes in steps, and what it held is used again.
func TestLargeBlocksAreFreedInSteps(t *testing.T) {
	a := newTestArena(t)
	const size = 100 << 20
	r := a.Alloc(size)
	small := a.Alloc(1000)
	clear(a.Bytes(r, size))
	a.Free(r)
	if a.Allocated() < size {
		t.Fatal("the block went at once")
	}
	steps := 1
	for ; a.FreeStep(4 << 20); steps++ {
		if now := a.Allocated(); now > size-int64(steps)*4<<20+8<<10*int64(steps) {
			t.Fatalf("%d bytes allocated after %d steps", now, steps)
		}
	}
	if steps < 20 || a.Allocated() > 2000 || a.FreeStep(1) {
		t.Errorf("%d bytes left after %d steps", a.Allocated(), steps)
	}
	if kept := a.Resident(); kept > 40<<20 {
		t.Errorf("%d bytes stay resident", kept)
	}
	again := a.AllocZero(size)
	if again != r {
		t.Errorf("the memory at %d is not used again: got %d", r, again)
	}
	for i, c := range a.Bytes(again, size) {
		if c != 0 {
			t.Fatalf("byte %d is not zero", i)
		}
	}
	a.Free(small)
}
