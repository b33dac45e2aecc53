package rdb

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hdt3213/rdb/core"
	"github.com/hdt3213/rdb/model"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// farAway is an expiry that does not come during a test, Unix ms.
const farAway = 4102444800123

func newStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.New(16)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.SetNow(1)
	return s
}

// incompressible returns n random bytes.
func incompressible(n int) string {
	rnd := rand.New(rand.NewPCG(9, 9))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return string(b)
}

// oddScores are those that DEBUG DIGEST of Redis 7.0 takes with other digits
// than later ones, so they are compared apart.
var oddScores = []float64{0.1, 1e-300, 1e300, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Pi, 3.0e15, -1.0 / 3}

// sample makes a store with every type in every encoding.
func sample(t testing.TB, seed uint64) *store.Store {
	t.Helper()
	s := newStore(t)
	rnd := rand.New(rand.NewPCG(seed, 4))
	db := s.DB(0)
	set := func(key, value string, expire int64) {
		if err := db.Set([]byte(key), []byte(value), expire); err != nil {
			t.Fatal(err)
		}
	}
	set("string", "a value", store.NoExpire)
	set("", "", store.NoExpire)
	set("string-int", "-12345", store.NoExpire)
	set("string-expires", "x", farAway)
	set("binary", incompressible(1000), store.NoExpire)
	for _, v := range []int64{0, -1, 127, 128, -128, -129, 32767, 32768, -32769, math.MaxInt32, math.MinInt32, math.MaxInt32 + 1, math.MinInt64} {
		set(fmt.Sprint("n", v), fmt.Sprint(v), store.NoExpire)
	}
	for _, n := range []int{63, 64, 16383, 16384, 300_000} {
		set(fmt.Sprint("len", n), strings.Repeat("l", n), store.NoExpire)
	}
	for i := range 2000 {
		set(fmt.Sprint("key:", i), fmt.Sprint(rnd.Uint64()), int64(i%2)*(farAway+int64(i)))
	}
	for name, n := range map[string]int{"small": 20, "large": 2000} {
		fillCollections(t, db, rnd, name, n)
	}
	fillCollections(t, s.DB(3), rnd, "elsewhere", 200)
	return s
}

func fillCollections(t testing.TB, db *store.DB, rnd *rand.Rand, name string, n int) {
	t.Helper()
	h, err := db.MakeHash([]byte("hash-" + name))
	if err != nil {
		t.Fatal(err)
	}
	z, err1 := db.MakeZSet([]byte("zset-"+name), n, 10)
	l, err2 := db.MakeList([]byte("list-" + name))
	texts, err3 := db.MakeSet([]byte("set-texts-"+name), []byte("text"), n)
	ints, err4 := db.MakeSet([]byte("set-ints-"+name), []byte("1"), min(n, 500))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		text := fmt.Appendf(nil, "element:%d", i)
		h.Set(text, fmt.Append(nil, rnd.IntN(1000)))
		z.Put(text, []float64{float64(i), -0.5, math.Inf(1), math.Inf(-1), 1024.125}[rnd.IntN(5)])
		l.Push(types.Tail, text)
		l.Push(types.Head, fmt.Append(nil, i*i))
		texts.Add(text)
		ints.Add(fmt.Append(nil, rnd.Int32()))
	}
	h.Done(true)
	z.Done(true)
	l.Done(true)
	texts.Done(true)
	ints.Done(true)
	fillStream(t, db, "stream-"+name, n)
}

// snapshotOf writes a store as a node does.
func snapshotOf(t testing.TB, s *store.Store) []byte {
	t.Helper()
	w := NewWriter(true)
	walk, err := s.StartWalk(w.Entry)
	if err != nil {
		t.Fatal(err)
	}
	w.Header(Info{RedisVersion: "7.2.0", Created: 1700000000, UsedMemory: s.UsedMemory(), Keys: CountKeys(s),
		StreamID: strings.Repeat("a", 40), StreamOffset: 12345, StreamDB: 3, DataEpoch: 6})
	var out []byte
	var chunk Piece
	for done := false; !done; {
		if done, err = walk.Step(10_000); err != nil {
			t.Fatal(err)
		}
		chunk = w.Take(chunk)
		out = append(out, w.Seal(chunk, done)...)
	}
	return out
}

func load(t testing.TB, b []byte) (*store.Store, Info) {
	t.Helper()
	s := newStore(t)
	info, err := Load(bytes.NewReader(b), s)
	if err != nil {
		t.Fatal(err)
	}
	return s, info
}

func entries(s *store.Store, db int) map[string]store.Value {
	all := map[string]store.Value{}
	s.DB(db).Each(func(key []byte, _ store.Type) bool {
		v, _ := s.DB(db).Value(key)
		all[string(key)] = v
		return true
	})
	return all
}

func hexOf(sum [store.DigestSize]byte) string { return hex.EncodeToString(sum[:]) }

func TestWhatIsWrittenIsRead(t *testing.T) {
	s := sample(t, 3)
	b := snapshotOf(t, s)
	got, info := load(t, b)
	if g, w := digest(got), digest(s); g != w {
		t.Errorf("digest %s after loading, %s before", g, w)
	}
	if info.StreamID != strings.Repeat("a", 40) || info.StreamOffset != 12345 || info.StreamDB != 3 || info.DataEpoch != 6 ||
		info.RedisVersion != "7.2.0" || info.Created != 1700000000 || info.UsedMemory != s.UsedMemory() || info.AOFBase {
		t.Errorf("the snapshot says of itself %+v", info)
	}
	for key := range entries(s, 0) {
		a, _ := s.DB(0).Encoding([]byte(key))
		b, _ := got.DB(0).Encoding([]byte(key))
		if a != b {
			t.Errorf("%s: %v became %v", key, a, b)
		}
	}
	if got.DB(0).Expires() != s.DB(0).Expires() {
		t.Errorf("%d keys expire, %d did", got.DB(0).Expires(), s.DB(0).Expires())
	}
}

func TestReadsMayBeShort(t *testing.T) {
	s := sample(t, 4)
	got := newStore(t)
	if _, err := Load(iotest.OneByteReader(bytes.NewReader(snapshotOf(t, s))), got); err != nil {
		t.Fatal(err)
	}
	if digest(got) != digest(s) {
		t.Error("the digests differ")
	}
}

func TestEmptySnapshot(t *testing.T) {
	got, info := load(t, snapshotOf(t, newStore(t)))
	if got.DB(0).Len() != 0 || info.Version != writeVersion {
		t.Errorf("%d keys, %+v", got.DB(0).Len(), info)
	}
}

// TestPreImagesCome changes keys while the snapshot is being taken.
func TestPreImagesCome(t *testing.T) {
	s := sample(t, 5)
	want := digest(s)
	w := NewWriter(true)
	walk, err := s.StartWalk(w.Entry)
	if err != nil {
		t.Fatal(err)
	}
	w.Header(Info{Keys: CountKeys(s)})
	var out []byte
	var chunk Piece
	rnd := rand.New(rand.NewPCG(6, 6))
	for done := false; !done; {
		for range 50 {
			key := fmt.Appendf(nil, "key:%d", rnd.IntN(4000))
			if rnd.IntN(2) == 0 {
				s.DB(0).Delete(key)
			} else if err := s.DB(rnd.IntN(4)).Set(key, []byte("changed"), store.NoExpire); err != nil {
				t.Fatal(err)
			}
		}
		if done, err = walk.Step(500); err != nil {
			t.Fatal(err)
		}
		chunk = w.Take(chunk)
		out = append(out, w.Seal(chunk, done)...)
	}
	if got, _ := load(t, out); digest(got) != want {
		t.Error("the snapshot is not of the moment it began")
	}
}

func TestTornSnapshotsAreErrors(t *testing.T) {
	s := newStore(t)
	fillCollections(t, s.DB(0), rand.New(rand.NewPCG(1, 1)), "x", 10)
	whole := snapshotOf(t, s)
	for n := range whole {
		if _, err := Load(bytes.NewReader(whole[:n]), newStore(t)); err == nil {
			t.Fatalf("%d bytes of %d were loaded", n, len(whole))
		} else if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "Internal error in RDB reading offset") {
			t.Fatalf("%d bytes of %d: %v", n, len(whole), err)
		}
	}
}

// A full resync is the snapshot and nothing else, even what was read ahead of it.
func TestNothingStandsBehindAWholeSnapshot(t *testing.T) {
	whole := snapshotOf(t, sample(t, 4))
	load := func(b []byte) error {
		_, err := LoadWhole(bytes.NewReader(b), newStore(t), func() error { return nil })
		return err
	}
	if err := load(whole); err != nil {
		t.Fatal(err)
	}
	if err := load(append(bytes.Clone(whole), 0)); err == nil || !strings.Contains(err.Error(), "behind the end of the snapshot") {
		t.Errorf("with a byte behind it: %v", err)
	}
}

func TestAnOffsetLeavesRoomToGoOn(t *testing.T) {
	place := func(offset uint64) (Info, error) {
		w := NewWriter(true)
		w.Header(Info{StreamID: strings.Repeat("a", 40), StreamOffset: offset})
		return Load(bytes.NewReader(w.Seal(w.Take(Piece{}), true)), newStore(t))
	}
	if info, err := place(1<<62 - 1); err != nil || info.StreamOffset != 1<<62-1 {
		t.Errorf("%d, %v", info.StreamOffset, err)
	}
	if _, err := place(1 << 62); err == nil || !strings.Contains(err.Error(), "AUX field repl-offset") {
		t.Errorf("an offset beyond: %v", err)
	}
}

func TestAFlippedBitIsFound(t *testing.T) {
	s := newStore(t)
	fillCollections(t, s.DB(0), rand.New(rand.NewPCG(1, 1)), "x", 10)
	whole := snapshotOf(t, s)
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 1 << (i % 8)
		if _, err := Load(bytes.NewReader(b), newStore(t)); err == nil {
			t.Errorf("the bit at byte %d of %d was not missed", i, len(whole))
		}
	}
}

// TestAThirdReaderAgrees reads our snapshot with another implementation.
func TestAThirdReaderAgrees(t *testing.T) {
	s := sample(t, 7)
	got := newStore(t)
	err := core.NewDecoder(bytes.NewReader(snapshotOf(t, s))).Parse(func(o model.RedisObject) bool {
		putObject(t, got, o)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if digest(got) != digest(s) {
		t.Error("the digests differ")
	}
}

func putObject(t *testing.T, s *store.Store, o model.RedisObject) {
	key, db := []byte(o.GetKey()), s.DB(o.GetDBIndex())
	switch v := o.(type) {
	case *model.StringObject:
		expire := int64(store.NoExpire)
		if e := o.GetExpiration(); e != nil {
			expire = e.UnixMilli()
		}
		if err := db.Set(key, v.Value, expire); err != nil {
			t.Fatal(err)
		}
	case *model.ListObject:
		l, _ := db.MakeList(key)
		for _, e := range v.Values {
			l.Push(types.Tail, e)
		}
		l.Done(true)
	case *model.SetObject:
		m, _ := db.MakeSet(key, v.Members[0], len(v.Members))
		for _, e := range v.Members {
			m.Add(e)
		}
		m.Done(true)
	case *model.HashObject:
		h, _ := db.MakeHash(key)
		for f, e := range v.Hash {
			h.Set([]byte(f), e)
		}
		h.Done(true)
	case *model.ZSetObject:
		z, _ := db.MakeZSet(key, len(v.Entries), 0)
		for _, e := range v.Entries {
			z.Put([]byte(e.Member), e.Score)
		}
		z.Done(true)
	case *model.StreamObject:
		x, _ := db.MakeStream(key)
		for _, node := range v.Entries {
			for _, m := range node.Msgs {
				if m.Deleted {
					continue
				}
				var pairs [][]byte
				for _, field := range slices.Sorted(maps.Keys(m.Fields)) {
					pairs = append(pairs, []byte(field), []byte(m.Fields[field]))
				}
				if err := x.Append(types.StreamID{Ms: m.Id.Ms, Seq: m.Id.Sequence}, pairs); err != nil {
					t.Fatal(err)
				}
			}
		}
		x.Done(true)
	}
}

func TestChecksumIsRedis(t *testing.T) {
	// The check value of CRC-64/Jones over this text is known from its source.
	if got := crc64(0, []byte("123456789")); got != 0xe9c6d914c4b8d9ca {
		t.Errorf("the checksum is %016x", got)
	}
	p := []byte(incompressible(1000))
	for n := range 40 { // in pieces it is the same
		sum := uint64(0)
		for q := p; len(q) > 0; {
			k := min(n+1, len(q))
			sum = crc64(sum, q[:k])
			q = q[k:]
		}
		if sum != crc64(0, p) {
			t.Fatalf("in pieces of %d the checksum is another", n+1)
		}
	}
}

func BenchmarkChecksum(b *testing.B) {
	p := []byte(incompressible(64 << 10))
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		crc64(0, p)
	}
}

func BenchmarkWrite(b *testing.B) {
	s := sample(b, 1)
	b.SetBytes(int64(len(snapshotOf(b, s))))
	b.ResetTimer()
	for b.Loop() {
		snapshotOf(b, s)
	}
}

func BenchmarkLoad(b *testing.B) {
	p := snapshotOf(b, sample(b, 1))
	b.SetBytes(int64(len(p)))
	b.ResetTimer()
	for b.Loop() {
		s, err := store.New(16)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Load(bytes.NewReader(p), s); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
