// Package rdb reads and writes Redis's snapshot format.
//
// # The journey of a snapshot
//
// A Writer appends to a buffer: Header once, then Entry for every key as a
// store walk hands it over. It writes version 10, which Redis 7.0 and
// every Valkey load, with compact encodings as the bytes they are in memory.
// Whoever owns the Writer takes the bytes away piece by piece, so that a
// snapshot occupies no more than what was not taken yet; Seal, which needs no lock,
// compresses a piece and sums it up.
//
// Load reads a stream, from a file or from a master, into an empty store. All
// it reads is checked: a length is believed only as far as bytes come, and
// compact encodings are validated before they are used, so that a hostile or
// torn snapshot is an error and never a crash. The encodings that Redis wrote
// before 7.0 (ziplists, zipmaps) become present ones on the way.
//
// DUMP and RESTORE carry one value in the same form, never compressed, with a foot
// of their own.
//
// # What it does not do
//
// It does not write when the consumers of a stream were last active, for which
// version 10 has no place. It reads no modules
// and no hashes whose fields expire: such a file is refused, and the error names
// what stands in the way. That the members of a compact encoding are distinct and
// in order is taken on trust (types says what a lie costs).
package rdb
