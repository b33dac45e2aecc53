package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"holdfast/backend/internal/types"
)

// image is a store's content in a form that can be compared.
type image map[string]string

func describe(key []byte, v Value, expire int64) string {
	var items []string
	switch v.Type {
	case String:
		items = []string{string(v.Bytes)}
	case Hash:
		h := v.Hash()
		h.Each(func(f, v []byte) bool { items = append(items, fmt.Sprintf("%s=%s", f, v)); return true })
		slices.Sort(items)
	case Set:
		s := v.Set()
		s.Each(func(m []byte) bool { items = append(items, string(m)); return true })
		slices.Sort(items)
	}
	return fmt.Sprintf("%v %d %s", v.Type, expire, strings.Join(items, ","))
}

func (im image) put(db int, key []byte, v Value, expire int64) error {
	name := fmt.Sprintf("%d/%s", db, key)
	if _, twice := im[name]; twice {
		return fmt.Errorf("%s came twice", name)
	}
	im[name] = describe(key, v, expire)
	return nil
}

func imageOf(s *Store) image {
	im := image{}
	for _, db := range s.dbs {
		db.ks.dict.Each(func(e types.Ref) bool {
			im.put(db.index, db.ks.dict.Key(e), db.ks.value(e), db.ks.expireOf(e))
			return true
		})
	}
	return im
}

// mutate changes the store at random by any of its mutations.
func mutate(s *Store, rng *rand.Rand) {
	db := s.DB(rng.IntN(3))
	key := fmt.Append(nil, "key", rng.IntN(1500))
	other := fmt.Append(nil, "key", rng.IntN(1500))
	expire := []int64{NoExpire, KeepExpire, s.Now() + rng.Int64N(500)}[rng.IntN(3)]
	switch op := rng.IntN(2000); {
	case op == 0:
		s.FlushAll()
	case op < 3:
		db.Flush()
	case op < 10:
		s.SwapDB(db.index, rng.IntN(3))
	case op < 600:
		db.Set(key, make([]byte, rng.IntN(120)), expire)
	case op < 900:
		db.Delete(key)
	case op < 1000:
		db.SetExpire(key, max(expire, 0))
	case op < 1100:
		db.Append(key, []byte("more"))
	case op < 1200:
		db.Move(key, s.DB(rng.IntN(3)), fmt.Append(nil, "moved", rng.IntN(500)))
	case op < 1300:
		db.Copy(key, s.DB(rng.IntN(3)), other)
	case op < 1350:
		s.SetNow(s.Now() + rng.Int64N(3))
		expireSome(s, 50)
	case op < 1400:
		s.Tidy(20)
	case op < 1700:
		h, err := db.MakeHash(key)
		if err != nil {
			return
		}
		for range rng.IntN(80) {
			h.Set(fmt.Append(nil, rng.IntN(300)), fmt.Append(nil, rng.IntN(9)))
		}
		h.Done(true)
	default:
		x, ok, err := db.EditSet(key)
		if err != nil {
			return
		}
		if !ok {
			x, _ = db.MakeSet(key, []byte("1"), 1)
		}
		x.Add(fmt.Append(nil, rng.IntN(50)))
		x.Remove(fmt.Append(nil, rng.IntN(50)))
		x.Done(true)
	}
}

// A walk must pass on what the store held when it began, each key once,
// whatever happens meanwhile.
func TestWalkIsAMoment(t *testing.T) {
	seeds := uint64(30)
	if testing.Short() {
		seeds /= 10
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 7))
		s := newTestStore(t)
		for range rng.IntN(8000) {
			mutate(s, rng)
		}
		for round := range 4 {
			want, got := imageOf(s), image{}
			w, err := s.StartWalk(got.put)
			if err != nil {
				t.Fatal(err)
			}
			giveUp := round == 2
			for done := false; !done; {
				for range rng.IntN(40) {
					mutate(s, rng)
				}
				if giveUp && rng.IntN(10) == 0 {
					w.Abort(errors.New("no longer wanted"))
				}
				if done, err = w.Step(rng.IntN(20_000)); err != nil && !giveUp {
					t.Fatal(err)
				}
			}
			for i := 0; s.Walking(); i++ { // the sweep of an aborted one
				mutate(s, rng)
				if s.Tidy(30); i > 1_000_000 {
					t.Fatal("the sweep does not end")
				}
			}
			if err == nil && !maps.Equal(got, want) {
				t.Fatalf("seed %d round %d: %s", seed, round, difference(got, want))
			}
		}
		s.Close()
	}
}

func difference(got, want image) string {
	for k, v := range want {
		if got[k] != v {
			return fmt.Sprintf("%s: got %q, want %q (%d keys, want %d)", k, got[k], v, len(got), len(want))
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			return fmt.Sprintf("%s is too much", k)
		}
	}
	return "equal"
}

func TestOneWalkAtATime(t *testing.T) {
	s := newTestStore(t)
	s.DB(0).Set(b("k"), b("v"), NoExpire)
	w, _ := s.StartWalk(image{}.put)
	if _, err := s.StartWalk(image{}.put); err != ErrWalking {
		t.Fatalf("a second walk: %v", err)
	}
	if done, err := w.Step(1 << 20); !done || err != nil {
		t.Fatal(done, err)
	}
	failing := errors.New("disk full")
	w, _ = s.StartWalk(func(int, []byte, Value, int64) error { return failing })
	if done, err := w.Step(1 << 20); !done || err != failing {
		t.Fatal(done, err)
	}
	for s.Tidy(10) || s.Rehash(10) {
	}
	if s.Walking() {
		t.Fatal("the failed walk was not swept up")
	}
}
