package rdb

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/backend/internal/store"
)

// lzfTexts are strings of every kind: that repeat near and far, and at the edges
// of what a token holds.
func lzfTexts() []string {
	rnd := rand.New(rand.NewPCG(7, 7))
	noise := make([]byte, 20_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	texts := []string{"", "a", "ab", "abc", "aaa", "aaaa", "abcabc", string(noise), string(noise) + string(noise[:100])}
	for _, n := range []int{31, 32, 33, 64, 263, 264, 265, 266, 267, 8191, 8192, 8193, 8194, 100_000} {
		texts = append(texts, strings.Repeat("x", n), string(noise[:min(n, 10_000)])+string(noise[:100]))
	}
	var lines strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&lines, `{"id":%d,"name":"user %d","active":true}`, i, rnd.IntN(100))
	}
	return append(texts, lines.String())
}

func TestPackedTextsAreUnpacked(t *testing.T) {
	p := new(packer)
	for round := range 2 { // in the second the first has left its traces
		for i, text := range lzfTexts() {
			packed := p.pack([]byte(text))
			out, ok := unpackLZF(nil, packed, len(text))
			if !ok || string(out) != text {
				t.Fatalf("round %d: text %d of %d bytes does not come back", round, i, len(text))
			}
			if len(text) >= 64 && strings.Count(text, text[:1]) == len(text) && len(packed) > 6+len(text)/80 {
				t.Errorf("%d equal bytes are packed into %d", len(text), len(packed))
			}
		}
	}
}

// The count that tells strings apart begins anew before it overflows.
func TestPackerForgetsInTime(t *testing.T) {
	p := &packer{start: 1<<31 - 10}
	for i := range 10 {
		text := bytes.Repeat([]byte{'a', 'b', byte(i)}, 20)
		out, ok := unpackLZF(nil, p.pack(text), len(text))
		if !ok || !bytes.Equal(out, text) {
			t.Fatalf("text %d does not come back", i)
		}
	}
	if p.start > 1<<20 {
		t.Errorf("the count stands at %d", p.start)
	}
}

// A snapshot says the same whether or not it is compressed, and is smaller.
func TestCompressedSnapshotsSayTheSame(t *testing.T) {
	s := newStore(t)
	db := s.DB(0)
	for i, text := range lzfTexts() {
		if err := db.Set(fmt.Appendf(nil, "key:%d", i), []byte(text), store.NoExpire); err != nil {
			t.Fatal(err)
		}
	}
	fillCollections(t, db, rand.New(rand.NewPCG(1, 1)), "x", 300)
	size := map[bool]int{}
	for _, compress := range []bool{false, true} {
		w := NewWriter(compress)
		walk, err := s.StartWalk(w.Entry)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 { // ahead of the header, as a command may add them
			if done, err := walk.Step(1); done || err != nil {
				t.Fatal(i, done, err)
			}
		}
		w.Header(Info{RedisVersion: "7.2.0", Functions: []string{"#!lua name=a\n" + strings.Repeat("-- a\n", 50)}})
		if _, err := walk.Step(1 << 30); err != nil {
			t.Fatal(err)
		}
		out := w.Seal(w.Take(Piece{}), true)
		size[compress] = len(out)
		if got, _ := load(t, out); digest(got) != digest(s) {
			t.Errorf("compressed %v, the snapshot says something else", compress)
		}
	}
	if size[true] > size[false]/2 {
		t.Errorf("%d bytes, %d without compression", size[true], size[false])
	}
}

func TestLengthSize(t *testing.T) {
	for _, n := range []int{0, 63, 64, 16383, 16384, 1 << 30, 1 << 32} {
		if got, want := lengthSize(n), len(appendLength(nil, uint64(n))); got != want {
			t.Errorf("%d takes %d bytes, not %d", n, want, got)
		}
	}
}

// Sealing pieces of compressible strings takes no memory for each.
func TestSealDoesNotAllocate(t *testing.T) {
	w := NewWriter(true)
	text := bytes.Repeat([]byte("holdfast "), 20)
	var piece Piece
	fill := func() {
		for range 100 {
			w.blob(text)
		}
		piece = w.Take(piece)
		w.Seal(piece, false)
	}
	fill()
	fill()
	if n := testing.AllocsPerRun(20, fill); n > 0 {
		t.Errorf("%v allocations for 100 strings", n)
	}
}

func FuzzLZF(f *testing.F) {
	for _, text := range lzfTexts() {
		f.Add([]byte(text), []byte(text))
	}
	f.Fuzz(func(t *testing.T, before, text []byte) {
		p := new(packer)
		p.pack(before)
		packed := p.pack(text)
		if most := len(text) + (len(text)+31)/32; len(packed) > most {
			t.Errorf("%d bytes are packed into %d", len(text), len(packed))
		}
		if out, ok := unpackLZF(nil, packed, len(text)); !ok || !bytes.Equal(out, text) {
			t.Errorf("%q comes back as %q, %v", text, out, ok)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 1))
	noise := make([]byte, 64)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	for name, text := range map[string][]byte{
		"64 equal bytes": bytes.Repeat([]byte("x"), 64), "64 random bytes": noise,
		"JSON of 1000 bytes": []byte(strings.Repeat(`{"id":12,"name":"somebody","tags":["a","b"]}`, 25)[:1000]),
	} {
		b.Run(name, func(b *testing.B) {
			p := new(packer)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				p.pack(text)
			}
		})
	}
}
