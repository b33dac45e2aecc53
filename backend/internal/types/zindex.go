package types

import (
	"encoding/binary"
	"math"
)

// ZIndex is a large sorted set: a Dict from member to score, and a tree that keeps
// the Dict's entries in order.
type ZIndex struct {
	dict Dict
	tree ztree
}

func newZIndex(a *Arena, n int) *ZIndex {
	x := &ZIndex{dict: *NewDict(a)}
	x.tree = ztree{a: a, dict: &x.dict}
	x.dict.Expand(n)
	return x
}

// Len is the number of members.
func (x *ZIndex) Len() int { return x.dict.Len() }

// Tables describes the table of members; see Dict.Tables.
func (x *ZIndex) Tables() []TableStats { return x.dict.Tables() }

// ClearStep frees about n members and reports whether all is free; first the
// nodes of the tree, of which there are far fewer.
func (x *ZIndex) ClearStep(n int) bool {
	return x.tree.freeStep(&n) && x.dict.ClearStep(n)
}

func (x *ZIndex) score(e Ref) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(x.dict.Value(e)))
}

func (x *ZIndex) setScore(e Ref, score float64) {
	binary.LittleEndian.PutUint64(x.dict.Value(e), math.Float64bits(score))
}

// put sets the score of member and returns the one it had.
func (x *ZIndex) put(member []byte, score float64) (old float64, existed bool) {
	e, added := x.dict.FindOrInsert(member, 8)
	switch {
	case e == 0:
		panic(ErrNoSpace)
	case added:
		x.setScore(e, score)
		x.tree.insert(e, score)
		return 0, false
	}
	old = x.score(e)
	if old != score {
		if !x.tree.rescore(x.dict.Key(e), old, score) {
			x.tree.remove(x.dict.Key(e), old)
			x.tree.insert(e, score)
		}
		x.setScore(e, score)
	}
	return old, true
}

// remove removes the member of entry e.
func (x *ZIndex) remove(e Ref) {
	x.tree.remove(x.dict.Key(e), x.score(e)) // compares with the key, so it goes first
	x.dict.Remove(e)
}

// removeSpan removes the members with ranks from start to before end.
func (x *ZIndex) removeSpan(start, end int) {
	for range end - start {
		l, i := x.tree.seek(start)
		x.remove(l.entry[i])
	}
}

// memory returns the bytes the index occupies, estimated from samples members.
func (x *ZIndex) memory(samples int) int {
	nodes := x.tree.nodes(x.tree.root, x.tree.height)
	return dictMemory(&x.dict, samples) + nodes*classSize(classOf(znodeSize))
}
