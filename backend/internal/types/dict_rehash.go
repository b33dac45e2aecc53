package types

// Growing and shrinking: a second table is filled bucket by bucket, a few with
// every operation, as in Redis's dict.c. Until it is complete an entry may be
// in either; new ones go to the second.

// stepsAhead is of how many buckets a step fetches the entries together, for itself
// and the steps behind it.
const stepsAhead = 8

// step moves one bucket of a rehash under way.
func (d *Dict) step() {
	if d.moved >= 0 && d.paused == 0 {
		if d.moved%stepsAhead == 0 {
			d.warmMoving(stepsAhead)
		}
		d.rehash(1)
	}
}

// Rehash moves up to n buckets of a rehash under way and reports whether there
// is more to do: for the engine's timer, so that an idle server finishes too.
func (d *Dict) Rehash(n int) bool {
	for ; n > 0 && d.moved >= 0 && d.paused == 0; n -= warmBuckets {
		d.warmMoving(warmBuckets)
		d.rehash(min(n, warmBuckets))
	}
	return d.moved >= 0
}

// warmMoving is Warm for the entries of the next n buckets to be moved: in a large
// table fetching them is nearly all that moving costs.
func (d *Dict) warmMoving(n int) {
	var chains [warmBuckets]Ref
	n = copy(chains[:n], d.tables[0].buckets[d.moved:])
	d.touch(chains[:n])
}

// Pause stops rehashing until Resume, so that entries keep their places while
// a caller steps through buckets. Calls nest.
func (d *Dict) Pause() { d.paused++ }

// Resume ends a Pause.
func (d *Dict) Resume() { d.paused-- }

// Expand makes the table ready for n entries, for a loader that knows how many
// will come. It does nothing when entries exist, or when there is no space.
func (d *Dict) Expand(n int) {
	if d.Len() == 0 && d.moved < 0 && n > len(d.tables[0].buckets) {
		if t, ok := d.newTable(bucketsFor(n)); ok {
			d.freeTable(&d.tables[0])
			d.tables[0] = t
		}
	}
}

// makeRoom sees to it that there is a table, and starts to grow it when it has
// as many entries as buckets. Only a table that cannot be had at all fails.
func (d *Dict) makeRoom() bool {
	t := &d.tables[0]
	if len(t.buckets) == 0 {
		var ok bool
		*t, ok = d.newTable(minBuckets)
		return ok
	}
	if d.moved < 0 && t.used >= len(t.buckets) {
		if n := bucketsFor(t.used + 1); d.mayGrow(n) {
			d.startRehash(n)
		}
	}
	return true
}

// mayGrow holds to the arena's table limit, but lets no chains grow long for
// it: Redis's load of 1.618 (dict.c, _dictExpandIfNeeded).
func (d *Dict) mayGrow(buckets int) bool {
	limit, t := d.a.tableLimit, &d.tables[0]
	return limit == 0 || d.a.allocated+int64(buckets)*4 <= limit || t.used*1000 > len(t.buckets)*1618
}

// shrink starts to make the table smaller when less than an eighth is used.
func (d *Dict) shrink() {
	t := &d.tables[0]
	switch {
	case d.moved >= 0 || d.paused > 0:
	case t.used == 0:
		d.freeTable(t)
	case len(t.buckets) > minBuckets && t.used*8 < len(t.buckets):
		d.startRehash(bucketsFor(t.used))
	}
}

func (d *Dict) startRehash(buckets int) {
	if t, ok := d.newTable(buckets); ok {
		d.tables[1] = t
		d.moved = 0
	}
}

// rehash moves n buckets, and passes ten times as many empty ones at most, so
// that a sparse table does not make one operation long.
func (d *Dict) rehash(n int) {
	from, to := &d.tables[0], &d.tables[1]
	for empty := n * 10; n > 0 && d.moved < len(from.buckets); d.moved++ {
		e := from.buckets[d.moved]
		if e == 0 {
			if empty--; empty == 0 {
				n = 0
			}
			continue
		}
		n--
		from.buckets[d.moved] = 0
		for e != 0 {
			en := d.at(e)
			next := en.next
			b := &to.buckets[hashOf(d.Key(e))&uint64(len(to.buckets)-1)]
			en.next, *b = *b, e
			from.used--
			to.used++
			e = next
		}
	}
	if d.moved == len(from.buckets) {
		d.freeTable(from)
		*from, *to = *to, table{}
		d.moved = -1
		d.shrink() // entries may have gone meanwhile
	}
}

func bucketsFor(n int) int {
	b := minBuckets
	for b < n {
		b *= 2
	}
	return b
}

func (d *Dict) newTable(buckets int) (table, bool) {
	r := d.a.AllocZero(buckets * 4)
	if r == 0 {
		return table{}, false
	}
	return table{ref: r, buckets: refs(d.a, r, buckets)}, true
}

func (d *Dict) freeTable(t *table) {
	d.a.Free(t.ref)
	*t = table{}
}
