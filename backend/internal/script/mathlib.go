package script

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// random is the generator behind math.random: drand48's, so that a seed gives
// the same numbers as in Redis on every machine (rand.c).
type random struct{ x uint64 }

const (
	randomFactor = 0x5DEECE66D
	randomAdd    = 0xB
	randomMask   = 1<<48 - 1
	randomMax    = math.MaxInt32
	firstSeed    = 0x1234ABCD
)

func newRandom(seed uint32) random { return random{uint64(seed)<<16 | 0x330E} }

// next returns 31 random bits.
func (r *random) next() uint32 {
	r.x = (r.x*randomFactor + randomAdd) & randomMask
	return uint32(r.x >> 17)
}

func (b *sandbox) openMath(e *Engine) {
	b.set("math", map[string]lua.LGFunction{
		"random": func(l *lua.LState) int { return mathRandom(l, &e.random) },
		"randomseed": func(l *lua.LState) int {
			e.random = newRandom(uint32(truncate(float64(l.CheckNumber(1)))))
			return 0
		},
	}).RawSetString("huge", lua.LNumber(math.Inf(1)))
}

func mathRandom(l *lua.LState, source *random) int {
	r := float64(source.next()%randomMax) / randomMax
	switch l.GetTop() {
	case 0:
		l.Push(lua.LNumber(r))
	case 1:
		most := float64(truncate(float64(l.CheckNumber(1))))
		if most < 1 {
			l.ArgError(1, "interval is empty")
		}
		l.Push(lua.LNumber(math.Floor(r*most) + 1))
	case 2:
		least := float64(truncate(float64(l.CheckNumber(1))))
		most := float64(truncate(float64(l.CheckNumber(2))))
		if least > most {
			l.ArgError(2, "interval is empty")
		}
		l.Push(lua.LNumber(math.Floor(r*(most-least+1)) + least))
	default:
		l.RaiseError("wrong number of arguments")
	}
	return 1
}
