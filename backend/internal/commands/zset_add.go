package commands

import (
	"math"

	"holdfast/backend/internal/types"
)

// adding is how ZADD adds.
type adding struct {
	nx, xx, gt, lt bool
	changed        bool // CH: reply how many changed, not only how many are new
	incr           bool
}

// option reads one word, false if it is no option.
func (a *adding) option(word []byte) bool {
	switch {
	case is(word, "nx"):
		a.nx = true
	case is(word, "xx"):
		a.xx = true
	case is(word, "gt"):
		a.gt = true
	case is(word, "lt"):
		a.lt = true
	case is(word, "ch"):
		a.changed = true
	case is(word, "incr"):
		a.incr = true
	default:
		return false
	}
	return true
}

// conflict returns what is wrong with the options for n pairs, "" if nothing is.
func (a *adding) conflict(words int) string {
	switch {
	case words == 0 || words%2 != 0:
		return errSyntax
	case a.nx && a.xx:
		return "ERR XX and NX options at the same time are not compatible"
	case a.gt && a.nx, a.lt && a.nx, a.gt && a.lt:
		return "ERR GT, LT, and/or NX options at the same time are not compatible"
	case a.incr && words > 2:
		return "ERR INCR option supports a single increment-element pair"
	}
	return ""
}

func zadd(c *Ctx) {
	var a adding
	i := 2
	for i < len(c.Args) && a.option(c.Args[i]) {
		i++
	}
	if problem := a.conflict(len(c.Args) - i); problem != "" {
		c.Err(problem)
		return
	}
	c.addPairs(a, c.Args[i:])
}

// zincrby takes an option of ZADD for one, as Redis does, and then misses the rest.
func zincrby(c *Ctx) {
	var a adding
	if a.option(c.Args[2]) {
		c.Err(errSyntax)
		return
	}
	c.addPairs(adding{incr: true}, c.Args[2:])
}

// addPairs adds score member… to the key's sorted set. Every score is read before
// the first one is added.
func (c *Ctx) addPairs(a adding, pairs [][]byte) {
	for i := 0; i < len(pairs); i += 2 {
		if _, ok := types.ParseFloat(pairs[i]); !ok {
			c.Err(errNotFloat)
			return
		}
	}
	z, err := c.DB.MakeZSet(c.Args[1], len(pairs)/2, len(pairs[1]))
	if c.failed(err) {
		return
	}
	z.Expect(len(pairs) / 2)
	var sum tally
	for i := 0; i < len(pairs) && !sum.nan; i += 2 {
		score, _ := types.ParseFloat(pairs[i])
		sum.add(&z.ZSet, a, pairs[i+1], score)
	}
	c.zsetChanged(&z, c.Args[1], a.event(), sum.added+sum.updated)
	switch {
	case sum.nan:
		c.Err("ERR resulting score is not a number (NaN)")
	case a.incr && sum.processed == 0:
		c.Null()
	case a.incr:
		c.Double(sum.score)
	case a.changed:
		c.Int(int64(sum.added + sum.updated))
	default:
		c.Int(int64(sum.added))
	}
}

func (a *adding) event() string {
	if a.incr {
		return "zincr"
	}
	return "zadd"
}

// tally counts what adding did. processed counts what no option held back, changed
// or not; score is the last one set.
type tally struct {
	added, updated, processed int
	score                     float64
	nan                       bool
}

func (t *tally) add(z *types.ZSet, a adding, member []byte, score float64) {
	if !a.nx && !a.xx && !a.gt && !a.lt && !a.incr { // the common case looks up once
		old, existed := z.Put(member, score)
		t.count(existed, old, score)
		return
	}
	old, exists := z.Score(member)
	if a.incr && exists {
		score += old
	}
	switch {
	case exists && a.nx, !exists && a.xx:
	case math.IsNaN(score):
		t.nan = true
	case exists && (a.lt && score >= old || a.gt && score <= old):
	default:
		z.Put(member, score)
		t.count(exists, old, score)
	}
}

func (t *tally) count(existed bool, old, score float64) {
	t.processed++
	t.score = score
	switch {
	case !existed:
		t.added++
	case old != score:
		t.updated++
	}
}
