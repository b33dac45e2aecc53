package types

import (
	"math/bits"
	"math/rand/v2"
	"unsafe"
)

// Scan calls visit for the entries of some buckets and returns the cursor to
// go on with, 0 at the end; 0 also begins. It gives SCAN's guarantee: what is
// there from the beginning to the end is visited at least once, and the table
// may change between calls. The cursor counts with its bits reversed (Pieter
// Noordhuis's dictScan), so that the buckets a bucket splits into, or merges
// from, lie side by side in the order of the walk.
//
// visit may change values in place and metas, and nothing else.
func (d *Dict) Scan(cursor uint64, visit func(e Ref)) uint64 {
	if d.Len() == 0 {
		return 0
	}
	small, large := d.tables[0].buckets, d.tables[1].buckets
	if len(large) == 0 {
		d.visitBucket(small, cursor, visit)
		return nextCursor(cursor, len(small))
	}
	if len(small) > len(large) {
		small, large = large, small
	}
	d.visitBucket(small, cursor, visit)
	for fixed := uint64(len(small) - 1); ; {
		d.visitBucket(large, cursor, visit)
		cursor = nextCursor(cursor, len(large))
		// Done when the bits that only the larger table has are back at 0.
		if cursor&(uint64(len(large)-1)^fixed) == 0 {
			return cursor
		}
	}
}

func (d *Dict) visitBucket(buckets []Ref, cursor uint64, visit func(e Ref)) {
	for e := buckets[cursor&uint64(len(buckets)-1)]; e != 0; {
		next := d.at(e).next
		visit(e)
		e = next
	}
}

// warmBuckets is how many buckets one Warm is about: more misses than a core can
// have under way, and what they bring still fits the first-level cache.
const warmBuckets = 64

// Warm brings the next entries of a Scan at cursor into the processor's caches
// and returns of how many buckets they are. A table that is larger than the
// caches costs a scan a few misses for each entry, one after the other; asked
// for together they overlap, which makes a scan several times as fast. It changes
// nothing, and does nothing during a rehash.
func (d *Dict) Warm(cursor uint64) (buckets int) {
	b := d.tables[0].buckets
	if len(b) == 0 || d.moved >= 0 {
		return warmBuckets
	}
	var chains [warmBuckets]Ref
	for i := range chains {
		chains[i] = b[cursor&uint64(len(b)-1)]
		cursor = nextCursor(cursor, len(b))
	}
	d.touch(chains[:])
	return warmBuckets
}

// WarmKeys is Warm for the entries of keys that are to be looked up next, of the
// first warmBuckets of them, and returns how many that were. During a rehash they
// may be in either table.
func (d *Dict) WarmKeys(keys [][]byte) int {
	keys = keys[:min(len(keys), warmBuckets)]
	var chains [len(d.tables)][warmBuckets]Ref
	for i, key := range keys {
		h := hashOf(key)
		for t := range d.tables {
			if b := d.tables[t].buckets; len(b) > 0 {
				chains[t][i] = b[h&uint64(len(b)-1)]
			}
		}
	}
	for t := range d.tables {
		if len(d.tables[t].buckets) > 0 {
			d.touch(chains[t][:len(keys)])
		}
	}
	return len(keys)
}

// touch reads the first and the last byte of each entry of some chains. No read
// waits for one of another chain.
func (d *Dict) touch(chains []Ref) {
	for left := true; left; {
		left = false
		for i, e := range chains {
			if e == 0 {
				continue
			}
			h := d.at(e)
			d.warmth += *(*byte)(unsafe.Add(unsafe.Pointer(h), entryHeader+int(h.klen)+int(h.vlen)-1))
			chains[i] = h.next
			left = left || h.next != 0
		}
	}
}

// nextCursor adds one to the cursor's low bits taken in reverse.
func nextCursor(cursor uint64, buckets int) uint64 {
	cursor |= ^uint64(buckets - 1)
	return bits.Reverse64(bits.Reverse64(cursor) + 1)
}

// Each calls visit for every entry until it returns false. visit may change
// values in place and metas, and nothing else.
func (d *Dict) Each(visit func(e Ref) bool) {
	for t := range d.tables {
		for _, e := range d.tables[t].buckets {
			for e != 0 {
				next := d.at(e).next
				if !visit(e) {
					return
				}
				e = next
			}
		}
	}
}

// Random draws among the entries of neighbouring buckets.
const (
	drawWidth    = 64 // buckets at most
	drawExpected = 12 // entries in them, on average
	drawLots     = 32 // entries in them at most, but for three stretches in ten million
)

// Random returns an entry, each equally likely, 0 when there is none. It looks
// at neighbouring buckets from a random place on, so many of them that the load
// does not matter, draws one of drawLots lots, and begins anew when there are not
// so many entries: without that, those with few neighbours would be favoured.
func (d *Dict) Random() Ref {
	n := d.Len()
	if n == 0 {
		return 0
	}
	d.step()
	small, large := d.tables[0].buckets[max(d.moved, 0):], d.tables[1].buckets
	slots := len(small) + len(large)
	width := min(max(slots*drawExpected/n, 1), slots, drawWidth)
	for {
		r := rand.Uint64()
		from, _ := bits.Mul64(r, uint64(slots)) // by the high bits; the low ones are the lot
		if e := d.draw(small, large, int(from), width, int(r%drawLots)); e != 0 {
			return e
		}
	}
}

// draw numbers the entries of the width buckets from from on, which go around the
// end, and returns the one with the number lot, 0 when there is none. The first
// of each chain have the lowest numbers: mostly nothing has to be fetched but the
// buckets, else what is fetched does not depend on what was fetched before it.
func (d *Dict) draw(small, large []Ref, from, width, lot int) Ref {
	var chains [drawWidth]Ref
	n := 0
	for i := from; width > 0; width-- {
		e := bucketOf(small, large, i)
		chains[n%drawWidth] = e
		if e != 0 {
			n++
		}
		if i++; i == len(small)+len(large) {
			i = 0
		}
	}
	if lot < n {
		return chains[lot]
	}
	lot -= n
	for i, e := range chains[:n] {
		chains[i] = d.at(e).next
	}
	for _, e := range chains[:n] {
		for ; e != 0; e = d.at(e).next {
			if lot == 0 {
				return e
			}
			lot--
		}
	}
	return 0
}

// bucketOf is the i-th bucket of two tables taken as one.
func bucketOf(small, large []Ref, i int) Ref {
	if i < len(small) {
		return small[i]
	}
	return large[i-len(small)]
}

// Sample calls visit for about n entries from a random place of the table on,
// fewer where it is sparse. They are neighbours and not drawn each for itself:
// good enough to learn what entries are like, and much cheaper (Redis's
// dictGetSomeKeys). An entry may come twice. visit changes nothing.
func (d *Dict) Sample(n int, visit func(e Ref)) {
	n = min(n, d.Len())
	if n == 0 {
		return
	}
	d.step()
	small, large := d.tables[0].buckets[max(d.moved, 0):], d.tables[1].buckets
	total := len(small) + len(large)
	i := rand.IntN(total)
	for steps := n * 10; n > 0 && steps > 0; steps-- {
		for e := bucketOf(small, large, i); e != 0 && n > 0; n-- {
			next := d.at(e).next
			visit(e)
			e = next
		}
		if i++; i == total {
			i = 0
		}
	}
}

// TableStats describes one of a dictionary's tables.
type TableStats struct {
	Size   int   // buckets
	Used   int   // entries
	Chains []int // how many buckets hold so many entries, by that number
}

// Tables describes the table, and during a rehash also the one it moves to. It
// takes time with the number of entries.
func (d *Dict) Tables() []TableStats {
	all := []TableStats{d.describe(0)}
	if d.moved >= 0 {
		all = append(all, d.describe(1))
	}
	return all
}

func (d *Dict) describe(t int) TableStats {
	tb := &d.tables[t]
	s := TableStats{Size: len(tb.buckets), Used: tb.used, Chains: []int{0}}
	for _, e := range tb.buckets {
		n := 0
		for ; e != 0; e = d.at(e).next {
			n++
		}
		for len(s.Chains) <= n {
			s.Chains = append(s.Chains, 0)
		}
		s.Chains[n]++
	}
	return s
}

// Clear frees all entries and the tables.
func (d *Dict) Clear() {
	for !d.ClearStep(1 << 20) {
	}
}

// ClearStep frees the entries of up to n buckets and reports whether all is
// free. Between its first call and the last the dictionary may only be
// cleared further; it is then empty and as good as new.
func (d *Dict) ClearStep(n int) bool {
	d.Pause()
	defer d.Resume()
	for t := range d.tables {
		tb := &d.tables[t]
		for len(tb.buckets) > 0 && n > 0 {
			last := len(tb.buckets) - 1
			for e := tb.buckets[last]; e != 0; n-- {
				next := d.at(e).next
				d.a.Free(e)
				e = next
			}
			tb.buckets = tb.buckets[:last]
			n--
		}
		if len(tb.buckets) > 0 {
			return false
		}
		d.freeTable(tb)
	}
	d.moved = -1
	return true
}

func refs(a *Arena, r Ref, n int) []Ref {
	return unsafe.Slice((*Ref)(a.ptr(r)), n)
}
