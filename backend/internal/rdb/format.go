package rdb

import "holdfast/backend/internal/store"

// The byte that opens each part of a snapshot (rdb.h).
const (
	opSlotInfo   = 244
	opFunction2  = 245
	opFunction   = 246 // of release candidates of Redis 7.0
	opModuleAux  = 247
	opIdle       = 248
	opFreq       = 249
	opAux        = 250
	opResizeDB   = 251
	opExpireMs   = 252
	opExpireSec  = 253
	opSelectDB   = 254
	opEnd        = 255
	writeVersion = 10
	readVersion  = 12
)

// The types of values.
const (
	typeString     = 0
	typeList       = 1
	typeSet        = 2
	typeZSet       = 3 // scores as text
	typeHash       = 4
	typeZSet2      = 5 // scores as binary doubles
	typeZipmap     = 9
	typeListZip    = 10
	typeIntset     = 11
	typeZSetZip    = 12
	typeHashZip    = 13
	typeQuicklist  = 14 // of ziplists
	typeStream     = 15
	typeHashPack   = 16
	typeZSetPack   = 17
	typeQuicklist2 = 18 // of listpacks and plain elements
	typeStream2    = 19 // with what was added and deleted
	typeSetPack    = 20
	typeStream3    = 21 // with when consumers were active
)

// A node of a quicklist of the second kind.
const (
	nodePlain  = 1
	nodePacked = 2
)

// How a length begins, in its two highest bits or as a whole byte.
const (
	len6     = 0x00
	len14    = 0x40
	len32    = 0x80
	len64    = 0x81
	encoded  = 0xc0
	encInt8  = 0
	encInt16 = 1
	encInt32 = 2
	encLZF   = 3
)

// Info is what a snapshot says about itself in its AUX fields.
type Info struct {
	Version      int    // of the format, set by Load
	RedisVersion string // redis-ver: of who wrote it
	Created      int64  // ctime, Unix seconds; 0: unknown
	UsedMemory   int64  // used-mem, bytes; 0: unknown
	AOFBase      bool   // aof-base: commands follow in other files
	StreamID     string // repl-id; empty in a snapshot that belongs to no stream
	StreamOffset uint64
	StreamDB     int
	DataEpoch    uint64
	Told         string   // of the stream's confirmation
	Kept         string   // replies, for those who may not have got them
	Empty        []string // keys that were passed over: collections without elements
	Damaged      []string // keys whose values are kept as they came, and cannot be used
	Functions    []string // the code of every library

	// Keys is for the writer: how many there are, so that a loader makes room.
	Keys []KeyCount
}

// KeyCount is how many keys a database has, and how many of them expire.
type KeyCount struct{ Keys, Expires int }

// CountKeys counts the keys of all databases of s, by their number.
func CountKeys(s *store.Store) []KeyCount {
	counts := make([]KeyCount, s.Databases())
	for i := range counts {
		counts[i] = KeyCount{s.DB(i).Len(), s.DB(i).Expires()}
	}
	return counts
}
