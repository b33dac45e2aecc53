package commands

import (
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// rangeKind is what the two ends of a range are.
type rangeKind uint8

const (
	byRank rangeKind = iota
	byScore
	byLex
)

// rangeQuery is what the commands of the ZRANGE family ask for.
type rangeQuery struct {
	by      rangeKind
	reverse bool
	free    bool // ZRANGE and ZRANGESTORE: kind and direction are options
	scores  bool

	first, last int64 // ranks
	score       types.ScoreRange
	lex         types.LexRange

	offset, limit int64 // of LIMIT; -1: no limit
}

// rangeQuery reads min max [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]
// from argument i on into q, which holds what the command's name says already.
func (c *Ctx) rangeQuery(q *rangeQuery, i int, storing bool) (ok bool) {
	if !c.rangeOptions(q, i+2, storing) {
		return false
	}
	switch {
	case q.limit != -1 && q.by == byRank:
		c.Err("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
		return false
	case q.scores && q.by == byLex:
		c.Err("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
		return false
	}
	if q.reverse && q.by != byRank {
		return c.rangeEnds(q, i+1, i)
	}
	return c.rangeEnds(q, i, i+1)
}

func (c *Ctx) rangeOptions(q *rangeQuery, i int, storing bool) (ok bool) {
	q.limit = -1
	kindGiven, directionGiven := !q.free, !q.free
	for ; i < len(c.Args); i++ {
		switch word := c.Args[i]; {
		case !storing && is(word, "withscores"):
			q.scores = true
		case is(word, "limit") && i+2 < len(c.Args):
			if q.offset, ok = c.integer(i + 1); !ok {
				return false
			}
			if q.limit, ok = c.integer(i + 2); !ok {
				return false
			}
			i += 2
		case !directionGiven && is(word, "rev"):
			q.reverse, directionGiven = true, true
		case !kindGiven && is(word, "byscore"):
			q.by, kindGiven = byScore, true
		case !kindGiven && is(word, "bylex"):
			q.by, kindGiven = byLex, true
		default:
			c.Err(errSyntax)
			return false
		}
	}
	return true
}

// rangeEnds reads the two ends from the arguments at low and high.
func (c *Ctx) rangeEnds(q *rangeQuery, low, high int) (ok bool) {
	switch q.by {
	case byRank:
		if q.first, ok = c.integer(low); ok {
			q.last, ok = c.integer(high)
		}
		return ok
	case byScore:
		if q.score, ok = parseScoreRange(c.Args[low], c.Args[high]); !ok {
			c.Err(errMinMaxFloat)
		}
	case byLex:
		if q.lex, ok = parseLexRange(c.Args[low], c.Args[high]); !ok {
			c.Err(errMinMaxLex)
		}
	}
	return ok
}

func parseScoreRange(low, high []byte) (r types.ScoreRange, ok bool) {
	if r.Min, r.MinOpen, ok = parseScoreBound(low); ok {
		r.Max, r.MaxOpen, ok = parseScoreBound(high)
	}
	return r, ok
}

func parseScoreBound(b []byte) (score float64, open, ok bool) {
	if len(b) > 0 && b[0] == '(' {
		b, open = b[1:], true
	}
	score, ok = types.ParseFloatRange(b)
	return score, open, ok
}

func parseLexRange(low, high []byte) (r types.LexRange, ok bool) {
	if r.Min, ok = parseLexBound(low); ok {
		r.Max, ok = parseLexBound(high)
	}
	return r, ok
}

func parseLexBound(b []byte) (l types.LexBound, ok bool) {
	switch {
	case string(b) == "-":
		return types.LexBound{Infinite: -1}, true
	case string(b) == "+":
		return types.LexBound{Infinite: 1}, true
	case len(b) > 0 && (b[0] == '(' || b[0] == '['):
		return types.LexBound{Value: b[1:], Open: b[0] == '('}, true
	}
	return l, false
}

// span returns the ranks, from start to before end, that the query covers.
func (q *rangeQuery) span(z *types.ZSet) (start, end int) {
	n := z.Len()
	switch q.by {
	case byScore:
		start, end = z.ScoreSpan(q.score)
	case byLex:
		start, end = z.LexSpan(q.lex)
	default:
		start, end = span(q.first, q.last, n)
		if q.reverse { // these ranks count from the other end
			start, end = n-end, n-start
		}
		return start, end
	}
	return q.limited(start, end)
}

// limited applies LIMIT. A negative offset leaves nothing, a negative count all.
func (q *rangeQuery) limited(start, end int) (int, int) {
	found := int64(end - start)
	if q.offset < 0 || q.offset >= found {
		return start, start
	}
	left := found - q.offset
	if q.limit >= 0 {
		left = min(left, q.limit)
	}
	if q.reverse {
		end -= int(q.offset)
		return end - int(left), end
	}
	start += int(q.offset)
	return start, start + int(left)
}

// rangeReply is the ZRANGE family but ZRANGESTORE.
func (c *Ctx) rangeReply(q rangeQuery) {
	if !c.rangeQuery(&q, 2, false) {
		return
	}
	z, ok, err := c.DB.ZSet(c.Args[1])
	switch {
	case c.failed(err):
	case !ok:
		c.Array(0)
	default:
		start, end := q.span(&z)
		c.members(&z, start, end, q.reverse, q.scores)
	}
}

// members replies the members with ranks from start to before end.
func (c *Ctx) members(z *types.ZSet, start, end int, reverse, scores bool) {
	c.drawHead(end-start, scores)
	z.Each(start, end, reverse, func(member []byte, score float64) bool {
		if !scores {
			c.Bulk(member)
			return true
		}
		if c.Proto >= 3 {
			c.Array(2)
		}
		c.Bulk(member)
		c.Double(score)
		return true
	})
}

func zrangestore(c *Ctx) {
	q := rangeQuery{free: true}
	if !c.rangeQuery(&q, 3, true) {
		return
	}
	z, ok, err := c.DB.ZSet(c.Args[2])
	if c.failed(err) {
		return
	}
	start, end := 0, 0
	if ok {
		start, end = q.span(&z)
	}
	result := c.Store.Space().NewZSet(end-start, 0)
	z.Each(start, end, false, func(member []byte, score float64) bool {
		result.Put(member, score)
		return true
	})
	c.storeZSet(&result, "zrangestore")
}

// storeZSet puts a result under the first key and replies its size.
func (c *Ctx) storeZSet(result *types.ZSet, event string) {
	n := result.Len()
	if n == 0 {
		result.Free()
		c.nothingStored(c.Args[1])
		return
	}
	if c.failed(c.DB.Put(c.Args[1], store.ZSet, result.Root(), store.NoExpire)) {
		return
	}
	c.Changed(1)
	c.Notify(ZSet, event, c.Args[1])
	c.Int(int64(n))
}

// countRange is ZCOUNT and ZLEXCOUNT.
func (c *Ctx) countRange(by rangeKind) {
	q := rangeQuery{by: by, limit: -1}
	if !c.rangeEnds(&q, 2, 3) {
		return
	}
	z, ok, err := c.DB.ZSet(c.Args[1])
	if c.failed(err) {
		return
	}
	start, end := 0, 0
	if ok {
		start, end = q.span(&z)
	}
	c.Int(int64(end - start))
}

// removeRange is the ZREMRANGEBY family.
func (c *Ctx) removeRange(by rangeKind, event string) {
	q := rangeQuery{by: by, limit: -1}
	if !c.rangeEnds(&q, 2, 3) {
		return
	}
	z, ok, err := c.DB.EditZSet(c.Args[1])
	if c.failed(err) {
		return
	}
	removed := 0
	if ok {
		start, end := q.span(&z.ZSet)
		z.RemoveSpan(start, end)
		removed = end - start
		c.zsetChanged(&z, c.Args[1], event, removed)
	}
	c.Int(int64(removed))
}
