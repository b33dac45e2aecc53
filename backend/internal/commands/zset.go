package commands

import (
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

var zsetRows = []Row{
	{"zadd", zadd},
	{"zincrby", zincrby},
	{"zrem", zrem},
	{"zremrangebyrank", func(c *Ctx) { c.removeRange(byRank, "zremrangebyrank") }},
	{"zremrangebyscore", func(c *Ctx) { c.removeRange(byScore, "zremrangebyscore") }},
	{"zremrangebylex", func(c *Ctx) { c.removeRange(byLex, "zremrangebylex") }},
	{"zcard", zcard},
	{"zscore", zscore},
	{"zmscore", zmscore},
	{"zrank", func(c *Ctx) { c.rank(false) }},
	{"zrevrank", func(c *Ctx) { c.rank(true) }},
	{"zcount", func(c *Ctx) { c.countRange(byScore) }},
	{"zlexcount", func(c *Ctx) { c.countRange(byLex) }},
	{"zrange", func(c *Ctx) { c.rangeReply(rangeQuery{free: true}) }},
	{"zrevrange", func(c *Ctx) { c.rangeReply(rangeQuery{by: byRank, reverse: true}) }},
	{"zrangebyscore", func(c *Ctx) { c.rangeReply(rangeQuery{by: byScore}) }},
	{"zrevrangebyscore", func(c *Ctx) { c.rangeReply(rangeQuery{by: byScore, reverse: true}) }},
	{"zrangebylex", func(c *Ctx) { c.rangeReply(rangeQuery{by: byLex}) }},
	{"zrevrangebylex", func(c *Ctx) { c.rangeReply(rangeQuery{by: byLex, reverse: true}) }},
	{"zrangestore", zrangestore},
	{"zpopmin", func(c *Ctx) { c.zpop(false) }},
	{"zpopmax", func(c *Ctx) { c.zpop(true) }},
	{"zmpop", zmpop},
	{"bzpopmin", func(c *Ctx) { c.blockingZpop(false) }},
	{"bzpopmax", func(c *Ctx) { c.blockingZpop(true) }},
	{"bzmpop", bzmpop},
	{"zrandmember", zrandmember},
	{"zscan", zscan},
	{"zunion", func(c *Ctx) { c.combine(zunite) }},
	{"zinter", func(c *Ctx) { c.combine(zintersect) }},
	{"zdiff", func(c *Ctx) { c.combine(zsubtract) }},
	{"zunionstore", func(c *Ctx) { c.combineStore(zunite, "zunionstore") }},
	{"zinterstore", func(c *Ctx) { c.combineStore(zintersect, "zinterstore") }},
	{"zdiffstore", func(c *Ctx) { c.combineStore(zsubtract, "zdiffstore") }},
	{"zintercard", zintercard},
}

// zsetChanged ends an edit that made n changes.
func (c *Ctx) zsetChanged(z *store.ZSetEdit, key []byte, event string, n int) {
	gone := z.Done(n > 0)
	if n > 0 {
		c.Changed(n)
		c.event(ZSet, event, key, gone)
	}
}

func zrem(c *Ctx) {
	z, ok, err := c.DB.EditZSet(c.Args[1])
	if c.failed(err) {
		return
	}
	removed := 0
	if ok {
		for _, m := range c.Args[2:] {
			if _, had := z.Remove(m); had {
				removed++
			}
		}
		c.zsetChanged(&z, c.Args[1], "zrem", removed)
	}
	c.Int(int64(removed))
}

func zcard(c *Ctx) {
	z, ok, err := c.DB.ZSet(c.Args[1])
	switch {
	case c.failed(err):
	case ok:
		c.Int(int64(z.Len()))
	default:
		c.Int(0)
	}
}

// memberScore replies the score of a member, null if there is none.
func (c *Ctx) memberScore(z *types.ZSet, found bool, member []byte) {
	if found {
		if score, ok := z.Score(member); ok {
			c.Double(score)
			return
		}
	}
	c.Null()
}

func zscore(c *Ctx) {
	z, ok, err := c.DB.ZSet(c.Args[1])
	if !c.failed(err) {
		c.memberScore(&z, ok, c.Args[2])
	}
}

func zmscore(c *Ctx) {
	z, ok, err := c.DB.ZSet(c.Args[1])
	if c.failed(err) {
		return
	}
	c.Array(len(c.Args) - 2)
	for _, m := range c.Args[2:] {
		c.memberScore(&z, ok, m)
	}
}

// rank is ZRANK and ZREVRANK.
func (c *Ctx) rank(reverse bool) {
	withScore := len(c.Args) == 4
	switch {
	case len(c.Args) > 4:
		c.wrongArity()
		return
	case withScore && !is(c.Args[3], "withscore"):
		c.Err(errSyntax)
		return
	}
	z, ok, err := c.DB.ZSet(c.Args[1])
	if c.failed(err) {
		return
	}
	rank, score := 0, 0.0
	if ok {
		rank, score, ok = z.Rank(c.Args[2])
	}
	switch {
	case !ok && withScore:
		c.NullArray()
		return
	case !ok:
		c.Null()
		return
	}
	if reverse {
		rank = z.Len() - 1 - rank
	}
	if withScore {
		c.Array(2)
	}
	c.Int(int64(rank))
	if withScore {
		c.Double(score)
	}
}

func zrandmember(c *Ctx) {
	d, ok := c.drawing("withscores")
	if !ok {
		return
	}
	z, found, err := c.DB.ZSet(c.Args[1])
	if c.failed(err) {
		return
	}
	var member []byte
	var score float64
	from := deck{
		pick: func() []byte {
			member, score = z.Random()
			return member
		},
		each: func(visit func()) {
			z.Each(0, z.Len(), false, func(m []byte, s float64) bool {
				member, score = m, s
				visit()
				return true
			})
		},
		reply: func() {
			c.Bulk(member)
			if d.paired {
				c.Double(score)
			}
		},
	}
	if found {
		from.size = z.Len()
	}
	c.draw(d, from)
}

func zscan(c *Ctx) {
	z, found, err := c.DB.ZSet(c.Args[1])
	s, ok := c.scanningValue(found, err)
	if !ok {
		return
	}
	at, n := len(c.Out), 0
	var text [types.MaxDoubleLen]byte
	next := z.Scan(s.cursor, s.count, func(member []byte, score float64) {
		if s.wants(member) {
			c.Bulk(member)
			c.Bulk(types.AppendDouble(text[:0], score))
			n += 2
		}
	})
	c.scannedAt(at, next, n)
}
