package commands

import "holdfast/backend/internal/geo"

// geoQuery reads a request. The source is looked up first, since Redis's errors depend
// on whether it is there.
func (c *Ctx) geoQuery(q *geoQuery) (ok bool) {
	key := 1
	if q.from == fromOption && q.store {
		key, q.dest = 2, c.Args[1]
	}
	var err error
	if q.source, q.found, err = c.DB.ZSet(c.Args[key]); c.failed(err) {
		return false
	}
	i := key + 1
	switch q.from {
	case fromPlace:
		i = 6
		if q.shape.Center, ok = c.place(2); !ok || !c.circle(q, 4) {
			return false
		}
	case fromMember:
		i = 5
		if q.found && (!c.centreOn(q, 2) || !c.circle(q, 3)) {
			return false
		}
	}
	for i < len(c.Args) {
		n := c.geoOption(q, i)
		if n == 0 {
			return false
		}
		i += n
	}
	return c.geoConsistent(q)
}

// geoOption reads the option at argument i and returns how many words it has, 0 after
// an error.
func (c *Ctx) geoOption(q *geoQuery, i int) (words int) {
	word, left := c.Args[i], len(c.Args)-i-1
	options := q.from == fromOption
	ok := true
	words = 1
	switch {
	case is(word, "withdist"):
		q.withDist = true
	case is(word, "withhash"):
		q.withHash = true
	case is(word, "withcoord"):
		q.withCoords = true
	case is(word, "any"):
		q.any = true
	case is(word, "asc"):
		q.order = 1
	case is(word, "desc"):
		q.order = -1
	case is(word, "count") && left >= 1:
		words = 2
		if q.count, ok = c.integer(i + 1); ok && q.count <= 0 {
			c.Err("ERR COUNT must be > 0")
			ok = false
		}
	case !options && q.store && left >= 1 && (is(word, "store") || is(word, "storedist")):
		words = 2
		q.dest, q.storeDist = c.Args[i+1], is(word, "storedist")
	case options && q.store && is(word, "storedist"):
		q.storeDist = true
	case options:
		return c.geoWhere(q, i)
	default:
		ok = false
		c.Err(errSyntax)
	}
	if !ok {
		return 0
	}
	return words
}

// geoWhere reads one of the options of GEOSEARCH that say where to look.
func (c *Ctx) geoWhere(q *geoQuery, i int) (words int) {
	word, left := c.Args[i], len(c.Args)-i-1
	ok := false
	switch {
	case is(word, "frommember") && left >= 1 && !q.fromPlace:
		words, q.fromMember = 2, true
		ok = !q.found || c.centreOn(q, i+1)
	case is(word, "fromlonlat") && left >= 2 && !q.fromMember:
		words, q.fromPlace = 3, true
		q.shape.Center, ok = c.place(i + 1)
	case is(word, "byradius") && left >= 2 && !q.shape.Box:
		words, q.byRadius = 3, true
		ok = c.circle(q, i+1)
	case is(word, "bybox") && left >= 3 && !q.byRadius:
		words, q.shape.Box = 4, true
		ok = c.box(q, i+1)
	default:
		c.Err(errSyntax)
	}
	if !ok {
		return 0
	}
	return words
}

// geoConsistent checks the options against each other.
func (c *Ctx) geoConsistent(q *geoQuery) bool {
	options := q.from == fromOption
	text := ""
	switch {
	case q.dest != nil && (q.withDist || q.withHash || q.withCoords) && options:
		text = "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
	case q.dest != nil && (q.withDist || q.withHash || q.withCoords):
		text = "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
	case options && !q.fromMember && !q.fromPlace:
		text = "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + string(c.Args[0])
	case options && !q.byRadius && !q.shape.Box:
		text = "ERR exactly one of BYRADIUS and BYBOX can be specified for " + string(c.Args[0])
	case q.any && q.count == 0:
		text = "ERR the ANY argument requires COUNT argument"
	}
	if text != "" {
		c.Err(text)
		return false
	}
	if q.count > 0 && q.order == 0 && !q.any {
		q.order = 1 // a count without an order asks for the nearest
	}
	return true
}

// centreOn makes the member in argument i the centre.
func (c *Ctx) centreOn(q *geoQuery, i int) bool {
	score, ok := q.source.Score(c.Args[i])
	if !ok {
		c.Err(errNoMember)
		return false
	}
	q.shape.Center = geo.Decode(score)
	return true
}

// circle reads radius and unit from argument i on.
func (c *Ctx) circle(q *geoQuery, i int) (ok bool) {
	if q.shape.Radius, ok = c.float(i, "ERR need numeric radius"); !ok {
		return false
	}
	if q.shape.Radius < 0 {
		c.Err("ERR radius cannot be negative")
		return false
	}
	q.shape.Unit, ok = c.unit(i + 1)
	return ok
}

// box reads width, height and unit from argument i on.
func (c *Ctx) box(q *geoQuery, i int) (ok bool) {
	if q.shape.Width, ok = c.float(i, "ERR need numeric width"); !ok {
		return false
	}
	if q.shape.Height, ok = c.float(i+1, "ERR need numeric height"); !ok {
		return false
	}
	if q.shape.Width < 0 || q.shape.Height < 0 {
		c.Err("ERR height or width cannot be negative")
		return false
	}
	q.shape.Unit, ok = c.unit(i + 2)
	return ok
}
