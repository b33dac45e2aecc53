// Package store keeps the keys of a node: databases, expiry, access clocks and
// the snapshot walk. It knows no client, no wire format and no clock.
//
// # How it is kept
//
// A database is one types.Dict. An entry is one block: header, key, and the
// value's bytes if it is a string, or five bytes that name a collection
// elsewhere in the arena. A key with an expiry has twelve bytes more and a slot
// in an index of such keys. The collector sees a handful of objects, and one
// more for each collection that is too large for a compact encoding.
//
// # For authors of commands
//
// Everything happens under the engine's lock, at the moment the gate has set
// with SetNow; a key whose time has come by then is gone, and no handler
// looks at expiries to find that out.
//
// Reading:
//
//	v, ok, err := db.Get(key)       // err is ErrWrongType
//	h, ok, err := db.Hash(key)      // a view; also List, SetOf, ZSet, Stream
//	v, ok := db.Value(key)          // of any type
//
// Writing a string, which reports the change itself:
//
//	err := db.Set(key, value, store.NoExpire) // or KeepExpire, or Unix ms
//	b, err := db.Grow(key, n)                 // n bytes at least, to write into
//	s, ok, err := db.EditString(key)          // for a string with an inner form: HyperLogLog
//
// Writing a collection: open it, change it through the methods of the view,
// and call Done, always, with whether it changed. Done keeps the new root,
// deletes what has become empty (gone: notify "del"), and reports the change.
// Only a stream stays when it is empty.
//
//	h, err := db.MakeHash(key)      // as it is, or new
//	if err != nil { … }
//	added := h.Set(field, value)
//	h.Done(true)
//
//	h, ok, err := db.EditHash(key)  // only if it is there
//	if err != nil || !ok { … }      // nothing to be Done
//	n := h.Delete(field)
//	gone := h.Done(n)
//
// A key must not be looked up, by any method, between Make or Edit and Done;
// other keys may. Two edits at once must be of two keys: LMOVE and SMOVE of a
// key onto itself use one.
//
// A collection built from nothing and stored under a key (SINTERSTORE) is made
// in Space and Put:
//
//	s := c.Store.Space().NewSet(first, n)
//	…
//	err := db.Put(dst, store.Set, s.Root(), store.NoExpire)
//
// Byte slices from the store, and those that views return, lie in the arena.
// They are valid until the store is next changed, which a mere lookup of a key
// whose time has come can do: append them to the reply, or copy them, before
// the next call for another key. They must not be passed back as a value to
// Set, Append or SetRange; Copy and Rename do what needs that.
//
// # Snapshots
//
// StartWalk and Step pass the store, as it was at one moment, to a sink while
// commands go on; Walk says how. BGSAVE, the rewrite of the AOF and a full
// resync are such sinks. A single large collection is passed in one piece.
//
// # What it does not do
//
// It does not decide when to evict, does not count clients' memory, and does
// not order concurrent callers: the gate does. When the arena's addresses
// (64 GiB) or the machine's memory are used up, strings answer ErrNoSpace and
// collections panic with types.ErrNoSpace.
package store
