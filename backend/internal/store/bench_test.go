package store

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

var benchKeys = flag.Int("bench-keys", 1_000_000, "keys in the store that the benchmarks read and write")

const benchValue = 64 // bytes

// keyName writes a key of 16 bytes as redis-benchmark names them.
func keyName(buf []byte, i int) []byte {
	buf = append(buf[:0], "key:000000000000"...)
	digits := strconv.AppendInt(nil, int64(i), 10)
	copy(buf[len(buf)-len(digits):], digits)
	return buf
}

func fill(s *Store, n int) {
	var buf [32]byte
	value := make([]byte, benchValue)
	for i := range n {
		if err := s.DB(0).Set(keyName(buf[:0], i), value, NoExpire); err != nil {
			panic(err)
		}
	}
}

// names is n random keys of a filled store, made beforehand.
func names(n, of int) [][]byte {
	x, out := uint64(1), make([][]byte, n)
	for i := range out {
		x = x*6364136223846793005 + 1442695040888963407
		out[i] = keyName(nil, int(x>>33)%of)
	}
	return out
}

func benchmarkOn(b *testing.B, keys int, op func(db *DB, key, value []byte)) {
	s := newTestStore(b)
	fill(s, keys)
	for s.Tidy(1000) || s.Rehash(1000) {
	}
	ks, value := names(1<<16, keys), make([]byte, benchValue)
	db := s.DB(0)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		op(db, ks[i&(len(ks)-1)], value)
	}
}

func get(db *DB, key, _ []byte) {
	if _, ok, _ := db.Get(key); !ok {
		panic("missing")
	}
}

func set(db *DB, key, value []byte) { _ = db.Set(key, value, NoExpire) }

func BenchmarkGet(b *testing.B)     { benchmarkOn(b, *benchKeys, get) }
func BenchmarkSet(b *testing.B)     { benchmarkOn(b, *benchKeys, set) }
func BenchmarkGetWarm(b *testing.B) { benchmarkOn(b, 10_000, get) }
func BenchmarkSetWarm(b *testing.B) { benchmarkOn(b, 10_000, set) }

func BenchmarkInsert(b *testing.B) {
	s := newTestStore(b)
	b.ReportAllocs()
	b.ResetTimer()
	fill(s, b.N)
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	s := newTestStore(t)
	fill(s, 1000)
	db, key, value := s.DB(0), []byte("key:000000000500"), make([]byte, benchValue)
	hash, log, fresh := []byte("hash"), []byte("log"), []byte("new")
	for name, op := range map[string]func(){
		"Get":    func() { get(db, key, nil) },
		"Set":    func() { set(db, key, value) },
		"Expire": func() { db.SetExpire(key, s.Now()+1000) },
		"Append": func() { db.Append(log, value) },
		"Hash": func() {
			h, _ := db.MakeHash(hash)
			h.Set(key, value)
			h.Done(true)
			v, _, _ := db.Hash(hash)
			v.Get(key)
		},
		"New and deleted": func() {
			db.Set(fresh, value, s.Now()+1000)
			db.Delete(fresh)
		},
	} {
		if n := testing.AllocsPerRun(200, op); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// resident is the process's resident set, in bytes.
func resident(t testing.TB) int {
	if raceEnabled {
		t.Skip("the race detector's own memory is too much to measure beside")
	}
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc to read the resident size from:", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// Redis 7 takes 171 bytes for a key of 16 bytes with a value of 64.
func TestResidentBytesPerKey(t *testing.T) {
	const n, bound = 200_000, 115
	before := resident(t)
	s := newTestStore(t)
	fill(s, n)
	per := float64(resident(t)-before) / n
	t.Logf("%d keys: %.1f bytes a key", n, per)
	if per > bound {
		t.Errorf("%.1f bytes a key, more than %d", per, bound)
	}
	s.FlushAll()
	for s.Tidy(1000) || s.Rehash(1000) {
	}
	if left := resident(t) - before; left > 4<<20 {
		t.Errorf("%d bytes stay resident after FlushAll", left)
	}
}

// Deleting most keys must give most memory back, not only make it reusable.
func TestDeletedKeysGiveMemoryBack(t *testing.T) {
	const n = 200_000
	before := resident(t)
	s := newTestStore(t)
	fill(s, n)
	full := resident(t) - before
	var buf [32]byte
	for i := range n * 9 / 10 {
		s.DB(0).Delete(keyName(buf[:0], i))
	}
	for s.Tidy(1000) || s.Rehash(1000) {
	}
	s.Purge()
	if left := resident(t) - before; left > full/4 {
		t.Errorf("%s resident with a tenth of the keys, %s with all", mib(left), mib(full))
	}
}

func mib(n int) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
