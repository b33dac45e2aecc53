package store

import "testing"

func TestIdleTime(t *testing.T) {
	s := newTestStore(t)
	db := s.DB(0)
	db.Set(b("k"), b("v"), NoExpire)
	idle := func(want int64) {
		t.Helper()
		if got, ok := db.Idle(b("k")); !ok || got != want {
			t.Fatalf("idle for %d s (%v), want %d", got, ok, want)
		}
	}
	s.SetNow(s.Now() + 7_500)
	idle(7)
	db.Type(b("k")) // no access
	idle(7)
	db.Get(b("k"))
	idle(0)
	db.SetIdle(b("k"), 1000)
	idle(1000)
	s.SetNow(s.Now() + (1<<24)*1000 + 5_000) // the clock has gone round
	idle(1005)
}

func TestAccessFrequency(t *testing.T) {
	s := newTestStore(t)
	s.SetEviction(lfuForTests())
	db := s.DB(0)
	db.Set(b("k"), b("v"), NoExpire)
	freq := func() int { n, _ := db.Frequency(b("k")); return n }
	if freq() != lfuInit {
		t.Fatalf("a new key has frequency %d", freq())
	}
	for range 100_000 {
		db.Get(b("k"))
	}
	// Redis gives 142 for 100,000 accesses with the same factor.
	if n := freq(); n < 110 || n > 175 {
		t.Errorf("frequency %d after 100,000 accesses", n)
	}
	before := freq()
	s.SetNow(s.Now() + 10*60_000)
	if n := freq(); n != before-10 {
		t.Errorf("frequency %d after 10 minutes, %d before", n, before)
	}
	db.SetFrequency(b("k"), 255)
	db.Get(b("k"))
	if freq() != 255 {
		t.Errorf("frequency %d beyond its maximum", freq())
	}
}

func lfuForTests() Eviction {
	e := DefaultEviction()
	e.Order = LFU
	return e
}

// The factor says how slowly the counter grows, the decay time how slowly it
// falls.
func TestFrequencyFollowsItsSettings(t *testing.T) {
	s := newTestStore(t)
	db := s.DB(0)
	reach := func(factor int) int {
		e := lfuForTests()
		e.LogFactor = factor
		s.SetEviction(e)
		db.Set(b("k"), b("v"), NoExpire)
		db.SetFrequency(b("k"), lfuInit)
		for range 1000 {
			db.Get(b("k"))
		}
		n, _ := db.Frequency(b("k"))
		return n
	}
	// Redis's table for 1000 hits: 255, 49, 18 and 10 for factors 0, 1, 10, 100.
	for _, tc := range []struct{ factor, low, high int }{{0, 255, 255}, {1, 35, 65}, {10, 12, 26}, {100, 6, 15}} {
		if n := reach(tc.factor); n < tc.low || n > tc.high {
			t.Errorf("factor %d: frequency %d after 1000 accesses", tc.factor, n)
		}
	}
	for _, tc := range []struct{ decay, want int }{{0, 100}, {1, 70}, {10, 97}} {
		e := lfuForTests()
		e.DecayTime = tc.decay
		s.SetEviction(e)
		db.SetFrequency(b("k"), 100)
		s.SetNow(s.Now() + 30*60_000)
		if n, _ := db.Frequency(b("k")); n != tc.want {
			t.Errorf("decay time %d: frequency %d after 30 minutes, want %d", tc.decay, n, tc.want)
		}
	}
}
