package types

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// Set is a view of a set: an Intset while all members are integers and at most
// set-max-intset-entries, a listpack up to set-max-listpack-entries members of at
// most set-max-listpack-value bytes, a Dict beyond. It follows Redis 7.2's t_set.c
// in when it changes from which to which.
type Set struct {
	sp   *Space
	root Root
}

// NewSet makes an empty set in the encoding that suits its first member and about n
// members in all.
func (sp *Space) NewSet(first []byte, n int) Set {
	if _, ok := ParseInt(first); ok && n <= sp.Limits.SetMaxIntsetEntries {
		r := sp.alloc(intsetHeaderSize + 2)
		InitIntset(sp.block(r))
		return Set{sp, Root{Encoding: EncodingIntset, Ref: r}}
	}
	if n <= sp.Limits.SetMaxListpackEntries {
		return Set{sp, Root{Encoding: EncodingListpack, Ref: sp.newListpack(0)}}
	}
	d := NewDict(sp.Arena)
	d.Expand(n)
	return Set{sp, Root{Encoding: EncodingHashtable, Large: d}}
}

// OpenSet views the set that the keyspace keeps as r.
func (sp *Space) OpenSet(r Root) Set { return Set{sp, r} }

// LoadSet makes a set from a listpack or an intset (enc says which) that came from
// outside, after checking it.
func (sp *Space) LoadSet(enc Encoding, b []byte) (Set, error) {
	valid := enc == EncodingIntset && ValidIntset(b) || enc == EncodingListpack && ValidListpack(b, 1)
	if !valid {
		return Set{}, corrupt(fmt.Sprintf("a set's %v", enc), b)
	}
	s := Set{sp, Root{Encoding: enc, Ref: sp.store(b)}}
	switch limits := &sp.Limits; {
	case enc == EncodingIntset && s.Len() > limits.SetMaxIntsetEntries,
		enc == EncodingListpack && (s.Len() > limits.SetMaxListpackEntries || longest(s.lp()) > limits.SetMaxListpackValue):
		n := s.Len()
		if s.toDict(n); s.Len() != n {
			s.Free()
			return Set{}, errors.New("types: a set's listpack with dup elements")
		}
	}
	return s, nil
}

// Root is what the keyspace keeps.
func (s *Set) Root() Root { return s.root }

// Encoding is intset, listpack or hashtable.
func (s *Set) Encoding() Encoding { return s.root.Encoding }

// Free frees the set; the view is of no more use.
func (s *Set) Free() { s.sp.Free(s.root) }

// Bytes returns the intset or listpack of a compact set, nil for a large one.
func (s *Set) Bytes() []byte {
	switch s.root.Encoding {
	case EncodingIntset:
		return s.ints()
	case EncodingListpack:
		return s.lp()
	}
	return nil
}

func (s *Set) dict() *Dict  { return s.root.Large.(*Dict) }
func (s *Set) lp() Listpack { return s.sp.listpack(s.root.Ref) }
func (s *Set) ints() Intset { return intsetIn(s.sp.block(s.root.Ref)) }

// Len returns the number of members.
func (s *Set) Len() int {
	switch s.root.Encoding {
	case EncodingIntset:
		return s.ints().Len()
	case EncodingListpack:
		return s.lp().Len()
	}
	return s.dict().Len()
}

// Has reports whether member is in the set.
func (s *Set) Has(member []byte) bool {
	switch s.root.Encoding {
	case EncodingIntset:
		n, ok := ParseInt(member)
		if ok {
			_, ok = s.ints().Find(n)
		}
		return ok
	case EncodingListpack:
		lp := s.lp()
		return lp.Find(lp.First(), member, 0) >= 0
	}
	return s.dict().Find(member) != 0
}

// Expect says that n members will be added: more than a compact encoding holds make
// the set large at once.
func (s *Set) Expect(n int) {
	limits := &s.sp.Limits
	if s.root.Encoding == EncodingListpack && n > limits.SetMaxListpackEntries ||
		s.root.Encoding == EncodingIntset && n > limits.SetMaxIntsetEntries {
		s.toDict(n)
	}
}

// Add adds member and reports whether it is new.
func (s *Set) Add(member []byte) bool {
	switch s.root.Encoding {
	case EncodingIntset:
		if n, ok := ParseInt(member); ok {
			return s.addInt(n)
		}
		s.outgrowInts(len(member))
	case EncodingListpack:
		lp, limits := s.lp(), &s.sp.Limits
		if lp.Find(lp.First(), member, 0) >= 0 {
			return false
		}
		if lp.Len() >= limits.SetMaxListpackEntries || len(member) > limits.SetMaxListpackValue {
			s.toDict(lp.Len() + 1)
		}
	}
	if s.root.Encoding == EncodingListpack {
		e := encodeString(member)
		s.sp.splice(&s.root.Ref, s.lp().End(), 0, &e, 1)
		return true
	}
	e, added := s.dict().FindOrInsert(member, 0)
	if e == 0 {
		panic(ErrNoSpace)
	}
	return added
}

func (s *Set) addInt(n int64) bool {
	is := s.ints()
	if _, found := is.Find(n); found {
		return false
	}
	is = intsetIn(s.sp.resize(&s.root.Ref, len(is), is.sizeWith(n)))
	is, _ = is.Add(n)
	if is.Len() > s.sp.Limits.SetMaxIntsetEntries {
		s.toDict(is.Len())
	}
	return true
}

// Remove removes member and reports whether it was there. A set without members is
// for the caller to remove.
func (s *Set) Remove(member []byte) bool {
	switch s.root.Encoding {
	case EncodingIntset:
		n, ok := ParseInt(member)
		if !ok {
			return false
		}
		is, removed := s.ints().Remove(n)
		if removed {
			s.sp.resize(&s.root.Ref, len(is), len(is))
		}
		return removed
	case EncodingListpack:
		lp := s.lp()
		p := lp.Find(lp.First(), member, 0)
		if p >= 0 {
			s.sp.splice(&s.root.Ref, p, lp.spanAt(p), &element{}, -1)
		}
		return p >= 0
	}
	return s.dict().Delete(member)
}

// Random returns some member. The set must not be empty.
func (s *Set) Random() []byte {
	if s.root.Large == nil {
		return s.At(rand.IntN(s.Len()))
	}
	d := s.dict()
	return d.Key(d.Random())
}

// Pop shows some member to use, which must not change the set, and removes it.
// The set must not be empty.
func (s *Set) Pop(use func(member []byte)) {
	if s.root.Large == nil {
		m := s.Random()
		use(m)
		s.Remove(m)
		return
	}
	d := s.dict()
	e := d.Random()
	use(d.Key(e))
	d.Remove(e)
}

// At returns the i-th member of a compact set.
func (s *Set) At(i int) []byte {
	if s.root.Encoding == EncodingIntset {
		return s.sp.number(0, s.ints().At(i))
	}
	lp := s.lp()
	return s.sp.text(0, lp, lp.Seek(i))
}

// Each calls visit for each member until it returns false. visit changes nothing.
func (s *Set) Each(visit func(member []byte) bool) { s.each(&s.sp.digits[0], visit) }

func (s *Set) each(digits *[MaxIntLen]byte, visit func(member []byte) bool) {
	switch s.root.Encoding {
	case EncodingIntset:
		is := s.ints()
		for i := range is.Len() {
			if !visit(AppendInt(digits[:0], is.At(i))) {
				return
			}
		}
	case EncodingListpack:
		lp := s.lp()
		for p := lp.First(); p >= 0; p = lp.Next(p) {
			if !visit(lp.At(p).Bytes(digits)) {
				return
			}
		}
	default:
		d := s.dict()
		d.Each(func(e Ref) bool { return visit(d.Key(e)) })
	}
}

// Scan visits about count members from cursor on, with SCAN's guarantees, and returns
// the next cursor. A compact set is visited as a whole.
func (s *Set) Scan(cursor uint64, count int, visit func(member []byte)) uint64 {
	if s.root.Large == nil {
		s.Each(func(member []byte) bool {
			visit(member)
			return true
		})
		return 0
	}
	d := s.dict()
	return scanDict(d, cursor, count, func(e Ref) { visit(d.Key(e)) })
}

// Clone returns a copy of the set with its own memory.
func (s *Set) Clone() Set {
	if s.root.Large == nil {
		return Set{s.sp, Root{Encoding: s.root.Encoding, Ref: s.sp.store(s.Bytes())}}
	}
	return Set{s.sp, Root{Encoding: EncodingHashtable, Large: cloneDict(s.dict())}}
}

// MemoryUsage returns the bytes the set occupies, estimated from samples members of
// a large one (0 counts all).
func (s *Set) MemoryUsage(samples int) int {
	if s.root.Large == nil {
		return s.sp.Arena.Cap(s.root.Ref)
	}
	return dictMemory(s.dict(), samples)
}
