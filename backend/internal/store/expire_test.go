package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestExpiryModes(t *testing.T) {
	s := newTestStore(t)
	db := s.DB(0)
	db.Set(b("k"), b("v"), s.Now()+100)
	s.SetNow(s.Now() + 100)
	mustGet(t, db, "k", "v") // Redis: gone only after the millisecond has passed
	s.SetNow(s.Now() + 1)
	s.SetExpiry(ExpiryIgnore)
	mustGet(t, db, "k", "v")
	s.SetExpiry(ExpiryHide)
	mustNot(t, db, "k")
	if expireSome(s, 100) != 0 || db.Len() != 1 {
		t.Fatal("a replica deleted by itself")
	}
	db.Scan(0, 10, func(key []byte, _ Type) { t.Errorf("Scan shows %s", key) })
	if k := db.RandomKey(); k != nil {
		t.Errorf("RandomKey shows %s", k)
	}
	s.SetExpiry(ExpiryDelete)
	mustNot(t, db, "k")
	if db.Len() != 0 || s.Stats.Expired != 1 {
		t.Error("not deleted")
	}
}

// A writable replica puts a new value where the master's is hidden: one entry
// stays.
func TestWritingOverWhatIsHidden(t *testing.T) {
	s := newTestStore(t)
	for name, write := range map[string]func(db *DB, key []byte){
		"set":    func(db *DB, key []byte) { db.Set(key, b("new"), NoExpire) },
		"append": func(db *DB, key []byte) { db.Append(key, b("new")) },
		"rename": func(db *DB, key []byte) { db.Set(b("from"), b("new"), NoExpire); db.Rename(b("from"), key) },
		"resize": func(db *DB, key []byte) {
			e, _, _ := db.EditString(key)
			e.Resize(3)
			copy(e.Bytes, "new")
			e.Done(true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := s.DB(0)
			s.SetExpiry(ExpiryDelete)
			db.Set(b(name), b("old"), s.Now()+1)
			s.SetNow(s.Now() + 2)
			s.SetExpiry(ExpiryHide)
			before, expired := db.Len(), s.Stats.Expired
			write(db, b(name))
			mustGet(t, db, name, "new")
			if at, _ := db.ExpireOf(b(name)); db.Len() != before || db.Expires() != 0 || at != NoExpire || s.Stats.Expired != expired+1 {
				t.Errorf("%d keys, %d that expire, %d expired", db.Len(), db.Expires(), s.Stats.Expired-expired)
			}
		})
	}
}

func TestSetAndExpiry(t *testing.T) {
	s := newTestStore(t)
	db := s.DB(0)
	at := s.Now() + 1000
	want := func(ms int64) {
		t.Helper()
		if got, ok := db.ExpireOf(b("k")); !ok || got != ms {
			t.Fatalf("expiry %d (%v), want %d", got, ok, ms)
		}
	}
	db.Set(b("k"), b("v"), at)
	want(at)
	db.Set(b("k"), b("a value of some more bytes than that"), KeepExpire)
	want(at)
	mustGet(t, db, "k", "a value of some more bytes than that")
	db.Append(b("k"), b(" and more"))
	want(at)
	mustGet(t, db, "k", "a value of some more bytes than that and more")
	db.Set(b("k"), b("v"), at+1)
	want(at + 1)
	db.Set(b("k"), b("v"), NoExpire)
	want(0)
	if db.Expires() != 0 || db.Persist(b("k")) {
		t.Fatal("an expiry stayed")
	}
	db.SetExpire(b("k"), at)
	want(at)
	mustGet(t, db, "k", "v")
	if !db.Persist(b("k")) {
		t.Fatal("Persist")
	}
	want(0)
	if ok, _ := db.SetExpire(b("none"), at); ok {
		t.Fatal("SetExpire of no key")
	}
}

// The index must name exactly the entries with an expiry, wherever they move.
func TestExpiryIndex(t *testing.T) {
	s := newTestStore(t)
	db := s.DB(0)
	rng := rand.New(rand.NewPCG(1, 9))
	model := map[string]int64{} // expiry
	for range 100_000 {
		k := fmt.Sprint("key", rng.IntN(8000))
		at := s.Now() + 1 + rng.Int64N(1000)
		switch rng.IntN(6) {
		case 0:
			db.Set(b(k), make([]byte, rng.IntN(100)), at)
			model[k] = at
		case 1:
			db.Set(b(k), make([]byte, rng.IntN(100)), NoExpire)
			model[k] = 0
		case 2:
			db.Set(b(k), make([]byte, rng.IntN(100)), KeepExpire)
			model[k] += 0
		case 3:
			if ok, _ := db.SetExpire(b(k), at); ok {
				model[k] = at
			}
		case 4:
			db.Persist(b(k))
			if _, ok := model[k]; ok {
				model[k] = 0
			}
		case 5:
			db.Delete(b(k))
			delete(model, k)
		}
	}
	with := 0
	for k, at := range model {
		if got, ok := db.ExpireOf(b(k)); !ok || got != at {
			t.Fatalf("%s expires at %d (%v), want %d", k, got, ok, at)
		}
		if at != 0 {
			with++
		}
	}
	if db.Len() != len(model) || db.Expires() != with {
		t.Fatalf("%d keys, %d expires, want %d and %d", db.Len(), db.Expires(), len(model), with)
	}
	for slot := range uint32(db.ks.ttl.n) {
		if _, back := db.ks.trailer(*db.ks.ttl.at(slot)); back != slot {
			t.Fatalf("slot %d names an entry of slot %d", slot, back)
		}
	}
	s.SetNow(s.Now() + 500)
	for range 10_000 {
		expireSome(s, 100)
	}
	for k, at := range model {
		if past := at != 0 && at < s.Now(); past == (db.ks.dict.Find(b(k)) != 0) {
			t.Fatalf("%s, %d ms to live, was treated wrongly", k, at-s.Now())
		}
	}
	if db.AvgTTL() <= 0 || db.AvgTTL() > 1000 {
		t.Errorf("average ttl %d", db.AvgTTL())
	}
}

// expireSome looks at about max keys, with Redis's defaults.
func expireSome(s *Store, max int) (expired int) {
	c := ExpireCycle{Sample: 20, Acceptable: 10}
	s.ActiveExpire(&c, max)
	return c.Expired
}

// A round stays with a database that is full of keys that are past, comes round
// to all of them, and ends.
func TestExpireCycle(t *testing.T) {
	s := newTestStore(t)
	for i := range 3000 {
		s.DB(1).Set(fmt.Append(nil, i), b("v"), s.Now()+1)
		s.DB(3).Set(fmt.Append(nil, i), b("v"), s.Now()+1_000_000)
	}
	s.SetNow(s.Now() + 2)
	c := ExpireCycle{Sample: 20, Acceptable: 10}
	steps := 1
	for ; s.ActiveExpire(&c, 400); steps++ {
		if steps > 100 {
			t.Fatal("a round does not end")
		}
	}
	if s.DB(1).Len() != 0 || s.DB(3).Len() != 3000 || c.Expired != 3000 {
		t.Errorf("%d keys that are past left; %d expired", s.DB(1).Len(), c.Expired)
	}
	if want := 3000/400 + 1; steps != want || c.Looked > 3000+2*20 {
		t.Errorf("%d steps, want %d; looked at %d keys", steps, want, c.Looked)
	}
}

// SCAN deletes what it finds past, where that is to be done.
func TestScanExpires(t *testing.T) {
	s := newTestStore(t)
	db := s.DB(0)
	for i := range 100 {
		db.Set(fmt.Append(nil, i), b("v"), s.Now()+1)
	}
	db.Set(b("stays"), b("v"), NoExpire)
	s.SetNow(s.Now() + 2)
	s.SetExpiry(ExpiryHide)
	seen := 0
	scan := func() {
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			cursor = db.Scan(cursor, 10, func([]byte, Type) { seen++ })
		}
	}
	scan()
	if seen != 1 || db.Len() != 101 {
		t.Fatalf("a replica showed %d keys and has %d left", seen, db.Len())
	}
	s.SetExpiry(ExpiryDelete)
	scan()
	if seen < 2 || db.Len() != 1 || s.Stats.Expired != 100 {
		t.Errorf("%d keys left, %d expired", db.Len(), s.Stats.Expired)
	}
}
