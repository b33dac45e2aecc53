package rdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// The encoders of what Redis no longer writes, for tests only.

// zip makes a ziplist of texts and integers.
func zip(elements ...any) []byte {
	out := make([]byte, zipHead)
	binary.LittleEndian.PutUint32(out[4:], zipHead)
	previous := 0
	for _, e := range elements {
		var one []byte
		if previous < zipLongPrevious {
			one = append(one, byte(previous))
		} else {
			one = binary.LittleEndian.AppendUint32(append(one, zipLongPrevious), uint32(previous))
		}
		one = append(one, zipOne(e)...)
		binary.LittleEndian.PutUint32(out[4:], uint32(len(out)))
		out = append(out, one...)
		previous = len(one)
	}
	out = append(out, zipEnd)
	binary.LittleEndian.PutUint32(out, uint32(len(out)))
	binary.LittleEndian.PutUint16(out[8:], uint16(min(len(elements), zipManyElements)))
	return out
}

func zipOne(e any) []byte {
	if s, ok := e.(string); ok {
		n := len(s)
		switch {
		case n < 1<<6:
			return append([]byte{byte(n)}, s...)
		case n < 1<<14:
			return append([]byte{0x40 | byte(n>>8), byte(n)}, s...)
		}
		return append(binary.BigEndian.AppendUint32([]byte{0x80}, uint32(n)), s...)
	}
	v := int64(e.(int))
	le := binary.LittleEndian.AppendUint64(nil, uint64(v))
	switch {
	case v >= 0 && v <= 12:
		return []byte{zipTiny + byte(v)}
	case v == int64(int8(v)):
		return append([]byte{zipInt8}, le[:1]...)
	case v == int64(int16(v)):
		return append([]byte{zipInt16}, le[:2]...)
	case v >= -1<<23 && v < 1<<23:
		return append([]byte{zipInt24}, le[:3]...)
	case v == int64(int32(v)):
		return append([]byte{zipInt32}, le[:4]...)
	}
	return append([]byte{zipInt64}, le...)
}

// zipmapOf makes a zipmap of fields and values, with free bytes behind some.
func zipmapOf(texts ...string) []byte {
	out := []byte{byte(min(len(texts)/2, 254))}
	for i, s := range texts {
		if len(s) < zipmapLong {
			out = append(out, byte(len(s)))
		} else {
			out = binary.LittleEndian.AppendUint32(append(out, zipmapLong), uint32(len(s)))
		}
		free := 0
		if i%2 == 1 {
			free = i % 4
			out = append(out, byte(free))
		}
		out = append(out, s...)
		out = append(out, make([]byte, free)...)
	}
	return append(out, zipmapEnd)
}

// file wraps one key's bytes into a snapshot of a version without checksums.
func file(version int, parts ...[]byte) []byte {
	out := fmt.Appendf(nil, "REDIS%04d", version)
	for _, p := range parts {
		out = append(out, p...)
	}
	out = append(out, opEnd)
	if version >= 5 {
		out = append(out, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	return out
}

// fileHead is a snapshot that breaks off behind part.
func fileHead(part []byte) []byte { return append([]byte("REDIS0010"), part...) }

func blob(b []byte) []byte {
	var w Writer
	w.blob(b)
	return w.buf
}

func entry(kind byte, key string, value ...[]byte) []byte {
	return append(append([]byte{kind}, blob([]byte(key))...), bytes.Join(value, nil)...)
}

// show prints a value in a form that does not depend on its encoding.
func show(t *testing.T, s *store.Store, key string) string {
	t.Helper()
	v, ok := s.DB(0).Value([]byte(key))
	if !ok {
		return "nothing"
	}
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch v.Type {
	case store.String:
		add("%s", v.Bytes)
	case store.List:
		l := v.List()
		l.Each(0, l.Len(), types.Tail, func(e []byte) bool { add("%s", e); return true })
	case store.Set:
		m := v.Set()
		m.Each(func(e []byte) bool { add("%s", e); return true })
	case store.Hash:
		h := v.Hash()
		h.Each(func(f, e []byte) bool { add("%s=%s", f, e); return true })
	case store.ZSet:
		z := v.ZSet()
		z.Each(0, z.Len(), false, func(m []byte, score float64) bool { add("%s:%v", m, score); return true })
	}
	if v.Type == store.Hash || v.Type == store.Set {
		slices.Sort(out) // large ones have no order
	}
	return v.Type.String() + " " + strings.Join(out, " ")
}

func TestOldEncodings(t *testing.T) {
	long, longer := strings.Repeat("x", 300), strings.Repeat("y", 20000)
	numbers := []any{0, 12, 13, -1, 127, -128, 128, 32767, -32769, 1<<23 - 1, -1 << 23, 1 << 23, math.MaxInt32, 1 << 40, math.MinInt64}
	var texts []string
	for _, n := range numbers {
		texts = append(texts, fmt.Sprint(n))
	}
	number := func(n uint64) []byte { var w Writer; w.length(n); return w.buf }
	cases := []struct {
		name string
		part []byte
		want string
	}{
		{"ziplist of numbers", entry(typeListZip, "k", blob(zip(numbers...))), "list " + strings.Join(texts, " ")},
		{"ziplist of texts", entry(typeListZip, "k", blob(zip("a", long, "b", longer, "c", ""))), "list a " + long + " b " + longer + " c "},
		{"quicklist of ziplists", entry(typeQuicklist, "k", number(2), blob(zip("a", 1)), blob(zip(2, "b"))), "list a 1 2 b"},
		{"plain list", entry(typeList, "k", number(2), blob([]byte("a")), blob([]byte("b"))), "list a b"},
		{"hash as ziplist", entry(typeHashZip, "k", blob(zip("f", 1, 2, "v", "g", long))), "hash 2=v f=1 g=" + long},
		{"large hash as ziplist", entry(typeHashZip, "k", blob(zip("f", longer))), "hash f=" + longer},
		{"sorted set as ziplist", entry(typeZSetZip, "k", blob(zip("a", -5, 7, "0.5", "c", 1000))), "zset a:-5 7:0.5 c:1000"},
		{"sorted set with infinities", entry(typeZSetZip, "k", blob(zip("a", "-inf", "b", "inf"))), "zset a:-Inf b:+Inf"},
		{"zipmap", entry(typeZipmap, "k", blob(zipmapOf("f", "1", "g", long, "h", ""))), "hash f=1 g=" + long + " h="},
		{"scores as text", entry(typeZSet, "k", number(4), blob([]byte("a")), []byte("\x033.5"), blob([]byte("b")), []byte{254},
			blob([]byte("c")), []byte{255}, blob([]byte("d")), []byte("\x02-1")), "zset c:-Inf d:-1 a:3.5 b:+Inf"},
		{"set", entry(typeSet, "k", number(2), blob([]byte("a")), blob([]byte("b"))), "set a b"},
		{"packed set", entry(typeSetPack, "k", blob(types.NewListpack(64).Append([]byte("a")).Append([]byte("7")))), "set 7 a"},
		{"empty list", entry(typeList, "k", number(0)), "nothing"},
		{"empty ziplist", entry(typeListZip, "k", blob(zip())), "nothing"},
		{"empty hash", entry(typeHash, "k", number(0)), "nothing"},
		{"empty set", entry(typeSet, "k", number(0)), "nothing"},
		{"empty sorted set", entry(typeZSet2, "k", number(0)), "nothing"},
		{"expiry in seconds", append([]byte{opExpireSec, 0, 0, 0, 0x7f}, entry(typeString, "k", blob([]byte("v")))...), "string v"},
		{"idle time", append([]byte{opIdle, 5}, entry(typeString, "k", blob([]byte("v")))...), "string v"},
		{"frequency", append([]byte{opFreq, 5}, entry(typeString, "k", blob([]byte("v")))...), "string v"},
		{"slot info", append([]byte{opSlotInfo, 1, 2, 3}, entry(typeString, "k", blob([]byte("v")))...), "string v"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, version := range []int{1, 4, 5, 12} {
				s, info := load(t, file(version, c.part))
				if got := show(t, s, "k"); got != c.want {
					t.Errorf("version %d: %.200s, want %.200s", version, got, c.want)
				}
				if info.Version != version {
					t.Errorf("version %d was taken for %d", version, info.Version)
				}
			}
		})
	}
}

func TestWhatIsRefused(t *testing.T) {
	value := blob([]byte("v"))
	badPrevious := zip("aaa", "b")
	badPrevious[zipHead+5]++
	badCount := zip("a", "b")
	badCount[8]++
	badSize := zip("a")
	badSize[0]++
	halfPair := zip("a", "b", "c")
	beyond := zip("abc")
	beyond[zipHead+1] = 60
	cases := []struct {
		name string
		file []byte
		want string
	}{
		{"no snapshot", []byte("hello, world"), "not a snapshot"},
		{"version 0", file(0), "version 0 is not known"},
		{"version 13", file(13), "version 13 is not known"},
		{"module", file(10, entry(7, "k", value)), "a module's value"},
		{"module's data", file(10, []byte{opModuleAux}), "a module"},
		{"hash with expiring fields", file(12, entry(24, "k", value)), "expiring fields"},
		{"unknown type", file(10, entry(99, "k", value)), "unknown type 99"},
		{"database too high", file(10, []byte{opSelectDB, 16}), "database 16 does not exist"},
		{"key twice", file(10, entry(typeString, "k", value), entry(typeString, "k", value)), "comes twice"},
		{"field twice", file(10, entry(typeHash, "k", []byte{2}, value, value, value, value)), "twice"},
		{"member twice", file(10, entry(typeSet, "k", []byte{2}, value, value)), "twice"},
		{"listpack", file(10, entry(typeHashPack, "k", blob([]byte("\x07\x00\x00\x00\x01\x00\xff")))), "corrupt"},
		{"intset out of order", file(10, entry(typeIntset, "k", blob([]byte("\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00\x01\x00")))), "corrupt"},
		{"ziplist with a wrong way back", file(10, entry(typeListZip, "k", blob(badPrevious))), "corrupt"},
		{"ziplist with a wrong count", file(10, entry(typeListZip, "k", blob(badCount))), "corrupt"},
		{"ziplist with a wrong size", file(10, entry(typeListZip, "k", blob(badSize))), "corrupt"},
		{"ziplist whose element ends behind it", file(10, entry(typeListZip, "k", blob(beyond))), "corrupt"},
		{"ziplist of half a pair", file(10, entry(typeHashZip, "k", blob(halfPair))), "corrupt"},
		{"ziplist with a field twice", file(10, entry(typeHashZip, "k", blob(zip("a", 1, "a", 2)))), "twice"},
		{"ziplist with a bad score", file(10, entry(typeZSetZip, "k", blob(zip("a", "x")))), "not a number"},
		{"zipmap that ends early", file(10, entry(typeZipmap, "k", blob([]byte("\x01\x05ab\xff")))), "corrupt"},
		{"zipmap with a wrong count", file(10, entry(typeZipmap, "k", blob([]byte("\x02\x01a\x01\x00b\xff")))), "corrupt"},
		{"score that is none", file(10, entry(typeZSet2, "k", []byte{1}, value, []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f})), "not a number"},
		{"string beyond the limit", file(10, entry(typeString, "k", []byte{len32, 0xff, 0xff, 0xff, 0xff})), "a string of"},
		{"string that does not come", file(10, entry(typeString, "k", []byte{len32, 0x1f, 0xff, 0xff, 0xff})), "unexpected EOF"},
		{"string beyond what clients may send by default", file(10, entry(typeString, "k", []byte{len32, 0x7f, 0, 0, 0})), "unexpected EOF"},
		{"set whose members do not come", fileHead(entry(typeSet, "k", []byte{len32, 0x7f, 0xff, 0xff, 0xff}, value)), "unexpected EOF"},
		{"hash whose fields do not come", fileHead(entry(typeHash, "k", []byte{len32, 0x7f, 0xff, 0xff, 0xff}, value, value)), "unexpected EOF"},
		{"wrong checksum", append(file(10)[:10], 1, 2, 3, 4, 5, 6, 7, 8), "wrong checksum"},
		{"compressed bytes that are none", file(10, entry(typeString, "k", []byte{0xc3, 2, 5, 0xff, 0xff})), "corrupt"},
		{"compressed bytes that promise too much", file(10, entry(typeString, "k", []byte{0xc3, 2, len32, 0x1f, 0, 0, 0, 1, 1})), "cannot hold"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(bytes.NewReader(c.file), newStore(t))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "Internal error in RDB reading offset") {
				t.Errorf("the error is %v, want one with %q and the offset", err, c.want)
			}
		})
	}
}

func TestLZF(t *testing.T) {
	cases := []struct {
		in   string
		size int
		want string // "": refused
	}{
		{"\x02abc", 3, "abc"},
		{"\x00a\x20\x00", 4, "aaaa"},
		{"\x00a\xe0\x05\x00", 15, strings.Repeat("a", 15)},
		{"\x02abc\x20\x02", 6, "abcabc"},
		{"\x02abc", 4, ""},
		{"\x02abc", 2, ""},
		{"\x05abc", 6, ""},
		{"\x20\x00", 3, ""},
		{"\x00a\x20\x05", 4, ""},
		{"\x00a\xe0", 9, ""},
		{"\x00a\x20", 4, ""},
	}
	for _, c := range cases {
		out, ok := unpackLZF(nil, []byte(c.in), c.size)
		if ok != (c.want != "") || ok && string(out) != c.want {
			t.Errorf("%q gives %q %v, want %q", c.in, out, ok, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(snapshotOf(f, sample(f, 1))[:4000])
	f.Add(file(10, entry(typeListZip, "l", blob(zip("a", 1, 70000))), entry(typeZipmap, "m", blob(zipmapOf("f", "v")))))
	f.Add(file(12, entry(typeSetPack, "s", blob(types.NewListpack(64).Append([]byte("a")))), []byte{opSelectDB, 1, opResizeDB, 9, 9},
		entry(typeZSetZip, "z", blob(zip("a", "1.5"))), entry(typeHashZip, "h", blob(zip("a", 1)))))
	f.Add(file(3, entry(typeString, "s", []byte{0xc3, 4, 4, 2, 'a', 'b', 'c'}), entry(typeIntset, "i", blob([]byte("\x02\x00\x00\x00\x01\x00\x00\x00\x05\x00")))))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := store.New(16)
		if err != nil {
			t.Skip(err)
		}
		defer s.Close()
		if _, err := Load(bytes.NewReader(b), s); err != nil {
			return
		}
		// What was accepted can be walked, written and read again.
		again, err := store.New(16)
		if err != nil {
			t.Skip(err)
		}
		defer again.Close()
		written := snapshotOf(t, s)
		if _, err := Load(bytes.NewReader(written), again); err != nil {
			t.Fatalf("what was loaded cannot be loaded again: %v", err)
		}
	})
}

func FuzzRestore(f *testing.F) {
	s := sample(f, 1)
	for _, v := range entries(s, 3) {
		payload, err := AppendDump(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload[:len(payload)-dumpFoot])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := store.New(1)
		if err != nil {
			t.Skip(err)
		}
		defer s.Close()
		payload := sealed(body)
		if err := restore(s, 0, []byte("k"), payload, store.NoExpire); err != nil {
			return
		}
		if v, ok := s.DB(0).Value([]byte("k")); ok {
			if _, err := AppendDump(nil, v); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// restore is RESTORE with REPLACE.
func restore(s *store.Store, db int, key, payload []byte, expire int64) error {
	v, err := Undump(s, payload, Undumping{})
	if err != nil {
		return err
	}
	return v.Put(s.DB(db), key, expire)
}

// sealed puts a valid foot behind the body of a payload.
func sealed(body []byte) []byte { return Seal(bytes.Clone(body)) }

// What comes twice in a compact encoding is found when it becomes a table, and otherwise
// if somebody asks to look.
func TestRestoreFindsTwins(t *testing.T) {
	pack := func(elements ...string) []byte {
		lp := types.NewListpack(64)
		for _, e := range elements {
			lp = lp.Append([]byte(e))
		}
		return blob(lp)
	}
	for name, body := range map[string][]byte{
		"hash":       append([]byte{typeHashPack}, pack("f", "1", "g", "2", "f", "3")...),
		"set":        append([]byte{typeSetPack}, pack("a", "b", "a")...),
		"sorted set": append([]byte{typeZSetPack}, pack("a", "1", "b", "2", "a", "3")...),
	} {
		for _, c := range []struct {
			limit int
			deep  bool
			want  error
		}{{100, false, nil}, {100, true, ErrDumpData}, {1, false, ErrDumpData}} {
			s := newStore(t)
			limits := types.DefaultLimits()
			limits.HashMaxListpackEntries, limits.SetMaxListpackEntries, limits.ZSetMaxListpackEntries = c.limit, c.limit, c.limit
			s.SetLimits(limits)
			v, err := Undump(s, sealed(body), Undumping{Deep: c.deep})
			if !errors.Is(err, c.want) {
				t.Errorf("a %s up to %d elements compact, in depth %v: %v, want %v", name, c.limit, c.deep, err, c.want)
			}
			if err == nil {
				v.Drop(s)
			}
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	s := newStore(t)
	good := sealed(entry(typeString, "v")) // type and value look like type and key
	newer := binary.LittleEndian.AppendUint16(entry(typeString, "v"), readVersion+1)
	newer = binary.LittleEndian.AppendUint64(newer, crc64(0, newer))
	flipped := bytes.Clone(good)
	flipped[2] ^= 1
	wrongTail := zip("a", "b")
	wrongTail[4]--
	if err := s.DB(0).Set([]byte("k"), []byte("before"), store.NoExpire); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		payload []byte
		want    error
	}{
		"nothing":        {nil, ErrDumpVersion},
		"only a foot":    {good[len(good)-dumpFoot:], ErrDumpVersion},
		"newer version":  {newer, ErrDumpVersion},
		"flipped bit":    {flipped, ErrDumpVersion},
		"bytes behind":   {sealed(append(entry(typeString, "v"), 0)), ErrDumpData},
		"bytes missing":  {sealed([]byte{typeString, 5, 'a'}), ErrDumpData},
		"no type at all": {sealed([]byte{200, 1, 1}), ErrDumpData},
		"wrong tail":     {sealed(append([]byte{typeListZip}, blob(wrongTail)...)), ErrDumpData},
		"trailing list":  {sealed(append(append([]byte{typeListZip}, blob(zip("a"))...), 1)), ErrDumpData},
	} {
		if err := restore(s, 0, []byte("k"), c.payload, store.NoExpire); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if got := show(t, s, "k"); got != "string before" {
			t.Errorf("%s changed the key to %s", name, got)
		}
	}
	if err := restore(s, 0, []byte("k"), good, farAway); err != nil || show(t, s, "k") != "string v" || s.DB(0).Expires() != 1 {
		t.Errorf("%v, %s", err, show(t, s, "k"))
	}
}
