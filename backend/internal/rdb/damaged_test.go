package rdb

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// brokenListpack is a listpack whose frame is whole and whose second element reaches
// beyond its end.
func brokenListpack() []byte {
	lp := types.NewListpack(64).Append([]byte("a")).Append([]byte("b"))
	lp[9] = 0x80 | 63
	return lp
}

// damagedBodies are values of all forms that are kept when they are damaged.
func damagedBodies() map[string][]byte {
	lp := blob(brokenListpack())
	node := slices.Concat([]byte{1, types.StreamIDSize}, make([]byte, types.StreamIDSize), lp)
	sound := blob(types.NewListpack(64).Append([]byte("x")))
	return map[string][]byte{
		"hash":       slices.Concat([]byte{typeHashPack}, lp),
		"sorted set": slices.Concat([]byte{typeZSetPack}, lp),
		"list":       slices.Concat([]byte{typeQuicklist2, 2, nodePacked}, sound, []byte{nodePacked}, lp),
		"stream":     slices.Concat([]byte{typeStream}, node, []byte{1, 0, 1, 0}),
		"stream 2":   slices.Concat([]byte{typeStream2}, node, []byte{1, 0, 1, 0, 1, 0, 0, 1, 0}),
		"half pair":  slices.Concat([]byte{typeHashPack}, sound),
	}
}

func TestDamagedValuesAreKept(t *testing.T) {
	for name, body := range damagedBodies() {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			u, err := Undump(s, sealed(body), Undumping{})
			if err != nil || !u.Damaged() {
				t.Fatalf("Undump: damaged %v, %v", u.Damaged(), err)
			}
			if err := u.Put(s.DB(0), []byte("k"), farAway); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.DB(0).Hash([]byte("k")); err != store.ErrDamaged {
				t.Errorf("to read it: %v", err)
			}
			if _, err := s.DB(0).Append([]byte("k"), []byte("x")); err != store.ErrDamaged {
				t.Errorf("to change it: %v", err)
			}
			if err := s.DB(0).Copy([]byte("k"), s.DB(1), []byte("copy")); err != nil {
				t.Errorf("to copy it: %v", err)
			}

			again := newStore(t)
			info, err := Load(bytes.NewReader(snapshotOf(t, s)), again)
			if err != nil || !slices.Equal(info.Damaged, []string{"k", "copy"}) {
				t.Fatalf("loaded, of which %q are damaged, %v", info.Damaged, err)
			}
			if s.Digest() != again.Digest() {
				t.Error("a snapshot changes it")
			}
			v, _ := again.DB(1).Look([]byte("copy"))
			if payload, err := AppendDump(nil, v); err != nil || !bytes.Equal(payload, sealed(body)) {
				t.Errorf("it was %x and is %x, %v", sealed(body), payload, err)
			}
			s.DB(0).Delete([]byte("k"))
			if err := s.DB(1).Set([]byte("copy"), []byte("new"), store.NoExpire); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is damaged elsewhere than within a listpack is refused, and so is everything
// where depth is asked for.
func TestDamageThatIsRefused(t *testing.T) {
	for name, body := range damagedBodies() {
		if _, err := Undump(newStore(t), sealed(body), Undumping{Deep: true}); !errors.Is(err, ErrDumpData) {
			t.Errorf("%s, in depth: %v", name, err)
		}
		if _, _, err := Check(bytes.NewReader(file(10, []byte{body[0], 1, 'k'}, body[1:])), func(Entry) {}); err == nil {
			t.Errorf("%s: Check finds no fault", name)
		}
		for cut := 1; cut < len(body); cut++ {
			if _, err := Undump(newStore(t), sealed(body[:cut]), Undumping{}); !errors.Is(err, ErrDumpData) {
				t.Errorf("%s, cut to %d bytes: %v", name, cut, err)
			}
		}
	}
	empty := brokenListpack()
	empty[4] = 0
	size := brokenListpack()
	size[0]++
	end := brokenListpack()
	end[len(end)-1] = 0
	twice := slices.Concat([]byte{typeStream, 2, types.StreamIDSize}, make([]byte, types.StreamIDSize), blob(brokenListpack()),
		[]byte{types.StreamIDSize}, make([]byte, 3))
	for name, body := range map[string][]byte{
		"no elements":          append([]byte{typeHashPack}, blob(empty)...),
		"another size":         append([]byte{typeHashPack}, blob(size)...),
		"no end":               append([]byte{typeHashPack}, blob(end)...),
		"a form not written":   append([]byte{typeSetPack}, blob(brokenListpack())...),
		"a stream that is cut": twice,
	} {
		if _, err := Undump(newStore(t), sealed(body), Undumping{}); !errors.Is(err, ErrDumpData) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of a value that is too large no copy is kept while it is read.
func TestDamageIsBounded(t *testing.T) {
	var tp tape
	tp.rewind(typeHashPack)
	for range 3 * maxDamaged >> 20 {
		tp.record(make([]byte, 1<<20)...)
	}
	if len(tp.bytes) > maxDamaged || !tp.full {
		t.Errorf("%d bytes are kept, full: %v", len(tp.bytes), tp.full)
	}
	if tp.rewind(typeHashPack); tp.full || cap(tp.bytes) > 2<<20 {
		t.Errorf("rewound it holds %d bytes, full: %v", cap(tp.bytes), tp.full)
	}
}
