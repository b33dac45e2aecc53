package types

import "math/bits"

// Free runs of pages are kept by length, twice: those that may still occupy
// memory (dirty, preferred, so that the process does not grow) and those the
// system has taken back (clean). Neighbours are merged at once.

const (
	numBins = 16 + 8*20
	// Free memory up to this many pages, or a sixteenth of what is in use, is
	// kept for the next blocks; beyond it the longest runs go back.
	keepDirty = 16 << 20 >> pageShift
)

// runBins are lists of free runs: one list per length below 16 pages, then
// eight to each doubling. The bit map tells which lists are not empty.
type runBins struct {
	head [numBins]uint32
	full [(numBins + 63) / 64]uint64
}

func binOf(pages uint32) int {
	if pages < 16 {
		return int(pages)
	}
	lg := bits.Len32(pages) - 1
	return 16 + (lg-4)*8 + int(pages>>(lg-3)&7)
}

// firstFull is the first non-empty bin from b on, -1 when there is none.
func (rb *runBins) firstFull(b int) int {
	for w := b / 64; w < len(rb.full); w++ {
		m := rb.full[w]
		if w == b/64 {
			m &= ^uint64(0) << (b % 64)
		}
		if m != 0 {
			return w*64 + bits.TrailingZeros64(m)
		}
	}
	return -1
}

// longest is a run of the last non-empty bin, 0 when all are empty.
func (rb *runBins) longest() uint32 {
	for w := len(rb.full) - 1; w >= 0; w-- {
		if m := rb.full[w]; m != 0 {
			return rb.head[w*64+bits.Len64(m)-1]
		}
	}
	return 0
}

// find is a free run of at least n pages, 0 when there is none. In the first
// bin lengths differ, and only a few are tried: any later bin fits.
func (a *Arena) find(rb *runBins, n uint32) uint32 {
	b := binOf(n)
	p := rb.head[b]
	for tries := 0; p != 0 && tries < 8; tries++ {
		if a.spans[p].pages >= n {
			return p
		}
		p = a.spans[p].next
	}
	if b = rb.firstFull(b + 1); b < 0 {
		return 0
	}
	return rb.head[b]
}

// allocRun takes n pages out of the free runs or from the top. It reports how
// many of them may hold old content; page 0 says that there is no space.
func (a *Arena) allocRun(n uint32, preferClean bool) (page, dirty uint32) {
	first, second := &a.dirty, &a.clean
	if preferClean {
		first, second = second, first
	}
	p := a.find(first, n)
	if p == 0 {
		p = a.find(second, n)
	}
	if p == 0 {
		return a.grow(n)
	}
	a.unlinkRun(p)
	s := a.spans[p]
	if rest := s.pages - n; rest > 0 {
		// Which part of the run is dirty is not known; each may be.
		a.linkRun(p+n, rest, min(rest, s.dirty))
	}
	return p, min(n, s.dirty)
}

// grow takes n pages from the top, using a free run that ends there.
func (a *Arena) grow(n uint32) (page, dirty uint32) {
	p := a.top
	if h := a.spans[p-1].head; a.spans[h].kind == spanFree {
		p = h
	}
	if n > a.limit-p || !a.makeReady(p+n) {
		return 0, 0
	}
	if p != a.top {
		dirty = a.spans[p].dirty
		a.unlinkRun(p)
	}
	a.top = p + n
	return p, dirty
}

// makeReady makes the pages below end usable, a good stretch at a time, since
// each call changes the process's memory map.
func (a *Arena) makeReady(end uint32) bool {
	if end <= a.ready {
		return true
	}
	step := max(2<<20>>pageShift, a.ready/16)
	for _, to := range [2]uint32{min(max(end, a.ready+step), a.limit), end} {
		if a.commit(a.ready, to) == nil {
			a.ready = to
			return true
		}
	}
	return false
}

func (a *Arena) allocLarge(n int, zero bool) Ref {
	if n > len(a.mem) {
		return 0
	}
	pages := pagesFor(n)
	p, dirty := a.allocRun(pages, zero)
	if p == 0 {
		return 0
	}
	if zero && dirty > 0 {
		a.release(p, pages)
	}
	a.setLarge(p, pages)
	a.allocated += int64(pages) << pageShift
	return pageRef(p)
}

func (a *Arena) setLarge(p, pages uint32) {
	a.spans[p] = span{head: p, pages: pages, kind: spanLarge}
	a.spans[p+pages-1].head = p
}

// resizeLarge changes the length of a large block where it stands: it gives up
// its tail, or takes the beginning of a free run, or of the unused range, behind
// it.
func (a *Arena) resizeLarge(p, pages uint32) bool {
	have := a.spans[p].pages
	behind := p + have
	switch {
	case pages < have:
		a.setLarge(p, pages)
		a.freeRun(p+pages, have-pages, have-pages)
	case pages > have:
		if behind == a.top {
			if pages > a.limit-p || !a.makeReady(p+pages) {
				return false
			}
			a.top = p + pages
			a.setLarge(p, pages)
			break
		}
		if a.spans[behind].kind != spanFree || a.spans[behind].pages < pages-have {
			return false
		}
		next := a.spans[behind]
		a.unlinkRun(behind)
		if rest := next.pages - (pages - have); rest > 0 {
			a.linkRun(p+pages, rest, min(rest, next.dirty))
		}
		a.setLarge(p, pages)
	}
	a.allocated += (int64(pages) - int64(have)) << pageShift
	return true
}

// freeRun merges a run with its free neighbours, and returns memory to the
// system when much is idle.
func (a *Arena) freeRun(p, n, dirty uint32) {
	if q := p + n; q < a.top && a.spans[q].kind == spanFree {
		n += a.spans[q].pages
		dirty += a.spans[q].dirty
		a.unlinkRun(q)
	}
	if h := a.spans[p-1].head; a.spans[h].kind == spanFree {
		n += a.spans[h].pages
		dirty += a.spans[h].dirty
		a.unlinkRun(h)
		p = h
	}
	a.linkRun(p, n, dirty)
	keep := max(keepDirty, int(a.top)/16)
	for a.dirtyPages > keep {
		a.releaseLongest()
	}
}

// Trim returns free memory to the system, the longest runs first, until it has
// returned max bytes or nothing is left. It reports the bytes returned.
func (a *Arena) Trim(max int) int {
	before := a.dirtyPages
	for a.dirtyPages > 0 && (before-a.dirtyPages)<<pageShift < max {
		a.releaseLongest()
	}
	return (before - a.dirtyPages) << pageShift
}

func (a *Arena) releaseLongest() {
	p := a.dirty.longest()
	n := a.spans[p].pages
	a.unlinkRun(p)
	a.release(p, n)
	a.linkRun(p, n, 0)
}

func (a *Arena) linkRun(p, n, dirty uint32) {
	rb := &a.clean
	if dirty > 0 {
		rb = &a.dirty
		a.dirtyPages += int(n)
	} else {
		a.cleanPages += int(n)
	}
	b := binOf(n)
	first := rb.head[b]
	a.spans[p] = span{head: p, pages: n, next: first, dirty: dirty, kind: spanFree}
	a.spans[p+n-1].head = p
	if first != 0 {
		a.spans[first].prev = p
	}
	rb.head[b] = p
	rb.full[b/64] |= 1 << (b % 64)
}

func (a *Arena) unlinkRun(p uint32) {
	s := &a.spans[p]
	rb := &a.clean
	if s.dirty > 0 {
		rb = &a.dirty
		a.dirtyPages -= int(s.pages)
	} else {
		a.cleanPages -= int(s.pages)
	}
	if s.next != 0 {
		a.spans[s.next].prev = s.prev
	}
	if s.prev != 0 {
		a.spans[s.prev].next = s.next
		return
	}
	b := binOf(s.pages)
	if rb.head[b] = s.next; s.next == 0 {
		rb.full[b/64] &^= 1 << (b % 64)
	}
}
