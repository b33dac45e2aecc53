package main_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// generator writes random requests by their grammars.
type generator struct {
	*rand.Rand
	grammars []grammar
	allKeys  []string
	*grammar     // of the command that is being written
	keys     int // keys written so far, or since a numkeys
}

// numkeysMark stands in a request until the keys behind it were counted.
const numkeysMark = "\x00numkeys\x00"

func newGenerator(seed uint64, grammars []grammar) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, ^seed)), grammars: grammars, allKeys: slices.Clone(otherKeys)}
	slices.SortFunc(g.grammars, func(a, b grammar) int { return strings.Compare(a.full, b.full) })
	for _, keys := range keysOf {
		g.allKeys = append(g.allKeys, keys...)
	}
	slices.Sort(g.allKeys)
	return g
}

func (g *generator) one(pool []string) string { return pool[g.IntN(len(pool))] }
func (g *generator) chance(percent int) bool  { return g.IntN(100) < percent }

// request writes one request: mostly well formed, at times damaged.
func (g *generator) request() (name string, words []string) {
	gr := &g.grammars[g.IntN(len(g.grammars))]
	g.grammar, g.keys = gr, 0
	words = gr.words()
	words[0] = g.cased(words[0])
	head := len(words)
	for i := range gr.args {
		words = g.argument(words, &gr.args[i])
	}
	if at := slices.Index(words, numkeysMark); at >= 0 {
		words[at] = strconv.Itoa(g.keys)
	}
	words = g.damage(words, head)
	hurry(gr.full, words)
	for i, w := range words {
		switch {
		case gr.full == "xadd" && w == "*": // else the clock decides
			words[i] = "700-*"
		case undecided(gr.full, words) && strings.EqualFold(w, "STORE"): // nobody could tell whether it is right
			words = words[:i]
			return gr.full, words
		}
	}
	return gr.full, words
}

// hurry gives commands that wait a short time to do so, whatever chance made of
// them: nobody would wake them.
func hurry(name string, words []string) {
	at := len(words) - 1
	short := "0.001"
	switch name {
	case "blpop", "brpop", "blmove", "brpoplpush", "bzpopmin", "bzpopmax":
	case "blmpop", "bzmpop":
		at = min(1, at)
	case "wait":
		short = "1"
	case "xread", "xreadgroup":
		short = "1"
		at = 1 + slices.IndexFunc(words[:at], func(w string) bool { return strings.EqualFold(w, "BLOCK") })
	default:
		return
	}
	if v, err := strconv.ParseFloat(words[at], 64); err == nil && v >= 0 || words[at] == "0x10" {
		words[at] = short
	}
}

// damage makes some requests wrong: too long, too short, mistyped, disordered.
// A script stays what it is: another compiler words its errors differently.
func (g *generator) damage(words []string, head int) []string {
	if g.group == "scripting" {
		head++
	}
	n := len(words)
	if n <= head || !g.chance(6) {
		return words
	}
	switch kind := g.IntN(10); {
	case kind == 0:
		return words[:n-1]
	case kind == 1:
		return append(words, g.one(texts))
	case kind == 2 && !g.timed():
		i, j := head+g.IntN(n-head), head+g.IntN(n-head)
		words[i], words[j] = words[j], words[i]
	default:
		words[head+g.IntN(n-head)] = g.one(oddWords)
	}
	return words
}

// timed tells whether the command takes a relative time. Those are never short:
// a key would go at one server before it is asked for at the other.
func (g *generator) timed() bool {
	var within func(args []argument) bool
	within = func(args []argument) bool {
		return slices.ContainsFunc(args, func(a argument) bool {
			return relativeTime(a.name) || within(a.parts)
		})
	}
	return within(g.args)
}

// later is a relative time that neither server reaches, and hardly ever the same
// twice: whether a time is later than another one that was set by the same words
// is up to the clock.
func (g *generator) later(name string) string {
	seconds := 10_000 + g.IntN(1_000_000)
	if name == "seconds" {
		return strconv.Itoa(seconds)
	}
	return strconv.Itoa(1000 * seconds)
}

func relativeTime(name string) bool {
	return name == "seconds" || name == "milliseconds" || name == "ttl"
}

func (g *generator) argument(words []string, a *argument) []string {
	if a.optional && g.chance(60) {
		return words
	}
	times := 1
	if a.multiple {
		times += g.IntN(3)
	}
	if a.name == "id" && a.multiple && strings.HasPrefix(g.full, "xread") && g.chance(99) {
		times = g.keys // XREAD wants as many as there are streams
	}
	for i := range times {
		if a.token != "" && (i == 0 || a.everyToken) {
			words = append(words, g.cased(a.token))
		}
		words = g.value(words, a)
	}
	return words
}

func (g *generator) cased(token string) string {
	if g.chance(20) {
		return strings.ToLower(token)
	}
	return token
}

func (g *generator) value(words []string, a *argument) []string {
	switch a.kind {
	case "pure-token":
		return words
	case "oneof":
		return g.argument(words, &a.parts[g.IntN(len(a.parts))])
	case "block":
		for i := range a.parts {
			words = g.argument(words, &a.parts[i])
		}
		return words
	case "key":
		g.keys++
		return append(words, g.key())
	}
	return append(words, g.scalar(a))
}

// key prefers keys of the type that the command is about.
func (g *generator) key() string {
	if own := keysOf[g.group]; own != nil && g.chance(80) {
		return g.one(own)
	}
	return g.one(g.allKeys)
}

func (g *generator) scalar(a *argument) string {
	if a.name == "numkeys" && g.chance(95) {
		g.keys = 0
		return numkeysMark
	}
	if relativeTime(a.name) {
		return g.later(a.name)
	}
	if pool := poolOf[a.name]; pool != nil && (a.name == "script" || g.chance(90)) {
		return g.one(pool)
	}
	switch a.kind {
	case "integer", "unix-time":
		return g.one(integers)
	case "double":
		return g.one(doubles)
	}
	return g.one(texts)
}
