package types

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// boundaries are values at the edges of each encoding.
var boundaries = []string{"0", "127", "128", "-1", "-4096", "4095", "4096", "-4097", "-32768",
	"32767", "32768", "-8388608", "8388607", "8388608", "-2147483648", "2147483647", "2147483648",
	"-9223372036854775808", "9223372036854775807", "9223372036854775808", "-0", "007", "", "a",
	strings.Repeat("x", 63), strings.Repeat("y", 64)}

// boundariesDump is what redis-server 7.0.15 dumps for a list of boundaries.
var boundariesDump = "0d0100001a0000017f01c08002dfff02d00002cfff02f1001003f1ffef03f1008003f1ff7f03f200800004" +
	"f200008004f2ffff7f04f30000800005f30000008005f3ffffff7f05f4000000800000000009f4000000000000008009" +
	"f4ffffffffffffff7f09933932323333373230333638353437373538303814822d300383303037048001816102bf" +
	strings.Repeat("78", 63) + "40e040" + strings.Repeat("79", 64) + "42ff"

func TestListpackBytesAreRedis(t *testing.T) {
	lp := NewListpack(0)
	for _, v := range boundaries {
		lp = lp.Append([]byte(v))
	}
	if got := hex.EncodeToString(lp); got != boundariesDump {
		t.Errorf("listpack differs from Redis:\n got %s\nwant %s", got, boundariesDump)
	}
	for i, v := range boundaries {
		if got := lp.At(lp.Seek(i)).Append(nil); string(got) != v {
			t.Errorf("element %d = %q, want %q", i, got, v)
		}
	}
}

func TestListpackBacklenIsRedis(t *testing.T) {
	for _, c := range []struct {
		size int
		tail string // of the element after its data, and the terminator
	}{
		{126, "0180ff"}, {128, "0182ff"}, {4095, "2081ff"}, {4096, "2085ff"},
		{16377, "7ffeff"}, {16378, "00ffffff"}, {16379, "018080ff"},
	} {
		lp := NewListpack(0).Append(bytes.Repeat([]byte("z"), c.size))
		if got := hex.EncodeToString(lp[len(lp)-len(c.tail)/2:]); got != c.tail {
			t.Errorf("size %d ends in %s, want %s", c.size, got, c.tail)
		}
		if lp.Last() != lpHeaderSize {
			t.Errorf("size %d: walking back finds %d", c.size, lp.Last())
		}
	}
}

// randomValue favours the edges of encodings.
func randomValue(r *rand.Rand) []byte {
	switch r.IntN(4) {
	case 0:
		return []byte(boundaries[r.IntN(len(boundaries))])
	case 1:
		return AppendInt(nil, int64(r.Uint64())>>r.IntN(64))
	case 2:
		return bytes.Repeat([]byte{byte('a' + r.IntN(26))}, r.IntN(200))
	}
	return bytes.Repeat([]byte("q"), r.IntN(2)*r.IntN(20000))
}

func TestListpackAgainstSlice(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	lp, model := NewListpack(0), []string(nil)
	for range 6000 {
		v := randomValue(r)
		i := r.IntN(len(model) + 1)
		switch op := r.IntN(10); {
		case op < 4:
			p := lp.End()
			if i < len(model) {
				p = lp.Seek(i - len(model))
			}
			lp, model = lp.Insert(p, v), slices.Insert(model, i, string(v))
		case op == 4:
			lp, model = lp.Prepend(v), slices.Insert(model, 0, string(v))
		case op == 5 && i < len(model):
			lp, model[i] = lp.Replace(lp.Seek(i), v), string(v)
		case op > 5 && i < len(model):
			n := r.IntN(4)
			lp = lp.DeleteIndex(i, n)
			model = slices.Delete(model, i, min(i+n, len(model)))
		}
		if len(model) > 60 {
			lp, model = lp.DeleteIndex(10, 40), slices.Delete(model, 10, 50)
		}
		checkListpack(t, lp, model)
	}
}

func checkListpack(t *testing.T, lp Listpack, model []string) {
	t.Helper()
	if !ValidListpack(lp, 1) || lp.Len() != len(model) {
		t.Fatalf("invalid or wrong length: %d, want %d", lp.Len(), len(model))
	}
	i := 0
	for p := lp.First(); p >= 0; p = lp.Next(p) {
		if e := lp.At(p); string(e.Append(nil)) != model[i] || !e.Equal([]byte(model[i])) || e.Size() != len(model[i]) {
			t.Fatalf("element %d = %q, want %q", i, e.Append(nil), model[i])
		}
		i++
	}
	for p := lp.Last(); p >= 0; p = lp.Prev(p) {
		i--
		if got := lp.At(p).Append(nil); string(got) != model[i] {
			t.Fatalf("backwards, element %d = %q, want %q", i, got, model[i])
		}
	}
	if lp.Seek(len(model)) != -1 || lp.Seek(-len(model)-1) != -1 {
		t.Fatal("Seek past the ends finds something")
	}
}

func TestListpackFind(t *testing.T) {
	lp := NewListpack(0)
	for _, v := range []string{"f1", "v1", "17", "f1", "v1", "17"} {
		lp = lp.Append([]byte(v))
	}
	for _, c := range []struct {
		value string
		skip  int
		index int
	}{{"f1", 1, 0}, {"17", 1, 2}, {"v1", 1, 4}, {"v1", 0, 1}, {"017", 0, -1}, {"", 0, -1}} {
		if got := lp.Find(lp.First(), []byte(c.value), c.skip); got != lp.Seek(c.index) && c.index >= 0 || c.index < 0 && got != -1 {
			t.Errorf("Find(%q, skip %d) = %d, want index %d", c.value, c.skip, got, c.index)
		}
	}
}

func TestListpackCountsPast65534(t *testing.T) {
	lp := NewListpack(1 << 20)
	for i := range 70000 {
		lp = lp.AppendInt(int64(i))
	}
	if lp.Len() != 70000 || !ValidListpack(lp, 2) {
		t.Fatalf("Len = %d", lp.Len())
	}
	lp = lp.DeleteIndex(0, 69990)
	if got := lp.At(lp.Seek(-1)); lp.Len() != 10 || got.Int != 69999 {
		t.Fatalf("after Delete: Len %d, last %v", lp.Len(), got)
	}
}

// TestListpackValidate damages every byte in turn: whatever is still accepted must be
// walkable both ways without leaving the slice.
func TestListpackValidate(t *testing.T) {
	lp := NewListpack(0)
	for _, v := range boundaries {
		lp = lp.Append([]byte(v))
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 50000 {
		bad := slices.Clone(lp)
		for range 1 + r.IntN(3) {
			bad[r.IntN(len(bad))] = byte(r.Uint32())
		}
		if r.IntN(4) == 0 {
			bad = bad[:r.IntN(len(bad))]
		}
		walkIfValid(bad)
	}
}

func walkIfValid(b []byte) {
	if !ValidListpack(b, 1) {
		return
	}
	lp := Listpack(b[:len(b):len(b)])
	for p := lp.First(); p >= 0; p = lp.Next(p) {
		lp.At(p).Append(nil)
	}
	for p := lp.Last(); p >= 0; p = lp.Prev(p) {
		lp.At(p).Append(nil)
	}
}

func FuzzListpackValid(f *testing.F) {
	lp := NewListpack(0)
	for _, v := range boundaries {
		lp = lp.Append([]byte(v))
	}
	f.Add([]byte(lp))
	f.Add([]byte(NewListpack(0)))
	f.Fuzz(func(t *testing.T, b []byte) { walkIfValid(b) })
}

func TestListpackAllocates(t *testing.T) {
	lp, value := NewListpack(1<<10), []byte("a value")
	got := testing.AllocsPerRun(100, func() {
		lp = lp.Append(value).Prepend(value)
		lp = lp.Replace(lp.First(), value)
		if lp.Find(lp.First(), value, 1) < 0 || !lp.At(lp.Last()).Equal(value) {
			t.Fatal("lost the value")
		}
		lp = lp.DeleteIndex(0, 2)
	})
	if got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}
