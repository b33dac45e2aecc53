package rdb

import (
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// oldNames are the encodings that Redis wrote before 7.0 and that are not read.
var oldNames = map[byte]string{
	typeZipmap: "a zipmap", typeListZip: "a list as a ziplist", typeZSetZip: "a sorted set as a ziplist",
	typeHashZip: "a hash as a ziplist", typeQuicklist: "a list of ziplists",
	15: "a stream", 19: "a stream", 21: "a stream", 6: "a module's value", 7: "a module's value",
}

// oldCollection refuses what cannot be read and says what it is.
func (l *loader) oldCollection(kind byte) (store.Type, types.Root, error) {
	if name := oldNames[kind]; name != "" {
		return store.None, types.Root{}, l.failf("%s (type %d), which cannot be loaded", name, kind)
	}
	return store.None, types.Root{}, l.failf("unknown type %d", kind)
}
