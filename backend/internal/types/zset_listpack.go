package types

// A compact sorted set is a listpack of members, each followed by its score: as an
// integer where that is exact, else as the text AppendDouble gives it.

// scoreAt returns the score at p.
func (lp Listpack) scoreAt(p int) float64 {
	if n, ok := lp.intAt(p); ok {
		return float64(n)
	}
	str, _ := lp.stringAt(p)
	score, _ := ParseFloat(str)
	return score
}

// pairRank returns how many pairs stand before member, and its score.
func (lp Listpack) pairRank(member []byte) (rank int, score float64, ok bool) {
	sought := soughtValue(member)
	for p := lpHeaderSize; lp[p] != lpEnd; rank++ {
		q := p + lp.spanAt(p)
		if lp.matches(p, &sought) {
			return rank, lp.scoreAt(q), true
		}
		p = q + lp.spanAt(q)
	}
	return 0, 0, false
}

// encodeScore encodes a score, with buf for its text.
func encodeScore(score float64, buf *[MaxDoubleLen]byte) element {
	if n, ok := DoubleToInt(score); ok {
		return encodeInt(n)
	}
	return encodeString(AppendDouble(buf[:0], score))
}

// insertPair inserts a member that is not there where its score puts it.
func (z *ZSet) insertPair(member []byte, score float64) {
	b := zbound{score: score, member: member, byScore: true, byMember: true}
	_, p := z.passed(&b)
	name := encodeString(member)
	z.sp.splice(&z.root.Ref, p, 0, &name, 1)
	var buf [MaxDoubleLen]byte
	value := encodeScore(score, &buf)
	z.sp.splice(&z.root.Ref, p+name.size(), 0, &value, 1)
}

// deletePairs removes n members, the first of which is at p.
func (z *ZSet) deletePairs(p, n int) {
	lp := z.lp()
	end := p
	for range 2 * n {
		end += lp.spanAt(end)
	}
	z.sp.splice(&z.root.Ref, p, end-p, &element{}, -2*n)
}

// passed returns how many members the bound lies behind in a compact sorted set, and
// the position of the next one, End if there is none.
func (z *ZSet) passed(b *zbound) (rank, p int) {
	lp := z.lp()
	var digits [MaxIntLen]byte
	for p = lp.First(); p >= 0; rank++ {
		q := p + lp.spanAt(p)
		var member []byte
		if b.byMember {
			member = lp.At(p).Bytes(&digits)
		}
		if !b.behind(lp.scoreAt(q), member) {
			return rank, p
		}
		p = lp.Next(q)
	}
	return rank, lp.End()
}
