package store

import (
	"fmt"
	"testing"

	"holdfast/backend/internal/types"
)

func newTestStore(t testing.TB) *Store {
	t.Helper()
	s, err := New(16)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.SetNow(1_700_000_000_000)
	return s
}

func b(s string) []byte { return []byte(s) }

func mustGet(t *testing.T, db *DB, key, want string) {
	t.Helper()
	v, ok, err := db.Get(b(key))
	if err != nil || !ok || string(v) != want {
		t.Fatalf("Get(%s) = %q, %v, %v, want %q", key, v, ok, err, want)
	}
}

func mustNot(t *testing.T, db *DB, key string) {
	t.Helper()
	if v, ok := db.Value(b(key)); ok {
		t.Fatalf("%s exists: %v %q", key, v.Type, v.Bytes)
	}
}

func TestStrings(t *testing.T) {
	s := newTestStore(t)
	db := s.DB(0)
	mustNot(t, db, "k")
	db.Set(b("k"), b("v"), NoExpire)
	mustGet(t, db, "k", "v")
	db.Set(b("k"), b("a longer value that needs another block, surely"), NoExpire)
	mustGet(t, db, "k", "a longer value that needs another block, surely")
	db.Set(b("k"), nil, NoExpire)
	mustGet(t, db, "k", "")
	if n, _ := db.Append(b("k"), b("abc")); n != 3 {
		t.Fatalf("Append = %d", n)
	}
	if n, _ := db.SetRange(b("k"), 5, b("xy")); n != 7 {
		t.Fatalf("SetRange = %d", n)
	}
	mustGet(t, db, "k", "abc\x00\x00xy")
	if n, _ := db.SetRange(b("k"), 0, b("AB")); n != 7 {
		t.Fatalf("SetRange inside = %d", n)
	}
	mustGet(t, db, "k", "ABc\x00\x00xy")
	if !db.Delete(b("k")) || db.Delete(b("k")) || db.Len() != 0 {
		t.Fatal("Delete")
	}
}

func TestStringEncodings(t *testing.T) {
	db := newTestStore(t).DB(0)
	long := fmt.Sprintf("%045d", 0)
	for _, c := range []struct{ value, want string }{
		{"12345", "int"}, {"-9223372036854775808", "int"}, {"9223372036854775808", "embstr"},
		{"012", "embstr"}, {"", "embstr"}, {long[:44], "embstr"}, {long, "raw"},
	} {
		db.Set(b("k"), b(c.value), NoExpire)
		if enc, _ := db.Encoding(b("k")); enc.String() != c.want {
			t.Errorf("%q is kept as %v, want %s", c.value, enc, c.want)
		}
	}
	db.Set(b("k"), b("1"), NoExpire)
	db.Append(b("k"), b("2"))
	if enc, _ := db.Encoding(b("k")); enc.String() != "raw" {
		t.Errorf("appended to: %v", enc)
	}
	db.Set(b("k"), b("1"), NoExpire)
	if enc, _ := db.Encoding(b("k")); enc.String() != "int" {
		t.Errorf("set again: %v", enc)
	}
}

func TestCollections(t *testing.T) {
	s := newTestStore(t)
	db := s.DB(3)
	before := s.UsedMemory()
	h, err := db.MakeHash(b("h"))
	if err != nil {
		t.Fatal(err)
	}
	h.Set(b("f"), b("v"))
	h.Done(true)
	if _, _, err := db.Get(b("h")); err != ErrWrongType {
		t.Fatalf("Get of a hash: %v", err)
	}
	if _, err := db.MakeList(b("h")); err != ErrWrongType {
		t.Fatalf("MakeList of a hash: %v", err)
	}
	for i := range 1000 {
		h, _, _ := db.EditHash(b("h"))
		h.Set(fmt.Append(nil, "field", i), b("v"))
		h.Done(true)
	}
	view, ok, _ := db.Hash(b("h"))
	if !ok || view.Len() != 1001 || view.Encoding().String() != "hashtable" {
		t.Fatalf("%v %d %v", ok, view.Len(), view.Encoding())
	}
	db.Copy(b("h"), s.DB(4), b("copy"))
	db.Rename(b("h"), b("renamed"))
	h, _, _ = db.EditHash(b("renamed"))
	for i := range 1000 {
		h.Delete(fmt.Append(nil, "field", i))
	}
	if gone := h.Done(true); gone {
		t.Fatal("gone with a field left")
	}
	h, _, _ = db.EditHash(b("renamed"))
	h.Delete(b("f"))
	if gone := h.Done(true); !gone || db.Len() != 0 {
		t.Fatal("an empty hash stayed")
	}
	if view, ok, _ := s.DB(4).Hash(b("copy")); !ok || view.Len() != 1001 {
		t.Fatal("the copy changed with the original")
	}
	s.DB(4).Set(b("copy"), b("x"), NoExpire) // a string over a large hash
	s.DB(4).Delete(b("copy"))
	l, _ := db.MakeList(b("l"))
	if l.Done(false); db.Len() != 0 {
		t.Fatal("an empty list was stored")
	}
	x, _ := db.MakeStream(b("x"))
	if x.Done(false); db.Len() != 0 {
		t.Fatal("a stream was stored to which nothing was done")
	}
	for s.Tidy(100) || s.Rehash(100) {
	}
	if used := s.UsedMemory(); used != before {
		t.Errorf("%d bytes in use, %d before", used, before)
	}
	if free := len(s.heap.free); free != len(s.heap.large) {
		t.Errorf("%d of %d large slots are free", free, len(s.heap.large))
	}
}

func TestEachTypeIsOverwrittenWhole(t *testing.T) {
	s := newTestStore(t)
	db := s.DB(0)
	fill := []func(){
		func() { db.Set(b("k"), b("a string"), s.Now()+1000) },
		func() { h, _ := db.MakeHash(b("k")); h.Set(b("f"), b("v")); h.Done(true) },
		func() { l, _ := db.MakeList(b("k")); l.Push(false, b("e")); l.Done(true) },
		func() { x, _ := db.MakeSet(b("k"), b("m"), 1); x.Add(b("m")); x.Done(true) },
		func() { z, _ := db.MakeZSet(b("k"), 1, 1); z.Put(b("m"), 1); z.Done(true) },
		func() {
			x, _ := db.MakeStream(b("k"))
			x.Append(types.StreamID{Ms: 1}, [][]byte{b("f"), b("v")})
			x.Done(true)
		},
	}
	for i, from := range fill {
		from()
		want := []Type{String, Hash, List, Set, ZSet, Stream}[i]
		if got := db.Type(b("k")); got != want {
			t.Fatalf("type %v, want %v", got, want)
		}
		if err := db.Copy(b("k"), db, b("c")); err != nil || db.Type(b("c")) != want {
			t.Fatalf("copy of %v is %v (%v)", want, db.Type(b("c")), err)
		}
		db.Set(b("k"), b("x"), NoExpire)
		mustGet(t, db, "k", "x")
		db.Delete(b("k"))
	}
	db.Delete(b("c"))
	if used := s.UsedMemory(); used > 10_000 { // one piece of the ttl index stays
		t.Errorf("%d bytes in use by nothing", used)
	}
}

func TestRenameMoveCopy(t *testing.T) {
	s := newTestStore(t)
	db, other := s.DB(0), s.DB(1)
	if err := db.Rename(b("a"), b("b")); err != ErrNoKey {
		t.Fatal(err)
	}
	at := s.Now() + 5000
	db.Set(b("a"), b("1"), at)
	db.Set(b("b"), b("2"), NoExpire)
	if err := db.Rename(b("a"), b("b")); err != nil {
		t.Fatal(err)
	}
	mustNot(t, db, "a")
	mustGet(t, db, "b", "1")
	if ms, _ := db.ExpireOf(b("b")); ms != at {
		t.Errorf("expiry %d after Rename", ms)
	}
	if db.Move(b("b"), other, b("b")); db.Len() != 0 || db.Expires() != 0 {
		t.Fatal("Move left something")
	}
	other.Copy(b("b"), db, b("c"))
	mustGet(t, db, "c", "1")
	if ms, _ := db.ExpireOf(b("c")); ms != at {
		t.Errorf("expiry %d after Copy", ms)
	}
	s.SwapDB(0, 1)
	mustGet(t, db, "b", "1")
	mustGet(t, other, "c", "1")
	if err := db.Rename(b("b"), b("b")); err != nil {
		t.Error(err)
	}
	mustGet(t, db, "b", "1")
}

func TestFlush(t *testing.T) {
	s := newTestStore(t)
	var flushed []int
	s.Hooks.Flushed = func(db int) { flushed = append(flushed, db) }
	fill := func(db *DB) {
		for i := range 8000 { // more than flushNow
			db.Set(fmt.Append(nil, "key", i), b("v"), s.Now()+int64(i)+1)
			h, _ := db.MakeHash(fmt.Append(nil, "hash", i%10))
			h.Set(fmt.Append(nil, i, "a field of more than 64 bytes, so that the hash becomes a large one"), b("v"))
			h.Done(true)
		}
	}
	fill(s.DB(0))
	fill(s.DB(1))
	full := s.UsedMemory()
	s.DB(0).Flush()
	// A hash whose key is freed already may wait beside the keys that are not:
	// how many do depends on the process's hash seed.
	if a, b, p := s.DB(0).Len(), s.DB(1).Len(), s.PendingObjects(); a != 0 || b != 8010 || p < 8010 || p > 8020 {
		t.Fatalf("after Flush %d and %d keys, %d objects pending; want 0, 8010 and 8010 to 8020", a, b, p)
	}
	for s.Tidy(10) || s.Rehash(10) {
	}
	if used := s.UsedMemory(); used > full*2/3 || s.PendingObjects() != 0 || s.Stats.LazyFreed < 8010 {
		t.Errorf("%d bytes in use after half was freed, %d before; %d objects freed", used, full, s.Stats.LazyFreed)
	}
	s.DB(1).Flush()
	fill(s.DB(0))
	s.FlushAll()
	if s.DB(0).Len() != 0 || s.UsedMemory() != 0 {
		t.Errorf("%d keys and %d bytes after FlushAll", s.DB(0).Len(), s.UsedMemory())
	}
	for s.Tidy(10) || s.Rehash(10) {
	}
	if want := []int{0, 1, -1}; fmt.Sprint(flushed) != fmt.Sprint(want) {
		t.Errorf("Flushed was called for %v, want %v", flushed, want)
	}
}

func TestHooks(t *testing.T) {
	s := newTestStore(t)
	db := s.DB(2)
	var log []string
	s.Hooks.Changed = func(db int, key []byte) { log = append(log, fmt.Sprintf("%d:%s", db, key)) }
	s.Hooks.Expired = func(db int, key []byte) { log = append(log, fmt.Sprintf("%d:expired %s", db, key)) }
	step := func(want ...string) {
		t.Helper()
		if fmt.Sprint(log) != fmt.Sprint(want) {
			t.Fatalf("hooks saw %v, want %v", log, want)
		}
		log = nil
	}
	db.Get(b("a"))
	step()
	db.Set(b("a"), b("1"), NoExpire)
	db.Set(b("a"), b("2"), s.Now()+10)
	step("2:a", "2:a")
	db.Persist(b("a"))
	db.SetExpire(b("a"), s.Now()+10)
	step("2:a", "2:a")
	s.SetNow(s.Now() + 11)
	mustNot(t, db, "a")
	step("2:expired a", "2:a")
	db.Set(b("a"), b("1"), NoExpire)
	db.Move(b("a"), s.DB(3), b("c"))
	step("2:a", "2:a", "3:c")
	x, _ := s.DB(3).MakeSet(b("s"), b("1"), 1)
	x.Add(b("1"))
	x.Done(true)
	x, _, _ = s.DB(3).EditSet(b("s"))
	x.Remove(b("2"))
	x.Done(false)
	step("3:s")
	x, _, _ = s.DB(3).EditSet(b("s"))
	x.Remove(b("1"))
	x.Done(true)
	step("3:s")
}
