package commands

import (
	"math"
	"math/rand/v2"
)

// HRANDFIELD, SRANDMEMBER and ZRANDMEMBER draw alike, from a deck.
type deck struct {
	size  int
	pick  func() (name []byte) // draws an element at random
	each  func(visit func())   // draws every element in turn
	reply func()               // appends the element drawn last
}

// drawing is what the arguments behind the key ask for.
type drawing struct {
	count  int64
	single bool // no count was given
	paired bool // with values or scores
}

// maxDraws bounds how many elements a negative count may ask for where no limit of
// the client's output does: the reply is built in memory, and one request must not
// end the process.
const maxDraws = 1 << 27

// drawing reads [count [with]].
func (c *Ctx) drawing(with string) (d drawing, ok bool) {
	if len(c.Args) == 2 {
		return drawing{single: true}, true
	}
	if d.count, ok = c.integer(2); !ok {
		return d, false
	}
	d.paired = len(c.Args) == 4 && with != "" && is(c.Args[3], with)
	switch {
	case len(c.Args) > 3 && !d.paired:
		c.Err(errSyntax)
		return d, false
	case d.count < -math.MaxInt64/2 || d.count < -maxDraws && c.replyLimit() == 0 || d.paired && d.count > math.MaxInt64/2:
		c.Err(errOutOfRange)
		return d, false
	}
	return d, true
}

// draw replies what was asked for: the same element any number of times for a
// negative count, each at most once for a positive one.
func (c *Ctx) draw(d drawing, from deck) {
	size := int64(from.size)
	switch {
	case d.single && size == 0:
		c.Null()
	case d.single:
		from.pick()
		from.reply()
	case d.count == 0 || size == 0:
		c.Array(0)
	case d.count < 0:
		c.drawHead(int(-d.count), d.paired)
		c.drawAgain(d, from)
	case d.count >= size:
		c.drawHead(from.size, d.paired)
		from.each(func() { c.drawn(d, from) })
	default:
		c.drawHead(int(d.count), d.paired)
		c.drawDistinct(d, from)
	}
}

// drawAgain replies elements that may be the same, as many as were asked for, or
// until there is more of them than the client may leave unread: then it is closed.
func (c *Ctx) drawAgain(d drawing, from deck) {
	limit := c.replyLimit()
	for range -d.count {
		if limit > 0 && int64(len(c.Out)) > limit {
			c.cut()
			return
		}
		from.pick()
		c.drawn(d, from)
	}
}

// drawDistinct replies fewer elements than there are, each once. It passes through
// all of them, unless they are many times more: then it picks until it has enough.
func (c *Ctx) drawDistinct(d drawing, from deck) {
	const fewElements = 1024
	wanted := int(d.count)
	if from.size > fewElements && wanted < from.size/3 {
		seen := make(map[string]struct{}, wanted)
		for len(seen) < wanted {
			name := from.pick()
			if _, again := seen[string(name)]; !again {
				seen[string(name)] = struct{}{}
				c.drawn(d, from)
			}
		}
		return
	}
	choice := choice{left: from.size, wanted: wanted}
	from.each(func() {
		if choice.take() {
			c.drawn(d, from)
		}
	})
}

// drawHead opens the reply of n elements: pairs are flat in RESP2, arrays in RESP3.
func (c *Ctx) drawHead(n int, paired bool) {
	if paired && c.Proto < 3 {
		n *= 2
	}
	c.Array(n)
}

func (c *Ctx) drawn(d drawing, from deck) {
	if d.paired && c.Proto >= 3 {
		c.Array(2)
	}
	from.reply()
}

// choice decides element by element which to take, so that each subset of the wanted
// size is equally likely (Knuth's algorithm S).
type choice struct{ left, wanted int }

func (s *choice) take() bool {
	chosen := rand.IntN(s.left) < s.wanted
	s.left--
	if chosen {
		s.wanted--
	}
	return chosen
}
