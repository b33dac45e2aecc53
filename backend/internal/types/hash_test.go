package types

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func newTestSpace(t testing.TB) *Space { return NewSpace(newTestArena(t)) }

func TestHashAgainstMap(t *testing.T) {
	for _, fields := range []int{20, 120, 1000} {
		t.Run(fmt.Sprint(fields, " fields"), func(t *testing.T) {
			sp := newTestSpace(t)
			before := sp.Arena.Allocated()
			r := rand.New(rand.NewPCG(uint64(fields), 1))
			h, model := sp.NewHash(), map[string]string{}
			for range 20000 {
				f := fmt.Sprint("f", r.IntN(fields))
				switch r.IntN(5) {
				case 0, 1, 2:
					v := AppendInt(nil, r.Int64()>>r.IntN(64))
					if r.IntN(3) == 0 {
						v = fmt.Appendf(nil, "%*s", r.IntN(64), "v")
					}
					if h.Set([]byte(f), v) == has(model, f) {
						t.Fatalf("Set(%s) disagrees on what is new", f)
					}
					model[f] = string(v)
				case 3:
					if h.Delete([]byte(f)) != has(model, f) {
						t.Fatalf("Delete(%s) disagrees", f)
					}
					delete(model, f)
				case 4:
					v, ok := h.Get([]byte(f))
					if want, had := model[f]; ok != had || string(v) != want || h.Has([]byte(f)) != had {
						t.Fatalf("Get(%s) = %q, %v, want %q", f, v, ok, want)
					}
				}
				if h.Len() != len(model) {
					t.Fatalf("Len = %d, want %d", h.Len(), len(model))
				}
			}
			checkHash(t, &h, model)
			c := h.Clone()
			h.Free()
			checkHash(t, &c, model)
			c.Free()
			if leaked := sp.Arena.Allocated() - before; leaked != 0 {
				t.Errorf("%d bytes leaked", leaked)
			}
		})
	}
}

func checkHash(t *testing.T, h *Hash, model map[string]string) {
	t.Helper()
	seen := map[string]string{}
	h.Each(func(f, v []byte) bool {
		seen[string(f)] = string(v)
		return true
	})
	scanned := map[string]bool{}
	for cursor := uint64(0); ; {
		cursor = h.Scan(cursor, 10, func(f, v []byte) { scanned[string(f)] = model[string(f)] == string(v) })
		if cursor == 0 {
			break
		}
	}
	if len(seen) != len(model) || len(scanned) != len(model) {
		t.Fatalf("Each visits %d, Scan %d of %d fields", len(seen), len(scanned), len(model))
	}
	for f, v := range model {
		if seen[f] != v || !scanned[f] {
			t.Fatalf("field %s = %q, want %q", f, seen[f], v)
		}
	}
	if f, v := h.Random(); model[string(f)] != string(v) {
		t.Fatalf("Random = %q, %q", f, v)
	}
}

func TestHashConverts(t *testing.T) {
	sp := newTestSpace(t)
	long := make([]byte, 65)
	for name, c := range map[string]struct {
		grow func(h *Hash)
		want Encoding
	}{
		"128 fields":  {func(h *Hash) { fillHash(h, 128) }, EncodingListpack},
		"129 fields":  {func(h *Hash) { fillHash(h, 129) }, EncodingHashtable},
		"64 bytes":    {func(h *Hash) { h.Set(long[:64], long[:64]) }, EncodingListpack},
		"long value":  {func(h *Hash) { h.Set([]byte("f"), long) }, EncodingHashtable},
		"long field":  {func(h *Hash) { h.Set(long, []byte("v")) }, EncodingHashtable},
		"expects 129": {func(h *Hash) { h.Expect(129) }, EncodingHashtable},
		"shrunk": {func(h *Hash) {
			fillHash(h, 129)
			for i := range 128 {
				h.Delete(AppendInt(nil, int64(i)))
			}
		}, EncodingHashtable},
	} {
		h := sp.NewHash()
		h.Set([]byte("1"), []byte("one"))
		c.grow(&h)
		if v, _ := h.Get([]byte("1")); h.Encoding() != c.want || name != "shrunk" && string(v) != "one" {
			t.Errorf("%s: %v, want %v; field 1 = %q", name, h.Encoding(), c.want, v)
		}
		reopened := sp.OpenHash(h.Root())
		if reopened.Len() != h.Len() || (reopened.Bytes() == nil) != (c.want == EncodingHashtable) {
			t.Errorf("%s: the reopened hash differs", name)
		}
	}
}

func fillHash(h *Hash, n int) {
	for i := range n {
		if i != 1 {
			h.Set(AppendInt(nil, int64(i)), []byte("v"))
		}
	}
}

func TestLoadHash(t *testing.T) {
	sp := newTestSpace(t)
	h := sp.NewHash()
	h.Set([]byte("f"), []byte("v"))
	h.Set([]byte("1"), []byte("2"))
	loaded, err := sp.LoadHash(append([]byte(nil), h.Bytes()...))
	if v, _ := loaded.Get([]byte("1")); err != nil || string(v) != "2" {
		t.Errorf("loaded 1 = %q, %v", v, err)
	}
	if _, err := sp.LoadHash(Listpack(h.Bytes()).DeleteIndex(0, 1)); err == nil {
		t.Error("a field without a value is accepted")
	}
	sp.Limits.HashMaxListpackEntries = 1
	loaded, err = sp.LoadHash(append([]byte(nil), loaded.Bytes()...))
	if err != nil || loaded.Encoding() != EncodingHashtable {
		t.Errorf("past the limit it is loaded as %v, %v", loaded.Encoding(), err)
	}
}

func TestHashAllocates(t *testing.T) {
	sp := newTestSpace(t)
	for _, n := range []int{10, 1000} {
		h := sp.NewHash()
		fillHash(&h, n)
		f, v, total := []byte("7"), []byte("value"), 0
		got := testing.AllocsPerRun(100, func() {
			h.Set(f, v)
			value, _ := h.Get(f)
			h.Each(func(field, value []byte) bool { total += len(field); return true })
			field, _ := h.Random()
			total += len(value) + len(field)
			h.Delete(f)
		})
		if got != 0 {
			t.Errorf("%v: %v allocations, want 0", h.Encoding(), got)
		}
	}
}
