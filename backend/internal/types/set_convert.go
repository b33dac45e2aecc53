package types

// outgrowInts makes an intset ready for a member of size bytes that is no integer:
// a listpack if that holds it and the longest integer, else a Dict.
func (s *Set) outgrowInts(size int) {
	is, limits := s.ints(), &s.sp.Limits
	n := is.Len()
	if n > 0 {
		size = max(size, intLen(is.At(0)), intLen(is.At(n-1)))
	}
	if n >= limits.SetMaxListpackEntries || size > limits.SetMaxListpackValue {
		s.toDict(n + 1)
		return
	}
	r := s.sp.newListpack(lpEmptySize + n*3)
	for i := range n {
		e := encodeInt(is.At(i))
		s.sp.splice(&r, s.sp.listpack(r).End(), 0, &e, 1)
	}
	s.sp.Arena.Free(s.root.Ref)
	s.root = Root{Encoding: EncodingListpack, Ref: r}
}

// toDict makes the set a large one with room for n members. It does without the
// space's scratch, in which an argument of the change under way may lie.
func (s *Set) toDict(n int) {
	d := NewDict(s.sp.Arena)
	d.Expand(n)
	var digits [MaxIntLen]byte
	s.each(&digits, func(member []byte) bool {
		if e, _ := d.FindOrInsert(member, 0); e == 0 {
			panic(ErrNoSpace)
		}
		return true
	})
	s.sp.Arena.Free(s.root.Ref)
	s.root = Root{Encoding: EncodingHashtable, Large: d}
}

// Compact makes a set whose members are all integers an intset, if it is not one and
// they are few enough: what an intersection leaves, for example.
func (s *Set) Compact() {
	if s.root.Encoding == EncodingIntset || s.Len() > s.sp.Limits.SetMaxIntsetEntries {
		return
	}
	is := InitIntset(make([]byte, 0, intsetHeaderSize+8*s.Len()))
	var digits [MaxIntLen]byte
	whole := true
	s.each(&digits, func(member []byte) bool {
		var n int64
		if n, whole = ParseInt(member); whole {
			is, _ = is.Add(n)
		}
		return whole
	})
	if whole {
		s.Free()
		s.root = Root{Encoding: EncodingIntset, Ref: s.sp.store(is)}
	}
}
