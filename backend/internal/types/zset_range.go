package types

// ScoreRange is a range of scores; an open end does not include its bound.
type ScoreRange struct {
	Min, Max         float64
	MinOpen, MaxOpen bool
}

// LexRange is a range of members, for sorted sets in which all scores are equal.
type LexRange struct{ Min, Max LexBound }

// LexBound is an end of a LexRange.
type LexBound struct {
	Value    []byte
	Open     bool // the value itself is not in the range
	Infinite int  // -1: before all members, 1: behind all; the rest does not count
}

// rank returns how many members the bound lies behind.
func (z *ZSet) rank(b *zbound) int {
	if z.large() {
		return z.index().tree.rank(b)
	}
	rank, _ := z.passed(b)
	return rank
}

// Rank returns the rank of member, lowest score first, and its score.
func (z *ZSet) Rank(member []byte) (rank int, score float64, ok bool) {
	if !z.large() { // no score has to be read to find a member among few
		return z.lp().pairRank(member)
	}
	if score, ok = z.Score(member); !ok {
		return 0, 0, false
	}
	b := zbound{score: score, member: member, byScore: true, byMember: true}
	return z.rank(&b), score, true
}

// ScoreSpan returns the ranks that a range of scores covers: from start to before
// end, which are equal if it is empty.
func (z *ZSet) ScoreSpan(r ScoreRange) (start, end int) {
	low := zbound{score: r.Min, byScore: true, after: r.MinOpen}
	high := zbound{score: r.Max, byScore: true, after: !r.MaxOpen}
	start = z.rank(&low)
	return start, max(start, z.rank(&high))
}

// LexSpan returns the ranks that a range of members covers: from start to before end,
// which are equal if it is empty.
func (z *ZSet) LexSpan(r LexRange) (start, end int) {
	start = z.lexRank(r.Min, r.Min.Open)
	return start, max(start, z.lexRank(r.Max, !r.Max.Open))
}

func (z *ZSet) lexRank(l LexBound, after bool) int {
	switch l.Infinite {
	case -1:
		return 0
	case 1:
		return z.Len()
	}
	return z.rank(&zbound{member: l.Value, byMember: true, after: after})
}

// At returns the member with this rank, which must exist, and its score.
func (z *ZSet) At(rank int) (member []byte, score float64) {
	if z.large() {
		x := z.index()
		l, i := x.tree.seek(rank)
		return x.dict.Key(l.entry[i]), l.score[i]
	}
	lp := z.lp()
	p := lp.Seek(2 * rank)
	return z.sp.text(0, lp, p), lp.scoreAt(lp.Next(p))
}

// Each calls visit for the members with ranks from start to before end, the last
// first if reverse, until it returns false. visit changes nothing.
func (z *ZSet) Each(start, end int, reverse bool, visit func(member []byte, score float64) bool) {
	first, n := start, end-start
	if reverse {
		first = end - 1
	}
	if n <= 0 {
		return
	}
	if z.large() {
		z.index().tree.each(first, n, reverse, visit)
		return
	}
	lp := z.lp()
	p := lp.Seek(2 * first)
	for ; n > 0; n-- {
		q := lp.Next(p)
		if !visit(z.sp.text(0, lp, p), lp.scoreAt(q)) || n == 1 {
			return
		}
		if reverse {
			p = lp.Prev(lp.Prev(p))
		} else {
			p = lp.Next(q)
		}
	}
}
