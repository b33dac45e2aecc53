package commands

import (
	"math"
	"strconv"

	"holdfast/backend/internal/geo"
	"holdfast/backend/internal/types"
	"holdfast/backend/resp"
)

var geoRows = []Row{
	{"geoadd", geoadd},
	{"geodist", geodist},
	{"geohash", geohash},
	{"geopos", geopos},
	{"georadius", func(c *Ctx) { geosearch(c, &geoSyntax{from: fromPlace, store: true}) }},
	{"georadius_ro", func(c *Ctx) { geosearch(c, &geoSyntax{from: fromPlace}) }},
	{"georadiusbymember", func(c *Ctx) { geosearch(c, &geoSyntax{from: fromMember, store: true}) }},
	{"georadiusbymember_ro", func(c *Ctx) { geosearch(c, &geoSyntax{from: fromMember}) }},
	{"geosearch", func(c *Ctx) { geosearch(c, &geoSyntax{from: fromOption}) }},
	{"geosearchstore", func(c *Ctx) { geosearch(c, &geoSyntax{from: fromOption, store: true}) }},
}

const errNoMember = "ERR could not decode requested zset member"

// place reads longitude and latitude from argument i on.
func (c *Ctx) place(i int) (p geo.Point, ok bool) {
	if p.Lon, ok = c.float(i, errNotFloat); !ok {
		return p, false
	}
	if p.Lat, ok = c.float(i+1, errNotFloat); !ok {
		return p, false
	}
	if !p.Valid() {
		c.Err("ERR invalid longitude,latitude pair " + fixed6(p.Lon) + "," + fixed6(p.Lat))
		return p, false
	}
	return p, true
}

// fixed6 prints as C's %f does.
func fixed6(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	}
	return strconv.FormatFloat(v, 'f', 6, 64)
}

// unit reads argument i as a unit of length, metres.
func (c *Ctx) unit(i int) (metres float64, ok bool) {
	switch word := c.Args[i]; {
	case is(word, "m"):
		return 1, true
	case is(word, "km"):
		return 1000, true
	case is(word, "ft"):
		return 0.3048, true
	case is(word, "mi"):
		return 1609.34, true
	}
	c.Err("ERR unsupported unit provided. please use M, KM, FT, MI")
	return 0, false
}

// distance replies a length with four digits behind the point.
func (c *Ctx) distance(v float64) {
	var buf [32]byte
	c.Bulk(appendDistance(buf[:0], v))
}

func appendDistance(b []byte, v float64) []byte {
	scaled := int64(math.MinInt64) // what C makes of that which does not fit
	if r := math.RoundToEven(v * 10000); r >= math.MinInt64 && r < math.MaxInt64 {
		scaled = int64(r)
	}
	n := uint64(scaled)
	if scaled < 0 {
		b = append(b, '-')
		n = -n
	}
	b = strconv.AppendUint(b, n/10000, 10)
	point := len(b)
	b = strconv.AppendUint(b, n%10000+10000, 10)
	b[point] = '.' // in place of the 1 that kept the zeroes
	return b
}

// coordinates replies a place.
func (c *Ctx) coordinates(p geo.Point) {
	c.Array(2)
	c.coordinate(p.Lon)
	c.coordinate(p.Lat)
}

// coordinate replies up to 17 digits behind the point, as Redis shows doubles to people.
func (c *Ctx) coordinate(v float64) {
	var buf [32]byte
	b := strconv.AppendFloat(buf[:0], v, 'f', 17, 64)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	if string(b) == "-0" {
		b = b[1:]
	}
	c.Out = resp.AppendDouble(c.Out, c.Proto, b)
}

// geoadd is ZADD of the places' scores, and is propagated as that.
func geoadd(c *Ctx) {
	var a adding
	i := 2
	for i < len(c.Args) && (is(c.Args[i], "nx") || is(c.Args[i], "xx") || is(c.Args[i], "ch")) {
		a.option(c.Args[i])
		i++
	}
	if (len(c.Args)-i)%3 != 0 || a.nx && a.xx || i == len(c.Args) {
		c.Err(errSyntax)
		return
	}
	words := append([][]byte{[]byte("zadd")}, c.Args[1:i]...)
	first := len(words)
	for ; i < len(c.Args); i += 3 {
		p, ok := c.place(i)
		if !ok {
			return
		}
		words = append(words, types.AppendInt(nil, int64(geo.Encode(p))), c.Args[i+2])
	}
	c.addPairs(a, words[first:])
	if c.Dirty() > 0 {
		c.Propagate(words...)
	}
}

// eachPlace replies, for every member from argument 2 on, its place, or null.
func (c *Ctx) eachPlace(reply func(p geo.Point), null func()) {
	z, found, err := c.DB.ZSet(c.Args[1])
	if c.failed(err) {
		return
	}
	c.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		if found {
			if score, ok := z.Score(member); ok {
				reply(geo.Decode(score))
				continue
			}
		}
		null()
	}
}

func geopos(c *Ctx) { c.eachPlace(c.coordinates, c.NullArray) }

func geohash(c *Ctx) {
	c.eachPlace(func(p geo.Point) { c.BulkString(geo.Text(p)) }, c.Null)
}

func geodist(c *Ctx) {
	unit := 1.0
	switch {
	case len(c.Args) > 5:
		c.Err(errSyntax)
		return
	case len(c.Args) == 5:
		var ok bool
		if unit, ok = c.unit(4); !ok {
			return
		}
	}
	z, found, err := c.DB.ZSet(c.Args[1])
	if c.failed(err) {
		return
	}
	if found {
		one, ok := z.Score(c.Args[2])
		other, ok2 := z.Score(c.Args[3])
		if ok && ok2 {
			c.distance(geo.Distance(geo.Decode(one), geo.Decode(other)) / unit)
			return
		}
	}
	c.Null()
}
