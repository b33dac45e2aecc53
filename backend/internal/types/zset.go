package types

import (
	"errors"
	"math/rand/v2"
)

// ZSet is a view of a sorted set: members and scores alternating in a listpack, in
// order, up to zset-max-listpack-entries members of at most zset-max-listpack-value
// bytes, a ZIndex beyond (which OBJECT ENCODING calls a skiplist, since that is what
// clients know).
//
// Members are ordered by score and, where scores are equal, by their bytes. Ranks
// count from 0. NaN is no score: keeping it out is up to the caller.
type ZSet struct {
	sp   *Space
	root Root
}

// NewZSet makes an empty sorted set in the encoding that suits about n members of up
// to size bytes.
func (sp *Space) NewZSet(n, size int) ZSet {
	if n <= sp.Limits.ZSetMaxListpackEntries && size <= sp.Limits.ZSetMaxListpackValue {
		return ZSet{sp, Root{Encoding: EncodingListpack, Ref: sp.newListpack(0)}}
	}
	return ZSet{sp, Root{Encoding: EncodingSkiplist, Large: newZIndex(sp.Arena, n)}}
}

// OpenZSet views the sorted set that the keyspace keeps as r.
func (sp *Space) OpenZSet(r Root) ZSet { return ZSet{sp, r} }

// LoadZSet makes a sorted set from a listpack that came from outside, after checking
// it. The order is taken as it is.
func (sp *Space) LoadZSet(listpack []byte) (ZSet, error) {
	if !validZSet(listpack) {
		return ZSet{}, corrupt("a sorted set's listpack", listpack)
	}
	z := ZSet{sp, Root{Encoding: EncodingListpack, Ref: sp.store(listpack)}}
	if lp := z.lp(); z.Len() > sp.Limits.ZSetMaxListpackEntries || longest(lp) > sp.Limits.ZSetMaxListpackValue {
		n := z.Len()
		if z.convert(n); z.Len() != n {
			z.Free()
			return ZSet{}, errors.New("types: a sorted set's listpack with dup elements")
		}
	}
	return z, nil
}

func validZSet(b []byte) bool {
	if !ValidListpack(b, 2) {
		return false
	}
	lp := Listpack(b)
	for p := lp.First(); p >= 0; {
		q := lp.Next(p)
		if str, ok := lp.stringAt(q); ok {
			if _, valid := ParseFloat(str); !valid {
				return false
			}
		}
		p = lp.Next(q)
	}
	return true
}

// Root is what the keyspace keeps.
func (z *ZSet) Root() Root { return z.root }

// Encoding is listpack or skiplist.
func (z *ZSet) Encoding() Encoding { return z.root.Encoding }

// Free frees the sorted set; the view is of no more use.
func (z *ZSet) Free() { z.sp.Free(z.root) }

// Bytes returns the listpack of a compact sorted set, nil for a large one.
func (z *ZSet) Bytes() []byte {
	if z.large() {
		return nil
	}
	return z.lp()
}

func (z *ZSet) large() bool    { return z.root.Large != nil }
func (z *ZSet) index() *ZIndex { return z.root.Large.(*ZIndex) }
func (z *ZSet) lp() Listpack   { return z.sp.listpack(z.root.Ref) }

// Len returns the number of members.
func (z *ZSet) Len() int {
	if z.large() {
		return z.root.Large.Len()
	}
	return z.lp().Len() / 2
}

// Expect says that n members will be added: more than a listpack holds make the
// sorted set large at once.
func (z *ZSet) Expect(n int) {
	if !z.large() && n > z.sp.Limits.ZSetMaxListpackEntries {
		z.convert(n)
	}
}

// Score returns the score of member.
func (z *ZSet) Score(member []byte) (score float64, ok bool) {
	if z.large() {
		x := z.index()
		e := x.dict.Find(member)
		if e == 0 {
			return 0, false
		}
		return x.score(e), true
	}
	lp := z.lp()
	p := lp.Find(lp.First(), member, 1)
	if p < 0 {
		return 0, false
	}
	return lp.scoreAt(lp.Next(p)), true
}

// Put gives member this score, adding it if need be, and returns the score it had.
func (z *ZSet) Put(member []byte, score float64) (old float64, existed bool) {
	if z.large() {
		return z.index().put(member, score)
	}
	lp, limits := z.lp(), &z.sp.Limits
	if p := lp.Find(lp.First(), member, 1); p >= 0 {
		old = lp.scoreAt(lp.Next(p))
		if old != score {
			member = z.sp.detach(member, lp)
			z.deletePairs(p, 1)
			z.insertPair(member, score)
		}
		return old, true
	}
	if z.Len() >= limits.ZSetMaxListpackEntries || len(member) > limits.ZSetMaxListpackValue {
		z.convert(z.Len() + 1)
		return z.index().put(member, score)
	}
	z.insertPair(z.sp.detach(member, lp), score)
	return 0, false
}

// Remove removes member and returns the score it had. A sorted set without members
// is for the caller to remove.
func (z *ZSet) Remove(member []byte) (score float64, ok bool) {
	if z.large() {
		x := z.index()
		e := x.dict.Find(member)
		if e == 0 {
			return 0, false
		}
		score = x.score(e)
		x.remove(e)
		return score, true
	}
	lp := z.lp()
	p := lp.Find(lp.First(), member, 1)
	if p < 0 {
		return 0, false
	}
	score = lp.scoreAt(lp.Next(p))
	z.deletePairs(p, 1)
	return score, true
}

// RemoveSpan removes the members with ranks from start to before end.
func (z *ZSet) RemoveSpan(start, end int) {
	switch {
	case start >= end:
	case z.large():
		z.index().removeSpan(start, end)
	default:
		z.deletePairs(z.lp().Seek(2*start), end-start)
	}
}

// Random returns some member with its score. The sorted set must not be empty.
func (z *ZSet) Random() (member []byte, score float64) {
	if !z.large() {
		return z.At(rand.IntN(z.Len()))
	}
	x := z.index()
	e := x.dict.Random()
	return x.dict.Key(e), x.score(e)
}

// Scan visits about count members from cursor on, with SCAN's guarantees, and returns
// the next cursor. A compact sorted set is visited as a whole.
func (z *ZSet) Scan(cursor uint64, count int, visit func(member []byte, score float64)) uint64 {
	if z.large() {
		x := z.index()
		return scanDict(&x.dict, cursor, count, func(e Ref) { visit(x.dict.Key(e), x.score(e)) })
	}
	z.Each(0, z.Len(), false, func(member []byte, score float64) bool {
		visit(member, score)
		return true
	})
	return 0
}

// convert makes the sorted set a large one with room for n members. It does without
// the space's scratch, in which an argument of the change under way may lie.
func (z *ZSet) convert(n int) {
	x := newZIndex(z.sp.Arena, n)
	lp := z.lp()
	var digits [MaxIntLen]byte
	for p := lp.First(); p >= 0; {
		q := lp.Next(p)
		x.put(lp.At(p).Bytes(&digits), lp.scoreAt(q))
		p = lp.Next(q)
	}
	z.sp.Arena.Free(z.root.Ref)
	z.root = Root{Encoding: EncodingSkiplist, Large: x}
}

// Clone returns a copy of the sorted set with its own memory.
func (z *ZSet) Clone() ZSet {
	if !z.large() {
		return ZSet{z.sp, Root{Encoding: EncodingListpack, Ref: z.sp.store(z.lp())}}
	}
	x := newZIndex(z.sp.Arena, z.Len())
	z.Each(0, z.Len(), false, func(member []byte, score float64) bool {
		x.put(member, score)
		return true
	})
	return ZSet{z.sp, Root{Encoding: EncodingSkiplist, Large: x}}
}

// MemoryUsage returns the bytes the sorted set occupies, estimated from samples
// members of a large one (0 counts all).
func (z *ZSet) MemoryUsage(samples int) int {
	if z.large() {
		return z.index().memory(samples)
	}
	return z.sp.Arena.Cap(z.root.Ref)
}
