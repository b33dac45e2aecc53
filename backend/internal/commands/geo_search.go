package commands

import (
	"cmp"
	"slices"

	"holdfast/backend/internal/geo"
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// geoSyntax is what tells the commands of this family apart: where the centre of the
// search is said, and whether the result may be stored.
type geoSyntax struct {
	from  geoFrom
	store bool
}

type geoFrom uint8

const (
	fromPlace  geoFrom = iota // key longitude latitude radius unit: GEORADIUS
	fromMember                // key member radius unit: GEORADIUSBYMEMBER
	fromOption                // key FROM… BY…: GEOSEARCH
)

// geoQuery is one search.
type geoQuery struct {
	*geoSyntax
	source                          types.ZSet
	found                           bool // the source is there
	shape                           geo.Shape
	fromMember, fromPlace, byRadius bool // were given as options

	order                          int8 // 1 nearest first, -1 farthest first, 0 as found
	count                          int64
	any                            bool // any that lie in the shape, not the nearest
	withDist, withHash, withCoords bool

	dest      []byte // nil: reply
	storeDist bool   // distances, not hashes
}

// geoHit is a member that was found. Its name lies in the names of the search.
type geoHit struct {
	from, to int
	place    geo.Point
	metres   float64
	score    float64
}

func geosearch(c *Ctx, syntax *geoSyntax) {
	q := geoQuery{geoSyntax: syntax}
	if !c.geoQuery(&q) {
		return
	}
	if !q.found {
		if q.dest != nil {
			c.nothingStored(q.dest)
		} else {
			c.Array(0)
		}
		return
	}
	hits, names := q.search()
	q.sort(hits)
	if q.count > 0 && int64(len(hits)) > q.count {
		hits = hits[:q.count]
	}
	if q.dest != nil {
		c.storeHits(&q, hits, names)
		return
	}
	c.Array(len(hits))
	for i := range hits {
		c.hit(&q, &hits[i], names)
	}
}

// search returns the members in the shape, as they are found, and their names.
func (q *geoQuery) search() (hits []geoHit, names []byte) {
	enough := func() bool { return q.any && int64(len(hits)) >= q.count }
	for _, r := range q.shape.Cells() {
		start, end := q.source.ScoreSpan(types.ScoreRange{Min: r.Min, Max: r.Max, MaxOpen: true})
		q.source.Each(start, end, false, func(member []byte, score float64) bool {
			p := geo.Decode(score)
			if metres, ok := q.shape.Contains(p); ok {
				at := len(names)
				names = append(names, member...)
				hits = append(hits, geoHit{at, len(names), p, metres, score})
			}
			return !enough()
		})
		if enough() {
			break
		}
	}
	return hits, names
}

// sort orders by distance; of those equally far, the first found comes first.
func (q *geoQuery) sort(hits []geoHit) {
	if q.order != 0 {
		slices.SortStableFunc(hits, func(a, b geoHit) int { return int(q.order) * cmp.Compare(a.metres, b.metres) })
	}
}

func (c *Ctx) hit(q *geoQuery, h *geoHit, names []byte) {
	details := 0
	for _, with := range []bool{q.withDist, q.withHash, q.withCoords} {
		if with {
			details++
		}
	}
	if details > 0 {
		c.Array(1 + details)
	}
	c.Bulk(names[h.from:h.to])
	if q.withDist {
		c.distance(h.metres / q.shape.Unit)
	}
	if q.withHash {
		c.Int(int64(h.score))
	}
	if q.withCoords {
		c.coordinates(h.place)
	}
}

func (c *Ctx) storeHits(q *geoQuery, hits []geoHit, names []byte) {
	if len(hits) == 0 {
		c.nothingStored(q.dest)
		return
	}
	longest := 0
	for _, h := range hits {
		longest = max(longest, h.to-h.from)
	}
	result := c.Store.Space().NewZSet(len(hits), longest)
	for _, h := range hits {
		score := h.score
		if q.storeDist {
			score = h.metres / q.shape.Unit
		}
		result.Put(names[h.from:h.to], score)
	}
	if c.failed(c.DB.Put(q.dest, store.ZSet, result.Root(), store.NoExpire)) {
		return
	}
	event := "georadiusstore"
	if q.from == fromOption {
		event = "geosearchstore"
	}
	c.Changed(len(hits))
	c.Notify(ZSet, event, q.dest)
	c.Int(int64(len(hits)))
}
