package commands

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend/resp"
)

func TestGeo(t *testing.T) {
	r := newRig(t)
	r.script(`
		GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania => :2
		GEOADD g CH 13.361389 38.115556 Palermo 2.349 48.864 Paris => :1
		GEOADD g NX 1 1 Paris => :0
		GEOADD g XX 1 1 nowhere => :0
		GEOADD g NX XX 1 1 Paris => -ERR syntax error
		GEOADD g 200 100 x => -ERR invalid longitude,latitude pair 200.000000,100.000000
		GEODIST g Palermo Catania => 166274.1516
		GEODIST g Palermo Catania km => 166.2742
		GEODIST g Palermo Catania mi => 103.3182
		GEODIST g Palermo nobody => nil
		GEODIST nothing a b => nil
		GEODIST g Palermo Catania yd => -ERR unsupported unit provided. please use M, KM, FT, MI
		GEOHASH g Palermo nobody => [sqc8b49rny0 nil]
		GEOPOS g Catania nobody => [[15.08726745843887329 37.50266842333162032] nil-array]
		GEORADIUS g 15 37 200 km ASC => [Catania Palermo]
		GEORADIUS_RO g 15 37 200 km DESC COUNT 1 WITHDIST => [[Palermo 190.4424]]
		GEORADIUSBYMEMBER g Palermo 200 km WITHHASH ASC => [[Palermo :3479099956230698] [Catania :3479447370796909]]
		GEORADIUSBYMEMBER g nobody 200 km => -ERR could not decode requested zset member
		GEORADIUS g 15 37 200 km STORE d WITHDIST => -ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
		GEORADIUS_RO g 15 37 200 km STORE d => -ERR syntax error
		GEORADIUS g 15 37 200 km STORE d => :2
		ZRANGE d 0 -1 WITHSCORES => [Palermo 3479099956230698 Catania 3479447370796909]
		GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC COUNT 1 WITHCOORD => [[Catania [15.08726745843887329 37.50266842333162032]]]
		GEOSEARCH g FROMLONLAT 15 37 => -ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH
		GEOSEARCH g BYRADIUS 1 m ASC => -ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH
		GEOSEARCH g FROMMEMBER Paris BYRADIUS 1 m ANY => -ERR the ANY argument requires COUNT argument
		GEOSEARCHSTORE d g FROMMEMBER Palermo BYRADIUS 1 km STOREDIST => :1
		ZRANGE d 0 -1 WITHSCORES => [Palermo 0]
		GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 km => :0
		EXISTS d => :0
	`)
	r.line("GEOADD g CH 1 1 a 13.361389 38.115556 Palermo")
	if got := r.propagated(); got != "zadd g CH 3377822707026402 a 3479099956230698 Palermo" {
		t.Errorf("GEOADD is propagated as %q", got)
	}
	r.Proto = 3
	r.script(`GEOPOS g Catania => [[,15.08726745843887329 ,37.50266842333162032]]`)
}

func (g *generator) lon() string {
	return g.pick(fmt.Sprint(g.Float64()*360-180), fmt.Sprint(g.Float64()*4), itoa(g.IntN(361)-180), "180", "-180")
}

// lat seldom repeats: which of several members equally far away come first is left
// open, since Redis's sort is not stable.
func (g *generator) lat() string {
	return g.pick(fmt.Sprint(g.Float64()*170-85), fmt.Sprint(g.Float64()*4), fmt.Sprint(85.05112878-g.Float64()*g.Float64()*50))
}

func (g *generator) geoRequest(cat func(...any) []string) []string {
	key := g.pick("g0", "g1", "g2")
	unit := g.pick("m", "km", "km", "km", "mi", "FT")
	radius := fmt.Sprint(g.Float64() * g.Float64() * []float64{100, 1e4, 1e7}[g.IntN(3)])
	order := g.pick("", "ASC", "DESC", "ASC COUNT "+itoa(1+g.IntN(9)), "COUNT 3 ANY")
	with := g.pick("", "WITHDIST", "WITHCOORD WITHHASH", "WITHDIST WITHCOORD")
	from := g.pick("FROMLONLAT "+g.lon()+" "+g.lat(), "FROMMEMBER "+g.member())
	by := g.pick("BYRADIUS "+radius+" "+unit, "BYBOX "+radius+" "+fmt.Sprint(g.Float64()*1e4)+" "+unit)
	switch g.IntN(12) {
	case 0, 1, 2:
		var places []string
		for range 1 + g.IntN(8) {
			places = append(places, g.lon(), g.lat(), g.member())
		}
		return cat("GEOADD", key, g.pick("", "", "NX", "XX CH"), places)
	case 3:
		return cat("GEODIST", key, g.member(), g.member(), g.pick("", unit))
	case 4:
		return cat(g.pick("GEOHASH", "GEOPOS"), key, g.members(1))
	case 5:
		return cat(g.pick("GEORADIUS", "GEORADIUS_RO"), key, g.lon(), g.lat(), radius, unit, order, with)
	case 6:
		return cat(g.pick("GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"), key, g.member(), radius, unit, order, with)
	case 7:
		return cat("GEORADIUS", key, g.lon(), g.lat(), radius, unit, order, g.pick("STORE", "STOREDIST"), "g4")
	case 8:
		return cat("GEOSEARCHSTORE", g.pick("g3", "g4"), key, from, by, order, g.pick("", "STOREDIST"))
	case 9:
		return cat("ZRANGE", g.pick("g3", "g4"), "0 -1 WITHSCORES")
	}
	return cat("GEOSEARCH", key, from, by, order, with)
}

// sameScores tells whether two replies of members with scores are equal but for the last
// digits of a score: C's sine and its kin are not always rounded correctly, and between
// places nearly opposite on earth the formula makes much of that.
func sameScores(a, b []resp.Value) bool {
	for i := 0; i < len(a) && i < len(b); i += 2 {
		x, _ := strconv.ParseFloat(a[i+1].Text, 64)
		y, _ := strconv.ParseFloat(b[i+1].Text, 64)
		if a[i].Text != b[i].Text || math.Abs(x-y) > 1e-11*math.Abs(x) {
			return false
		}
	}
	return len(a) == len(b)
}

// sameButTies tells whether two replies of places are equal but for the order of members:
// the same members, and in each row the same position and distance.
func sameButTies(a, b []resp.Value) bool {
	members := func(places []resp.Value) (names []string) {
		for _, p := range places {
			if p.Elems != nil {
				p = p.Elems[0]
			}
			names = append(names, p.Text)
		}
		slices.Sort(names)
		return names
	}
	for i := 0; i < len(a) && i < len(b); i++ {
		if len(a[i].Elems) != len(b[i].Elems) || a[i].Elems != nil && !slices.EqualFunc(a[i].Elems[1:], b[i].Elems[1:],
			func(x, y resp.Value) bool { return show(x) == show(y) }) {
			return false
		}
	}
	return len(a) == len(b) && slices.Equal(members(a), members(b))
}

// TestGeoSameAsRedis compares replies to the last digit they show.
func TestGeoSameAsRedis(t *testing.T) {
	redis := startRedis(t)
	r := newRig(t)
	seed := newSeed(t)
	g := &generator{rand.New(rand.NewPCG(seed, 5)), true}
	for i := range few(requests) {
		request := g.geoRequest(split)
		r.now(time.Now())
		reply, wanted := parse(t, r.do(request...)), parse(t, redis.do(request...))
		if request[0] == "ZRANGE" && sameScores(reply.Elems, wanted.Elems) {
			continue
		}
		searches := strings.HasPrefix(request[0], "GEOSEARCH") || strings.HasPrefix(request[0], "GEORADIUS")
		if got, want := show(reply), show(wanted); got != want && !(searches && sameButTies(reply.Elems, wanted.Elems)) {
			t.Fatalf("request %d of seed %d: %q\n got %.2000s\nwant %.2000s", i, seed, request, got, want)
		}
	}
	for _, stored := range []string{"g3", "g4"} {
		r.do("DEL", stored)
		redis.do("DEL", stored)
	}
	if !sameDigest(r, redis) {
		t.Errorf("seed %d: the digests differ", seed)
	}
}
