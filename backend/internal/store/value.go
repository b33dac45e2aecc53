package store

import "holdfast/backend/internal/types"

// Type is the kind of a value.
type Type uint8

// The types. None is that of a key that does not exist.
const (
	None Type = iota
	String
	List
	Set
	ZSet
	Hash
	Stream
	Damaged // bytes that are no value, and are kept for what they were
)

var typeNames = [...]string{"none", "string", "list", "set", "zset", "hash", "stream", "damaged"}

// String is the name that TYPE replies.
func (t Type) String() string { return typeNames[t] }

// Value is what a key holds: bytes, or the root of a collection. It is valid
// until the next change of the key.
type Value struct {
	Type  Type
	Bytes []byte     // a string's
	Root  types.Root // a collection's
	space *types.Space
}

// Hash views the value, which must be a hash. Through a Value a collection is
// only read.
func (v *Value) Hash() types.Hash { return v.space.OpenHash(v.Root) }

// List views the value, which must be a list.
func (v *Value) List() types.List { return v.space.OpenList(v.Root) }

// Set views the value, which must be a set.
func (v *Value) Set() types.Set { return v.space.OpenSet(v.Root) }

// ZSet views the value, which must be a sorted set.
func (v *Value) ZSet() types.ZSet { return v.space.OpenZSet(v.Root) }

// Stream views the value, which must be a stream.
func (v *Value) Stream() types.Stream { return v.space.OpenStream(v.Root) }

// Damaged is the bytes of a damaged value, as rdb read them.
func (v *Value) Damaged() []byte { return v.space.Damaged(v.Root) }

// stringEncoding is what Redis would keep the bytes as. raw is set once they
// were changed in place, after which Redis does not go back.
func stringEncoding(b []byte, raw bool) types.Encoding {
	const embstrMax = 44
	if raw {
		return types.EncodingRaw
	}
	if len(b) <= types.MaxIntLen {
		if _, ok := types.ParseInt(b); ok {
			return types.EncodingInt
		}
	}
	if len(b) <= embstrMax {
		return types.EncodingEmbstr
	}
	return types.EncodingRaw
}

func (v *Value) clone() types.Root {
	switch v.Type {
	case Hash:
		h := v.Hash()
		c := h.Clone()
		return c.Root()
	case List:
		l := v.List()
		c := l.Clone()
		return c.Root()
	case Set:
		s := v.Set()
		c := s.Clone()
		return c.Root()
	case Stream:
		s := v.Stream()
		c := s.Clone()
		return c.Root()
	case Damaged:
		return v.space.NewDamaged(v.Damaged())
	}
	z := v.ZSet()
	c := z.Clone()
	return c.Root()
}

// memory is the bytes of a collection outside its entry.
func (v *Value) memory(samples int) int {
	switch v.Type {
	case Hash:
		h := v.Hash()
		return h.MemoryUsage(samples)
	case List:
		l := v.List()
		return l.MemoryUsage(samples)
	case Set:
		s := v.Set()
		return s.MemoryUsage(samples)
	case ZSet:
		z := v.ZSet()
		return z.MemoryUsage(samples)
	case Stream:
		s := v.Stream()
		return s.MemoryUsage(samples)
	case Damaged:
		return v.space.Arena.Cap(v.Root.Ref)
	}
	return 0
}

// Len is a collection's number of elements; a string's is its bytes, and that of
// a damaged value.
func (v *Value) Len() int {
	switch v.Type {
	case Hash:
		h := v.Hash()
		return h.Len()
	case List:
		l := v.List()
		return l.Len()
	case Set:
		s := v.Set()
		return s.Len()
	case ZSet:
		z := v.ZSet()
		return z.Len()
	case Stream:
		s := v.Stream()
		return s.Len()
	case Damaged:
		return len(v.Damaged())
	}
	return len(v.Bytes)
}

// unitCost is about how many bytes one element, or one byte, of a value is.
func (v *Value) unitCost() int {
	if v.Type == String || v.Type == Damaged {
		return 1
	}
	return sweepCost
}
