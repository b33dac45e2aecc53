package store

import (
	"fmt"
	"testing"
)

// fillForEviction makes n keys, a second apart, in two databases; every second
// one expires, the sooner the later it was made.
func fillForEviction(s *Store, n int) {
	for i := range n {
		s.SetNow(s.Now() + 1000)
		expire := NoExpire
		if i%2 == 1 {
			expire = s.Now() + int64(10*n-2*i)*1000
		}
		s.DB(i%4/2).Set(fmt.Append(nil, i), b("v"), expire)
	}
}

func evictedNumbers(s *Store, n int) (numbers []int, dbs []int) {
	s.Hooks.Evicted = func(db int, key []byte) {
		var i int
		fmt.Sscan(string(key), &i)
		numbers, dbs = append(numbers, i), append(dbs, db)
	}
	for range n {
		if !s.Evict() {
			break
		}
	}
	return numbers, dbs
}

func mean(numbers []int) (sum float64) {
	for _, n := range numbers {
		sum += float64(n)
	}
	return sum / float64(len(numbers))
}

// With samples the choice is only about the best one: what goes is clearly of
// the end that the policy names.
func TestEvictionFollowsItsPolicy(t *testing.T) {
	const n, evicted = 2000, 200
	for _, tc := range []struct {
		name      string
		e         Eviction
		low, high float64 // of the mean of the evicted keys' numbers
	}{
		{"allkeys-lru", Eviction{Order: LRU}, evicted / 2, 300},
		{"volatile-lru", Eviction{Order: LRU, Volatile: true}, evicted, 500},
		{"volatile-ttl", Eviction{Order: TTL, Volatile: true}, n - 500, n - evicted},
		{"allkeys-random", Eviction{Order: Random}, n/2 - 250, n/2 + 250},
		{"volatile-random", Eviction{Order: Random, Volatile: true}, n/2 - 250, n/2 + 250},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newTestStore(t)
			tc.e.Samples = 5
			s.SetEviction(tc.e)
			fillForEviction(s, n)
			numbers, dbs := evictedNumbers(s, evicted)
			if m := mean(numbers); len(numbers) != evicted || m < tc.low || m > tc.high {
				t.Errorf("%d evicted, their mean is %.0f, want %.0f to %.0f", len(numbers), m, tc.low, tc.high)
			}
			perDB := [2]int{}
			for i, number := range numbers {
				perDB[dbs[i]]++
				if tc.e.Volatile && number%2 == 0 {
					t.Fatalf("%d was evicted, which does not expire", number)
				}
				if s.DB(dbs[i]).Has(fmt.Append(nil, number)) {
					t.Fatalf("%d was reported and is still there", number)
				}
			}
			if perDB[0] < evicted/4 || perDB[1] < evicted/4 {
				t.Errorf("the databases lost %v keys", perDB)
			}
			if s.Stats.Evicted != evicted {
				t.Errorf("%d counted", s.Stats.Evicted)
			}
		})
	}
}

// One store's mean is 134 with a deviation of 11, that of twenty hardly deviates.
func TestEvictionByFrequency(t *testing.T) {
	var all []int
	for range 20 {
		s := newTestStore(t)
		s.SetEviction(Eviction{Order: LFU, Samples: 5, LogFactor: 10, DecayTime: 1})
		db := s.DB(0)
		for i := range 1000 {
			key := fmt.Append(nil, i)
			db.Set(key, b("v"), NoExpire)
			db.SetFrequency(key, i/4)
		}
		numbers, _ := evictedNumbers(s, 100)
		all = append(all, numbers...)
	}
	if mean(all) > 160 {
		t.Errorf("the mean of the evicted keys is %.0f of 1000", mean(all))
	}
}

func TestEvictionComesToAnEnd(t *testing.T) {
	s := newTestStore(t)
	fillForEviction(s, 100)
	s.SetEviction(Eviction{Order: LRU, Volatile: true, Samples: 5})
	if numbers, _ := evictedNumbers(s, 1000); len(numbers) != 50 {
		t.Errorf("%d keys evicted of 50 that expire", len(numbers))
	}
	s.SetEviction(Eviction{Order: Random, Volatile: true, Samples: 5})
	if s.Evict() {
		t.Error("a key without an expiry was evicted")
	}
	s.SetEviction(Eviction{Order: LRU, Samples: 5})
	if numbers, _ := evictedNumbers(s, 1000); len(numbers) != 50 || s.DB(0).Len()+s.DB(1).Len() != 0 {
		t.Errorf("%d keys evicted of the 50 left", len(numbers))
	}
}

func TestEvictionDoesNotAllocate(t *testing.T) {
	s := newTestStore(t)
	s.SetEviction(Eviction{Order: LRU, Samples: 5})
	for i := range 5000 {
		s.DB(0).Set(fmt.Append(nil, "key:", i), b("v"), NoExpire)
	}
	for range 100 {
		s.Evict()
	}
	if n := testing.AllocsPerRun(1000, func() { s.Evict() }); n > 0 {
		t.Errorf("%v allocations for one eviction", n)
	}
}
