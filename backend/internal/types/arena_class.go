package types

import "math/bits"

// Block sizes follow jemalloc: steps of 16 up to 128 bytes, then four steps to
// each doubling, so that rounding up wastes a fifth at most.
const (
	maxSmall   = 16 << 10
	numClasses = 8 + 4*7
)

// class describes the slabs of one block size.
type class struct {
	size  uint32 // bytes in a block
	pages uint32 // pages in a slab
	count uint16 // blocks in a slab
}

var classes = makeClasses()

// makeClasses gives each size the shortest slab that wastes at most a 64th.
func makeClasses() (cs [numClasses]class) {
	for c := range cs {
		size := classSize(c)
		pages := 1
		for pages*pageSize < size || pages*pageSize%size*64 > pages*pageSize {
			pages++
		}
		cs[c] = class{uint32(size), uint32(pages), uint16(pages * pageSize / size)}
	}
	return cs
}

func classSize(c int) int {
	if c < 8 {
		return (c + 1) * unit
	}
	group, step := (c-8)/4, (c-8)%4
	return (128 << group) * (5 + step) / 4
}

// classOf is the smallest class whose blocks hold n bytes, n <= maxSmall.
func classOf(n int) int {
	if n <= 128 {
		return max(n-1, 0) / unit
	}
	shift := bits.Len(uint(n-1)) - 3 // a step is a quarter of the power below n
	return 8 + (shift-5)*4 + (n-1)>>shift - 4
}

func (a *Arena) allocSmall(c int) Ref {
	p := a.partial[c]
	if p == 0 {
		if p = a.newSlab(c); p == 0 {
			return 0
		}
	}
	s, cl := &a.spans[p], &classes[c]
	r := s.free
	if r != 0 {
		s.free = *(*Ref)(a.ptr(r))
	} else {
		r = pageRef(p) + Ref(uint32(s.fresh)*cl.size/unit)
		s.fresh++
	}
	if s.used++; s.used == cl.count {
		a.unlinkSlab(s)
	}
	a.allocated += int64(cl.size)
	return r
}

func (a *Arena) freeSmall(p uint32, r Ref) {
	s := &a.spans[p]
	cl := &classes[s.class]
	a.allocated -= int64(cl.size)
	if s.used == cl.count {
		a.linkSlab(p, s)
	}
	if s.used--; s.used == 0 {
		a.unlinkSlab(s)
		a.freeRun(p, cl.pages, cl.pages)
		return
	}
	*(*Ref)(a.ptr(r)) = s.free
	s.free = r
}

// newSlab makes a run of pages the class's slab; 0 when there is no space.
func (a *Arena) newSlab(c int) uint32 {
	n := classes[c].pages
	p, _ := a.allocRun(n, false)
	if p == 0 {
		return 0
	}
	for i := range n {
		a.spans[p+i].head = p
	}
	s := &a.spans[p]
	*s = span{head: p, pages: n, class: uint8(c), kind: spanSlab}
	a.linkSlab(p, s)
	return p
}

func (a *Arena) linkSlab(p uint32, s *span) {
	first := a.partial[s.class]
	s.next, s.prev = first, 0
	if first != 0 {
		a.spans[first].prev = p
	}
	a.partial[s.class] = p
}

func (a *Arena) unlinkSlab(s *span) {
	if s.next != 0 {
		a.spans[s.next].prev = s.prev
	}
	if s.prev != 0 {
		a.spans[s.prev].next = s.next
	} else {
		a.partial[s.class] = s.next
	}
}
