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

// longChain is more entries than a bucket holds in practice at load 1.
const longChain = 8

// Random returns an entry, each equally likely, 0 when there is none. A bucket
// chosen at random is accepted with a chance in proportion to its length:
// without that, entries alone in their buckets would be favoured.
func (d *Dict) Random() Ref {
	if d.Len() == 0 {
		return 0
	}
	d.step()
	small := d.tables[0].buckets[max(d.moved, 0):]
	large := d.tables[1].buckets
	for {
		i := rand.IntN(len(small) + len(large))
		var e Ref
		if i < len(small) {
			e = small[i]
		} else {
			e = large[i-len(small)]
		}
		for skip := rand.IntN(longChain); e != 0; skip-- {
			if skip == 0 {
				return e
			}
			e = d.at(e).next
		}
	}
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
		e := Ref(0)
		if i < len(small) {
			e = small[i]
		} else {
			e = large[i-len(small)]
		}
		for ; e != 0 && n > 0; n-- {
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
