package types

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func benchKeys(n int) [][]byte {
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "element:%012d", i)
	}
	return keys
}

func BenchmarkHash(b *testing.B) {
	for _, n := range []int{8, 100, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			sp := newTestSpace(b)
			h, keys, value := sp.NewHash(), benchKeys(n), []byte("some value")
			for i := 0; b.Loop(); i++ {
				key := keys[i*7919%n]
				h.Set(key, value)
				h.Get(key)
			}
		})
	}
}

func BenchmarkSet(b *testing.B) {
	for _, n := range []int{100, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			sp := newTestSpace(b)
			s, keys := sp.NewSet(nil, 1), benchKeys(n)
			for i := 0; b.Loop(); i++ {
				key := keys[i*7919%n]
				s.Add(key)
				s.Has(key)
			}
		})
	}
}

func BenchmarkZSetRank(b *testing.B) {
	for _, n := range []int{100, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			sp := newTestSpace(b)
			z, keys := sp.NewZSet(1, 1), benchKeys(n)
			for _, k := range keys {
				z.Put(k, rand.Float64())
			}
			for i := 0; b.Loop(); i++ {
				z.Rank(keys[i*7919%n])
			}
		})
	}
}

func BenchmarkZSetRange100(b *testing.B) {
	sp := newTestSpace(b)
	z := sp.NewZSet(1, 1)
	for _, k := range benchKeys(100000) {
		z.Put(k, rand.Float64())
	}
	total := 0
	for b.Loop() {
		start := rand.IntN(99900)
		z.Each(start, start+100, false, func(m []byte, _ float64) bool { total += len(m); return true })
	}
}

func BenchmarkListRange100(b *testing.B) {
	sp := newTestSpace(b)
	l, total := sp.NewList(), 0
	for _, k := range benchKeys(100000) {
		l.Push(Tail, k)
	}
	for b.Loop() {
		l.Each(rand.IntN(99900), 100, Tail, func(v []byte) bool { total += len(v); return true })
	}
}

// A list of 100,000 elements grows at an end and shrinks there again.
func BenchmarkListEnds(b *testing.B) {
	for name, side := range map[string]Side{"head": Head, "tail": Tail} {
		b.Run(name, func(b *testing.B) {
			sp := newTestSpace(b)
			l, value := sp.NewList(), []byte("element")
			for b.Loop() {
				for range 100_000 {
					l.Push(side, value)
				}
				for range 100_000 - 1 {
					index := 0
					if side == Tail {
						index = l.Len() - 1
					}
					l.RemoveRange(index, 1)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200_000, "ns/change")
		})
	}
}
