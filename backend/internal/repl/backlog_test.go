package repl

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// pattern is the byte that belongs at position pos of the test streams.
func pattern(pos uint64) byte { return byte(pos*31 + pos>>8) }

func fill(b *Backlog, n int) {
	p := make([]byte, n)
	for i := range p {
		p[i] = pattern(b.Written() + uint64(i))
	}
	b.Append(p)
}

func check(t *testing.T, pos uint64, p []byte) {
	t.Helper()
	for i, c := range p {
		if want := pattern(pos + uint64(i)); c != want {
			t.Fatalf("byte at position %d is %d, want %d", pos+uint64(i), c, want)
		}
	}
}

func TestBacklogWindowFollowsTheEnd(t *testing.T) {
	const size = 256 << 10
	b := NewBacklog(size, 1000)
	if first, end := b.Window(); first != 1000 || end != 1000 {
		t.Fatalf("a new backlog has the window %d–%d, want 1000–1000", first, end)
	}
	for range 500 {
		fill(b, 3000)
		b.Publish()
		first, end := b.Window()
		if end != b.Written() {
			t.Fatalf("published %d, appended %d", end, b.Written())
		}
		kept := end - first
		if want := min(size, end-1000); kept < want || kept > size+size/16+size/16 {
			t.Fatalf("the window keeps %d bytes, want %d up to two chunks more", kept, want)
		}
	}
}

func TestBacklogHidesWhatIsNotPublished(t *testing.T) {
	b := NewBacklog(1<<20, 0)
	r := b.Reader(0, nil)
	defer r.Close()
	fill(b, 10)
	if p := r.Next(); len(p) != 0 {
		t.Fatalf("the reader sees %d bytes that were not published", len(p))
	}
	b.Publish()
	if p := r.Next(); len(p) != 10 {
		t.Fatalf("the reader sees %d bytes of 10", len(p))
	}
}

func TestReaderStartsAnywhereInTheWindow(t *testing.T) {
	b := NewBacklog(64<<10, 77)
	fill(b, 500_000)
	b.Publish()
	first, end := b.Window()
	for _, pos := range []uint64{first, first + 1, (first + end) / 2, end - 1, end} {
		r := b.Reader(pos, nil)
		if r == nil {
			t.Fatalf("no reader at %d inside %d–%d", pos, first, end)
		}
		var got []byte
		for p := r.Next(); len(p) > 0; p = r.Next() {
			got = append(got, p...)
			r.Advance(len(p))
		}
		r.Close()
		if uint64(len(got)) != end-pos {
			t.Fatalf("read %d bytes from %d, want %d", len(got), pos, end-pos)
		}
		check(t, pos, got)
	}
	for _, pos := range []uint64{0, first - 1, end + 1} {
		if b.Reader(pos, nil) != nil {
			t.Errorf("a reader at %d outside %d–%d", pos, first, end)
		}
	}
}

func TestSlowReaderKeepsItsBytes(t *testing.T) {
	b := NewBacklog(16<<10, 0)
	fill(b, 100)
	b.Publish()
	r := b.Reader(50, nil)
	fill(b, 1<<20)
	b.Publish()
	var got bytes.Buffer
	for p := r.Next(); len(p) > 0; p = r.Next() {
		got.Write(p)
		r.Advance(len(p))
	}
	if got.Len() != 1<<20+50 {
		t.Fatalf("read %d bytes, want %d", got.Len(), 1<<20+50)
	}
	check(t, 50, got.Bytes())
	r.Close()
	if m := b.Memory(); m > 3*minChunk {
		t.Errorf("without a reader the backlog still takes %d bytes", m)
	}
	fill(b, 64<<10)
	b.Publish()
	if first, end := b.Window(); end-first > 64<<10 {
		t.Errorf("without a reader the window still keeps %d bytes", end-first)
	}
}

func TestLimitsDropAReader(t *testing.T) {
	cases := []struct {
		name   string
		limits Limits
		bytes  int
		want   error
	}{
		{"below hard", Limits{Hard: 512 << 10}, 400 << 10, nil},
		{"beyond hard", Limits{Hard: 512 << 10}, 700 << 10, errOutputLimit},
		{"hard below the backlog counts as the backlog", Limits{Hard: 1}, 200 << 10, nil},
		{"beyond soft, not for long", Limits{Soft: 300 << 10, SoftFor: time.Hour}, 2 << 20, nil},
		{"beyond soft for long", Limits{Soft: 300 << 10, SoftFor: time.Nanosecond}, 2 << 20, errOutputLimit},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := NewBacklog(256<<10, 0)
			b.SetLimits(c.limits)
			var told error
			r := b.Reader(0, func(why error) { told = why })
			defer r.Close()
			for n := 0; n < c.bytes; n += 10 << 10 {
				fill(b, 10<<10)
				b.Publish()
			}
			if !errors.Is(told, c.want) || !errors.Is(r.Err(), c.want) {
				t.Fatalf("told %v, Err %v, want %v", told, r.Err(), c.want)
			}
			if c.want != nil && r.Next() != nil {
				t.Error("a dropped reader still reads")
			}
		})
	}
}

func TestResetDropsReaders(t *testing.T) {
	b := NewBacklog(1<<20, 0)
	r := b.Reader(0, nil)
	defer r.Close()
	woken := make(chan error)
	go func() { woken <- r.Wait(context.Background()) }()
	b.Reset(5000)
	if err := <-woken; !errors.Is(err, errHistoryReplaced) {
		t.Fatalf("Wait returned %v", err)
	}
	if first, end := b.Window(); first != 5000 || end != 5000 {
		t.Fatalf("the window is %d–%d", first, end)
	}
}

func TestWaitEnds(t *testing.T) {
	b := NewBacklog(1<<20, 0)
	r := b.Reader(0, nil)
	defer r.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("Wait returned %v", err)
	}
	if n := b.waiting.Load(); n != 0 {
		t.Fatalf("%d readers are counted as waiting", n)
	}
}

// TestReadersSeeTheStream has one writer and readers that come, lag and go.
func TestReadersSeeTheStream(t *testing.T) {
	const total = 2 << 20
	b := NewBacklog(64<<10, 0)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var group sync.WaitGroup
	for i := range 4 {
		r := b.Reader(0, nil)
		group.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 7))
			pos, returns := uint64(0), 10
			for pos < total {
				p := r.Next()
				if len(p) == 0 {
					if err := r.Wait(ctx); err != nil {
						t.Errorf("at %d: %v", pos, err)
						return
					}
					continue
				}
				n := rnd.IntN(len(p)) + 1
				for j := range n {
					if p[j] != pattern(pos+uint64(j)) {
						t.Errorf("wrong byte at %d", pos+uint64(j))
						return
					}
				}
				r.Advance(n)
				pos += uint64(n)
				if returns > 0 && rnd.IntN(50) == 0 { // leaves and comes back at the oldest byte
					r.Close()
					returns--
					for r = nil; r == nil; { // the window moves while we ask
						first, _ := b.Window()
						r = b.Reader(first, nil)
					}
					pos = r.Pos()
				}
			}
			r.Close()
		})
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for b.Written() < total {
		fill(b, rnd.IntN(9000))
		b.Publish()
		b.Wake()
	}
	group.Wait()
	if len(b.readers) != 0 || b.waiting.Load() != 0 {
		t.Errorf("%d readers, %d waiting are left", len(b.readers), b.waiting.Load())
	}
}
