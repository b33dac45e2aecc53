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
//
// A small collection is one block in the bytes of Redis's own compact encoding, so
// that RDB files, DUMP and full resyncs carry it as it is:
//
//	Hash   Listpack of fields and values       then a Dict
//	Set    Intset, or Listpack of members      then a Dict
//	ZSet   Listpack of members and scores      then a ZIndex: a Dict and a counted B+ tree
//	List   Listpack                            then a Quicklist: an array of listpacks
//
// A Stream has one form, however many entries it has: nodes, which are listpacks of
// Redis's too, in an index by ID, and groups with an index of what is pending for them
// and for each of their consumers. These indexes are B+ trees as well (idTree), which
// tie no object of the collector's to a stream.
//
// An HLL is not one of them: it is a string with an inner form, which is Redis's too.
//
// Space holds the Limits at which one becomes the other. Hash, Set, ZSet, List and
// Stream are views: small values made from what the keyspace keeps of a collection (a
// Root), which convert it as it grows and give the new Root back.
//
// Everything that a client orders, cuts or counts by works on positions: a range of a
// ZSet by score or by member is first turned into ranks, by two descents of the tree,
// and then visited, counted or removed as such.
//
// Numbers are read and printed as Redis does, for encodings, replies and files alike:
// ParseInt, ParseFloat, AppendDouble, LongDouble. (The digits of a double are the
// shortest that read back. Redis's Grisu2 misses those in one case of a thousand.)
//
// # What it does not do
//
// It does not limit the size of a collection, and does not check what it is given
// except bytes from outside (ValidListpack, ValidIntset, the Load functions). Those
// are checked for form; that members are distinct and sorted, and the entries of a
// stream's node in order, is taken on trust, and a lie about it costs wrong answers, never a wrong access.
package types
