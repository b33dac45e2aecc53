package rdb

import (
	"fmt"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// distinct tells whether no member or field of a value is there twice. Tables are so
// by themselves.
func (it item) distinct(s *store.Store) bool {
	compact := it.root.Large == nil
	seen := make(map[string]struct{})
	all := true
	visit := func(name []byte) bool {
		_, again := seen[string(name)]
		seen[string(name)] = struct{}{}
		all = all && !again
		return all
	}
	switch {
	case it.kind == store.Hash && compact:
		h := s.Space().OpenHash(it.root)
		h.Each(func(field, _ []byte) bool { return visit(field) })
	case it.kind == store.Set && compact && it.root.Encoding == types.EncodingListpack:
		set := s.Space().OpenSet(it.root)
		set.Each(visit)
	case it.kind == store.ZSet && compact:
		z := s.Space().OpenZSet(it.root)
		z.Each(0, z.Len(), false, func(member []byte, _ float64) bool { return visit(member) })
	}
	return all
}

// unsound says of err that it was met in a value of this form, in Redis's words
// (rdb.c, rdbReportCorruptRDB).
func unsound(kind byte, err error) error {
	return fmt.Errorf("%s integrity check failed: %w", formName(kind), err)
}

// formName is what logs call the form of a value.
func formName(kind byte) string {
	switch kind {
	case typeZipmap:
		return "Zipmap"
	case typeListZip, typeQuicklist:
		return "List ziplist"
	case typeZSetZip:
		return "Zset ziplist"
	case typeHashZip:
		return "Hash ziplist"
	case typeIntset:
		return "Intset"
	case typeQuicklist2:
		return "List listpack"
	case typeSetPack:
		return "Set listpack"
	case typeZSetPack:
		return "Zset listpack"
	case typeHashPack:
		return "Hash listpack"
	case typeStream, typeStream2, typeStream3:
		return "Stream listpack"
	}
	return "Value"
}
