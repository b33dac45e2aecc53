package types

import (
	"errors"
	"unsafe"
)

// Ref names a block of an Arena: its distance from the arena's start in units
// of 16 bytes. Four bytes reach 64 GiB, and the garbage collector never has to
// look at one. The zero Ref is no block.
type Ref uint32

// ErrNoSpace says that an arena's address range, or the machine's memory
// behind it, is used up. Commands turn it into Redis's OOM error.
var ErrNoSpace = errors.New("types: arena is out of space: free keys or give the process more memory")

const (
	unitShift    = 4
	unit         = 1 << unitShift
	pageShift    = 13
	pageSize     = 1 << pageShift
	unitsPerPage = pageSize / unit
)

// Arena hands out blocks of memory that the garbage collector neither scans
// nor counts. It is one reserved range of addresses, made usable from its
// start on as it fills, so that a Ref is an offset and nothing ever moves.
//
// Blocks up to 16 KiB come from slabs of equal blocks (arena_class.go), larger
// ones are runs of 8 KiB pages (arena_runs.go). Small slabs that empty out
// return their pages, so memory is reused across sizes.
//
// An Arena is not safe for concurrent use: its owner's lock guards it.
type Arena struct {
	base  unsafe.Pointer // start of mem; every Ref counts from here
	mem   []byte         // the reserved range
	spans []span         // one per page, outside the heap as well
	meta  []byte         // what spans lies in

	top   uint32 // pages below it were handed out once
	ready uint32 // pages below it are readable and writable
	limit uint32 // pages in the reservation

	partial [numClasses]uint32 // first slab with a free block, by class
	dirty   runBins            // free runs that still occupy memory
	clean   runBins            // free runs the system holds no memory for

	doomed []Ref // large blocks that are freed page by page, from the end

	tableLimit int64 // bytes allocated past which tables do not grow; 0: none
	allocated  int64 // bytes of all blocks handed out, by their capacity
	dirtyPages int   // pages in dirty
	cleanPages int   // pages in clean
}

// span describes the run of pages that starts at its page. Inside a slab every
// page's head names the first one; of other runs only the first and last do.
type span struct {
	head  uint32 // first page of the run
	pages uint32 // length of the run, kept at its head
	next  uint32 // neighbours in a list of slabs or of free runs
	prev  uint32
	free  Ref    // slab: first block that was freed
	dirty uint32 // free run: how many of its pages may occupy memory
	used  uint16 // slab: blocks handed out
	fresh uint16 // slab: blocks from here on were never handed out
	class uint8
	kind  spanKind
}

type spanKind uint8

const (
	spanFree spanKind = iota
	spanSlab
	spanLarge
)

// NewArena reserves an address range of up to 64 GiB, less where the system
// refuses that much, and occupies no memory yet. The error is the system's
// when even the smallest range is refused.
func NewArena() (*Arena, error) {
	a := &Arena{}
	if err := a.reserve(); err != nil {
		return nil, err
	}
	// Page 0 is never handed out, so that no block has Ref 0.
	a.spans[0] = span{pages: 1, kind: spanLarge}
	a.top = 1
	return a, nil
}

// Close gives everything back to the system. Every Ref and every byte slice
// into the arena is invalid from here on: touching one kills the process.
func (a *Arena) Close() {
	if a.base != nil {
		a.unreserve()
		*a = Arena{}
	}
}

// CloseStep is Close in steps: it returns up to max bytes of memory, the system
// taking some 7 ms for 100 MiB of it, and reports whether the arena is closed.
// After the first call nothing else may be done with the arena.
func (a *Arena) CloseStep(max int) (closed bool) {
	n := uint32(min(max>>pageShift+1, int(a.top)))
	a.release(a.top-n, n)
	a.allocated = min(a.allocated, int64(a.top-n)<<pageShift)
	if a.top -= n; a.top > 0 {
		return false
	}
	a.Close()
	return true
}

// Alloc returns a block of at least n bytes, 0 when there is no space left.
// Its content is whatever was there before.
func (a *Arena) Alloc(n int) Ref {
	if n <= maxSmall {
		return a.allocSmall(classOf(n))
	}
	return a.allocLarge(n, false)
}

// AllocZero is Alloc for a block of zeroes. For a large one it is much cheaper
// than clearing: it prefers pages that the system will fill when touched.
func (a *Arena) AllocZero(n int) Ref {
	if n > maxSmall {
		return a.allocLarge(n, true)
	}
	r := a.allocSmall(classOf(n))
	if r != 0 {
		clear(a.Bytes(r, n))
	}
	return r
}

// Free takes a block back; a very large one counts as allocated until FreeStep
// has come round to it. Freeing 0 does nothing.
func (a *Arena) Free(r Ref) {
	if r == 0 {
		return
	}
	p := a.spans[pageOf(r)].head
	if a.spans[p].kind == spanSlab {
		a.freeSmall(p, r)
		return
	}
	if a.spans[p].pages > freeAtOnce {
		a.doomed = append(a.doomed, r)
		return
	}
	a.allocated -= int64(a.spans[p].pages) << pageShift
	a.freeRun(p, a.spans[p].pages, a.spans[p].pages)
}

// freeAtOnce is the longest block, in pages, that Free takes back as a whole:
// the system takes some 70 µs to take a megabyte back.
const freeAtOnce = 8 << 20 >> pageShift

// FreeStep takes back what Free has left for later, about max bytes of it, and
// reports whether there is more. Until then it counts as allocated.
func (a *Arena) FreeStep(max int) (more bool) {
	for left := uint32(max>>pageShift + 1); len(a.doomed) > 0 && left > 0; {
		last := len(a.doomed) - 1
		p := pageOf(a.doomed[last])
		have := a.spans[p].pages
		if n := min(left, freeAtOnce); n < have {
			a.resizeLarge(p, have-n)
			left -= n
			continue
		}
		a.doomed = a.doomed[:last]
		a.allocated -= int64(have) << pageShift
		a.freeRun(p, have, have)
		left -= min(have, left)
	}
	return len(a.doomed) > 0
}

// Bytes is the first n bytes of block r, with no capacity beyond them, so that
// an append never reaches a neighbour. It is valid until r is freed or moved.
func (a *Arena) Bytes(r Ref, n int) []byte {
	return unsafe.Slice((*byte)(a.ptr(r)), n)
}

// Cap is how many bytes block r can hold.
func (a *Arena) Cap(r Ref) int {
	s := &a.spans[a.spans[pageOf(r)].head]
	if s.kind == spanSlab {
		return int(classes[s.class].size)
	}
	return int(s.pages) << pageShift
}

// Realloc makes block r hold n bytes and keeps its first used ones. It stays
// in place where it fits and wastes less than half, otherwise the block moves
// and r is gone. It returns 0, and r stays valid, when there is no space.
func (a *Arena) Realloc(r Ref, used, n int) Ref {
	if r == 0 {
		return a.Alloc(n)
	}
	c := a.Cap(r)
	if n <= c && (n >= c/2 || c == unit) {
		return r
	}
	if c > maxSmall && n > maxSmall && a.resizeLarge(uint32(pageOf(r)), pagesFor(n)) {
		return r
	}
	moved := a.Alloc(n)
	if moved == 0 {
		if n <= c {
			return r
		}
		return 0
	}
	keep := min(used, n, c)
	copy(a.Bytes(moved, keep), a.Bytes(r, keep))
	a.Free(r)
	return moved
}

// SetTableLimit sets past how many allocated bytes the tables of dictionaries
// do not grow, unless they are too full to go on; 0: none.
func (a *Arena) SetTableLimit(bytes int64) { a.tableLimit = bytes }

// TableLimit is what SetTableLimit set.
func (a *Arena) TableLimit() int64 { return a.tableLimit }

// Allocated is the bytes in blocks that are handed out, each with its full
// capacity: what INFO calls used_memory_dataset, in essence.
func (a *Arena) Allocated() int64 { return a.allocated }

// Active is the bytes of the pages that blocks lie in, whole pages.
func (a *Arena) Active() int64 {
	return (int64(a.top) - int64(a.dirtyPages) - int64(a.cleanPages)) << pageShift
}

// Classes calls visit for every size of small blocks with the slabs of it: how
// many blocks they hold, and how many of those are handed out.
func (a *Arena) Classes(visit func(size, slabs, blocks, used int)) {
	var slabs, used [numClasses]int
	for p := uint32(1); p < a.top; p += a.spans[p].pages {
		if s := &a.spans[p]; s.kind == spanSlab {
			slabs[s.class]++
			used[s.class] += int(s.used)
		}
	}
	for c, n := range slabs {
		if n > 0 {
			visit(int(classes[c].size), n, n*int(classes[c].count), used[c])
		}
	}
}

// Resident is about how much of the machine's memory the arena occupies, in
// bytes: handed-out pages, free ones not yet returned, and its own books.
func (a *Arena) Resident() int64 {
	pages := int64(a.top) - int64(a.cleanPages)
	return pages<<pageShift + int64(a.top)*int64(unsafe.Sizeof(span{}))
}

func (a *Arena) ptr(r Ref) unsafe.Pointer {
	return unsafe.Add(a.base, uintptr(r)<<unitShift)
}

func pageOf(r Ref) uint32   { return uint32(r / unitsPerPage) }
func pageRef(p uint32) Ref  { return Ref(p * unitsPerPage) }
func pagesFor(n int) uint32 { return uint32((n + pageSize - 1) >> pageShift) }
