// Package types holds the data structures of the store: the memory they lie in
// and the encodings of Redis's types. The store keeps them, the RDB code reads
// and writes them; nothing here knows keys, clients or time.
//
// # Memory
//
// An Arena is one range of addresses outside the Go heap, and a Ref is a block
// in it: four bytes without a pointer. All keys and values lie there, so the
// garbage collector's work does not grow with the data, and a key costs what
// its bytes cost, rounded up to a block size, plus a header of 16 bytes and
// four bytes of hash table. Closing the arena gives everything back at once.
//
// A Dict is a hash table in an arena: the keyspace itself, and every
// collection too large for a compact encoding. It rehashes step by step and
// can be scanned while it changes.
//
// Byte slices that the package returns point into the arena. They are valid
// until the next change of the same structure, whether or not that change is
// to the element in question, and touching one after its arena was closed
// kills the process: copy what must live longer.
//
// Nothing here locks. The engine's mutex guards a store, its arena and all
// that lies in it.
//
// # Encodings
package types
