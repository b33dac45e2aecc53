package commands

import (
	"math"
	"slices"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// zoperand is one input of an operation on sorted sets: a sorted set, a set, whose
// members all have the score 1, or nothing.
type zoperand struct {
	kind   store.Type // ZSet, Set or None
	zset   types.ZSet
	set    types.Set
	key    []byte
	weight float64
}

func (o *zoperand) len() int {
	switch o.kind {
	case store.ZSet:
		return o.zset.Len()
	case store.Set:
		return o.set.Len()
	}
	return 0
}

// score returns the score of a member, unweighted.
func (o *zoperand) score(member []byte) (score float64, ok bool) {
	switch o.kind {
	case store.ZSet:
		return o.zset.Score(member)
	case store.Set:
		return 1, o.set.Has(member)
	}
	return 0, false
}

// each visits the members with their scores. An operand must not be asked for a score
// while it is visited: looking up may move a table along under the visit.
func (o *zoperand) each(visit func(member []byte, score float64) bool) {
	switch o.kind {
	case store.ZSet:
		o.zset.Each(0, o.zset.Len(), false, visit)
	case store.Set:
		o.set.Each(func(m []byte) bool { return visit(m, 1) })
	}
}

// weighted is a score times a weight; infinity times 0 is 0.
func weighted(score, weight float64) float64 {
	if v := score * weight; !math.IsNaN(v) {
		return v
	}
	return 0
}

// aggregate is how scores of one member in several inputs become one.
type aggregate uint8

const (
	aggregateSum aggregate = iota
	aggregateMin
	aggregateMax
)

// of joins two scores. The second may be NaN (an infinity with weight 0), which the
// order of the comparisons leaves out, as in Redis; opposite infinities add up to 0.
func (a aggregate) of(x, y float64) float64 {
	switch {
	case a == aggregateSum && !math.IsNaN(x+y):
		return x + y
	case a == aggregateSum:
		return 0
	case a == aggregateMin && y < x, a == aggregateMax && y > x:
		return y
	}
	return x
}

// combination is what ZUNION, ZINTER and ZDIFF ask for, with STORE or without.
type combination struct {
	ops       []zoperand
	aggregate aggregate
	scores    bool
	limit     int64
}

// combiner computes one of the three; visit returns false to stop.
type combiner struct {
	run      func(c *Ctx, q *combination) types.ZSet
	weighing bool // takes WEIGHTS and AGGREGATE
}

var (
	zunite     = combiner{unionOf, true}
	zintersect = combiner{intersectionOf, true}
	zsubtract  = combiner{differenceOf, false}
)

// combination reads numkeys key… and the options from argument i on.
func (c *Ctx) combination(i int, weighing, scores, limit bool) (q combination, ok bool) {
	n, ok := c.integer(i)
	switch {
	case !ok:
		return q, false
	case n < 1:
		c.Err("ERR at least 1 input key is needed for '" + c.lowerName() + "' command")
		return q, false
	case n > int64(len(c.Args)-i-1):
		c.Err(errSyntax)
		return q, false
	}
	rest := i + 1 + int(n)
	if q.ops, ok = c.zoperands(c.Args[i+1 : rest]); !ok {
		return q, false
	}
	for i = rest; i < len(c.Args); {
		left := len(c.Args) - i
		switch word := c.Args[i]; {
		case weighing && left > len(q.ops) && is(word, "weights"):
			ok = c.weights(q.ops, i+1)
			i += 1 + len(q.ops)
		case weighing && left >= 2 && is(word, "aggregate"):
			q.aggregate, ok = c.aggregate(i + 1)
			i += 2
		case scores && is(word, "withscores"):
			q.scores = true
			i++
		case limit && left >= 2 && is(word, "limit"):
			q.limit, ok = c.integerIn(i+1, 0, math.MaxInt64, "ERR LIMIT can't be negative")
			i += 2
		default:
			c.Err(errSyntax)
			ok = false
		}
		if !ok {
			return q, false
		}
	}
	return q, true
}

// zoperands opens the inputs, or replies that one is neither a sorted set nor a set.
func (c *Ctx) zoperands(keys [][]byte) (ops []zoperand, ok bool) {
	ops = make([]zoperand, len(keys))
	for i, key := range keys {
		o := zoperand{key: key, weight: 1}
		if v, found := c.DB.Value(key); found {
			switch o.kind = v.Type; v.Type {
			case store.ZSet:
				o.zset = v.ZSet()
			case store.Set:
				o.set = v.Set()
			default:
				c.Err(errWrongType)
				return nil, false
			}
		}
		ops[i] = o
	}
	return ops, true
}

func (c *Ctx) weights(ops []zoperand, i int) (ok bool) {
	for j := range ops {
		if ops[j].weight, ok = c.float(i+j, "ERR weight value is not a float"); !ok {
			return false
		}
	}
	return true
}

func (c *Ctx) aggregate(i int) (a aggregate, ok bool) {
	switch word := c.Args[i]; {
	case is(word, "sum"):
		return aggregateSum, true
	case is(word, "min"):
		return aggregateMin, true
	case is(word, "max"):
		return aggregateMax, true
	}
	c.Err(errSyntax)
	return a, false
}

// combine replies the result of a combination.
func (c *Ctx) combine(how combiner) {
	q, ok := c.combination(1, how.weighing, true, false)
	if !ok {
		return
	}
	result := how.run(c, &q)
	c.members(&result, 0, result.Len(), false, q.scores)
	result.Free()
}

// combineStore stores the result of a combination under the first key.
func (c *Ctx) combineStore(how combiner, event string) {
	q, ok := c.combination(2, how.weighing, false, false)
	if !ok {
		return
	}
	result := how.run(c, &q)
	c.storeZSet(&result, event)
}

func zintercard(c *Ctx) {
	q, ok := c.combination(1, false, false, true)
	if !ok {
		return
	}
	n := int64(0)
	q.intersect(func([]byte, float64) bool {
		n++
		return n != q.limit
	})
	c.Int(n)
}

func unionOf(c *Ctx, q *combination) types.ZSet {
	sortBySize(q.ops)
	result := c.Store.Space().NewZSet(q.ops[len(q.ops)-1].len(), 0)
	for i := range q.ops {
		o := &q.ops[i]
		o.each(func(m []byte, score float64) bool {
			score = weighted(score, o.weight)
			if old, again := result.Score(m); again {
				score = q.aggregate.of(old, score)
			}
			result.Put(m, score)
			return true
		})
	}
	return result
}

func intersectionOf(c *Ctx, q *combination) types.ZSet {
	result := c.Store.Space().NewZSet(0, 0)
	q.intersect(func(m []byte, score float64) bool {
		result.Put(m, score)
		return true
	})
	return result
}

// intersect visits the members that are in all inputs, the smallest being looked
// through, with the scores they have together.
func (q *combination) intersect(visit func(member []byte, score float64) bool) {
	sortBySize(q.ops)
	first, others := &q.ops[0], q.ops[1:]
	first.each(func(m []byte, own float64) bool {
		sum := weighted(own, first.weight)
		for i := range others {
			o := &others[i]
			score, ok := own, true
			if string(o.key) != string(first.key) {
				score, ok = o.score(m)
			}
			if !ok {
				return true
			}
			sum = q.aggregate.of(sum, score*o.weight)
		}
		return visit(m, sum)
	})
}

func differenceOf(c *Ctx, q *combination) types.ZSet {
	result := c.Store.Space().NewZSet(0, 0)
	first, others := &q.ops[0], q.ops[1:]
	for i := range others {
		if string(others[i].key) == string(first.key) {
			return result
		}
	}
	first.each(func(m []byte, score float64) bool {
		if !slices.ContainsFunc(others, func(o zoperand) bool { _, in := o.score(m); return in }) {
			result.Put(m, score)
		}
		return true
	})
	return result
}

func sortBySize(ops []zoperand) {
	slices.SortStableFunc(ops, func(a, b zoperand) int { return a.len() - b.len() })
}
