package types

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestSetAgainstMap(t *testing.T) {
	for name, value := range map[string]func(r *rand.Rand) string{
		"few integers":  func(r *rand.Rand) string { return fmt.Sprint(r.IntN(300) - 150) },
		"many integers": func(r *rand.Rand) string { return fmt.Sprint(r.Int64N(1000) << 30) },
		"few strings":   func(r *rand.Rand) string { return fmt.Sprint("s", r.IntN(100)) },
		"many strings":  func(r *rand.Rand) string { return fmt.Sprint("s", r.IntN(1000)) },
		"mixed":         func(r *rand.Rand) string { return strings.Repeat("x", r.IntN(2)) + fmt.Sprint(r.IntN(60)) },
	} {
		t.Run(name, func(t *testing.T) {
			sp := newTestSpace(t)
			before := sp.Arena.Allocated()
			r := rand.New(rand.NewPCG(9, 10))
			s, model := sp.NewSet([]byte(value(r)), 1), map[string]string{}
			for range 20000 {
				m := value(r)
				had := has(model, m)
				if s.Has([]byte(m)) != had {
					t.Fatalf("Has(%s) = %v", m, !had)
				}
				if r.IntN(5) < 3 {
					if s.Add([]byte(m)) == had {
						t.Fatalf("Add(%s) = %v", m, had)
					}
					model[m] = m
				} else {
					if s.Remove([]byte(m)) != had {
						t.Fatalf("Remove(%s) = %v", m, !had)
					}
					delete(model, m)
				}
				if s.Len() != len(model) {
					t.Fatalf("Len = %d, want %d", s.Len(), len(model))
				}
			}
			checkSet(t, &s, model)
			c := s.Clone()
			s.Free()
			checkSet(t, &c, model)
			for len(model) > 0 { // a member may be removed by the slice that Random returned
				m := c.Random()
				delete(model, string(m))
				if !c.Remove(m) {
					t.Fatalf("Remove(Random = %s) finds nothing", m)
				}
			}
			c.Free()
			if leaked := sp.Arena.Allocated() - before; leaked != 0 {
				t.Errorf("%d bytes leaked", leaked)
			}
		})
	}
}

func checkSet(t *testing.T, s *Set, model map[string]string) {
	t.Helper()
	seen, scanned := map[string]bool{}, map[string]bool{}
	s.Each(func(m []byte) bool {
		seen[string(m)] = has(model, string(m))
		return true
	})
	for cursor := s.Scan(0, 10, func(m []byte) { scanned[string(m)] = true }); cursor != 0; {
		cursor = s.Scan(cursor, 10, func(m []byte) { scanned[string(m)] = true })
	}
	if len(seen) != len(model) || len(scanned) != len(model) {
		t.Fatalf("Each visits %d, Scan %d of %d members", len(seen), len(scanned), len(model))
	}
	for m := range model {
		if !seen[m] || !scanned[m] {
			t.Fatalf("member %s is not visited", m)
		}
	}
}

func TestSetConverts(t *testing.T) {
	sp := newTestSpace(t)
	ints := func(n int) func(s *Set) {
		return func(s *Set) {
			for i := range n {
				s.Add(AppendInt(nil, int64(i)))
			}
		}
	}
	strs := func(n int) func(s *Set) {
		return func(s *Set) {
			for i := range n {
				s.Add(fmt.Append(nil, "m", i))
			}
		}
	}
	for _, c := range []struct {
		name  string
		first string
		hint  int
		grow  func(s *Set)
		want  Encoding
	}{
		{"new with an integer", "1", 1, ints(0), EncodingIntset},
		{"new with a string", "a", 1, ints(0), EncodingListpack},
		{"new with many strings", "a", 129, ints(0), EncodingHashtable},
		{"new with many integers", "1", 512, ints(0), EncodingIntset},
		{"new with too many integers", "1", 513, ints(0), EncodingHashtable},
		{"512 integers", "1", 1, ints(512), EncodingIntset},
		{"513 integers", "1", 1, ints(513), EncodingHashtable},
		{"128 strings", "a", 1, strs(128), EncodingListpack},
		{"129 strings", "a", 1, strs(129), EncodingHashtable},
		{"a long string", "a", 1, func(s *Set) { s.Add(make([]byte, 65)) }, EncodingHashtable},
		{"integers and a string", "1", 1, func(s *Set) { ints(127)(s); strs(1)(s) }, EncodingListpack},
		{"128 integers and a string", "1", 1, func(s *Set) { ints(128)(s); strs(1)(s) }, EncodingHashtable},
		{"integers and a long string", "1", 1, func(s *Set) { ints(5)(s); s.Add(make([]byte, 65)) }, EncodingHashtable},
		{"strings made integers", "a", 1, func(s *Set) { ints(5)(s); s.Compact() }, EncodingIntset},
		{"strings stay", "a", 1, func(s *Set) { ints(5)(s); strs(1)(s); s.Compact() }, EncodingListpack},
	} {
		s := sp.NewSet([]byte(c.first), c.hint)
		c.grow(&s)
		if s.Encoding() != c.want {
			t.Errorf("%s: %v, want %v", c.name, s.Encoding(), c.want)
		}
	}
}

func TestLoadSet(t *testing.T) {
	sp := newTestSpace(t)
	for _, member := range []string{"1", "a"} {
		s := sp.NewSet([]byte(member), 1)
		s.Add([]byte(member))
		b := append([]byte(nil), s.Bytes()...)
		if loaded, err := sp.LoadSet(s.Encoding(), b); err != nil || !loaded.Has([]byte(member)) {
			t.Errorf("%v: loaded %v, %v", s.Encoding(), loaded.Len(), err)
		}
		if _, err := sp.LoadSet(s.Encoding(), b[:len(b)-1]); err == nil {
			t.Errorf("%v: a truncated one is accepted", s.Encoding())
		}
	}
}

func TestSetAllocates(t *testing.T) {
	sp := newTestSpace(t)
	for first, n := range map[string]int{"1": 100, "a": 100, "b": 1000} {
		s := sp.NewSet([]byte(first), 1)
		s.Add([]byte(first))
		for i := range n {
			s.Add(AppendInt(nil, int64(i)))
		}
		m, total := []byte("12345"), 0
		popped := make([]byte, 0, MaxIntLen)
		if got := testing.AllocsPerRun(100, func() {
			if !s.Add(m) || !s.Has(m) || !s.Remove(m) {
				t.Fatal("lost the member")
			}
			total += len(s.Random())
			s.Pop(func(m []byte) { popped = append(popped[:0], m...) })
			if s.Has(popped) || !s.Add(popped) {
				t.Fatal("what was popped is still there")
			}
			s.Each(func(m []byte) bool { total += len(m); return true })
		}); got != 0 {
			t.Errorf("%v: %v allocations, want 0", s.Encoding(), got)
		}
	}
}
