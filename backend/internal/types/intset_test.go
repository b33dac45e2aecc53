package types

import (
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestIntsetBytesAreRedis(t *testing.T) {
	s := InitIntset(nil)
	for _, step := range []struct {
		add  []int64
		want string // as redis-server 7.0.15 dumps it
	}{
		{[]int64{1, 2, -3}, "0200000003000000fdff01000200"},
		{[]int64{70000}, "0400000004000000fdffffff010000000200000070110100"},
		{[]int64{-1 << 40}, "08000000050000000000000000fffffffdffffffffffffff010000000000000002000000000000007011010000000000"},
	} {
		for _, n := range step.add {
			s, _ = s.Add(n)
		}
		if got := hex.EncodeToString(s); got != step.want {
			t.Errorf("after %v:\n got %s\nwant %s", step.add, got, step.want)
		}
	}
}

func TestIntsetAgainstMap(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, bits := range []int{8, 16, 32, 64} {
		s, model := InitIntset(nil), map[int64]bool{}
		for range 1000 {
			n := int64(r.Uint64()) >> (64 - bits)
			if bits > 8 && r.IntN(2) == 0 {
				n = int64(r.IntN(100)) // meet what is there, at a width below
			}
			var changed bool
			if had := model[n]; r.IntN(3) > 0 {
				s, changed = s.Add(n)
				if changed == had {
					t.Fatalf("Add(%d) = %v, had %v", n, changed, had)
				}
				model[n] = true
			} else {
				s, changed = s.Remove(n)
				if changed != had {
					t.Fatalf("Remove(%d) = %v, had %v", n, changed, had)
				}
				delete(model, n)
			}
			checkIntset(t, s, model)
		}
	}
}

func checkIntset(t *testing.T, s Intset, model map[int64]bool) {
	t.Helper()
	if s.Len() != len(model) || s.Len() > 0 && !ValidIntset(s) {
		t.Fatalf("invalid or wrong length: %d, want %d", s.Len(), len(model))
	}
	for i := range s.Len() {
		n := s.At(i)
		if at, found := s.Find(n); !model[n] || !found || at != i {
			t.Fatalf("element %d = %d, found at %d", i, n, at)
		}
	}
}

func TestIntsetValidate(t *testing.T) {
	good := InitIntset(nil)
	for _, n := range []int64{1, 5, 100000} {
		good, _ = good.Add(n)
	}
	for name, bad := range map[string][]byte{
		"short":      good[:7],
		"truncated":  good[:len(good)-1],
		"empty":      InitIntset(nil),
		"width 3":    append([]byte{3}, good[1:]...),
		"unsorted":   slices.Concat(good[:8], good[12:16], good[8:12], good[16:]),
		"duplicates": slices.Concat(good[:12], good[8:12], good[16:]),
		"huge count": slices.Concat(good[:4], []byte{0xff, 0xff, 0xff, 0xff}, good[8:]),
	} {
		if ValidIntset(bad) {
			t.Errorf("%s is accepted", name)
		}
	}
	if !ValidIntset(good) {
		t.Error("a good intset is refused")
	}
}
