package store

import (
	"encoding/hex"
	"testing"

	"holdfast/backend/internal/types"
)

// The sums are what redis-server 7.0 replied to DEBUG DIGEST and DEBUG
// DIGEST-VALUE for the same data.
func TestDigestIsThatOfRedis(t *testing.T) {
	s := newTestStore(t)
	db := s.DB(0)
	db.Set(b("s"), b("hello"), NoExpire)
	db.Set(b("n"), b("12345"), s.Now()+100_000_000)
	l, _ := db.MakeList(b("l"))
	l.Push(types.Tail, b("a"), b("b"), b("3"), b("c"))
	l.Done(true)
	x, _ := db.MakeSet(b("set"), b("x"), 4)
	for _, m := range []string{"x", "y", "1", "2"} {
		x.Add(b(m))
	}
	x.Done(true)
	z, _ := db.MakeZSet(b("z"), 3, 5)
	z.Put(b("one"), 1)
	z.Put(b("two"), 2.5)
	z.Put(b("three"), -3)
	z.Done(true)
	h, _ := db.MakeHash(b("h"))
	h.Set(b("f"), b("v"))
	h.Set(b("g"), b("7"))
	h.Done(true)
	s.DB(3).Set(b("other"), b("db"), NoExpire)

	for key, want := range map[string]string{
		"s":    "36b23a1456b2dce2c3ed252c456761301dba8060",
		"n":    "074a6e8892a0b0b4fcf085794cb69322c36c9d00",
		"l":    "226c2112f4bc5d6412d156490c291101b43ddc83",
		"set":  "d9a5e496512416d64a1c5e6d33afd9f2f9c366c5",
		"z":    "308b0edeaf6af1c369b86b39c457d8035dfad398",
		"h":    "42e8aee1f7247f7f7997132f31f0ea5085e70d29",
		"none": "0000000000000000000000000000000000000000",
	} {
		if got := db.DigestOf(b(key)); hex.EncodeToString(got[:]) != want {
			t.Errorf("%s: %x, want %s", key, got, want)
		}
	}
	if got, want := s.Digest(), "38747a9ef68babf7f70b252f7766f5c8eb58e991"; hex.EncodeToString(got[:]) != want {
		t.Errorf("store: %x, want %s", got, want)
	}
}
