package commands

import (
	"bytes"
	"math"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// appending is what XADD asks for, and XTRIM, which has a part of it.
type appending struct {
	idAt   int // argument of the ID; the fields follow
	id     types.StreamID
	ownSeq bool // the second number of the ID is the stream's to choose
	ownID  bool // the whole ID is
	noMake bool // only to a stream that exists

	trims  bool
	trim   types.StreamTrim
	trimAt int // argument of the length or ID to trim to
	limit  int64
	capped bool // LIMIT was given
}

// appending reads the options behind the key, of XADD up to the ID. The texts of errors
// and the order in which they are found are those of t_stream.c.
func (c *Ctx) appending(add bool) (a appending, ok bool) {
	i := 2
	for ok = true; ok && i < len(c.Args); i++ {
		more := len(c.Args) - 1 - i
		switch arg := c.Args[i]; {
		case add && string(arg) == "*":
			a.ownID = true
		case more > 0 && (is(arg, "maxlen") || is(arg, "minid")):
			i, ok = c.trimming(&a, i)
			continue
		case more > 0 && is(arg, "limit"):
			i++
			a.limit, ok = c.integerFrom0(i, "LIMIT")
			a.capped = true
			continue
		case add && is(arg, "nomkstream"):
			a.noMake = true
			continue
		case add:
			ok = c.newID(&a, arg)
		default:
			c.Err(errSyntax)
			ok = false
		}
		break
	}
	a.idAt = i
	return a, ok && c.trimmable(&a, add)
}

// newID reads the ID of a new entry, whose second part may be left to the stream.
func (c *Ctx) newID(a *appending, word []byte) (ok bool) {
	if ms, seq, _ := bytes.Cut(word, []byte{'-'}); string(seq) == "*" {
		a.ownSeq = true
		word = ms
	}
	if a.id, ok = types.ParseStreamID(word, 0); !ok {
		c.Err(errStreamID)
	}
	return ok
}

// trimming reads MAXLEN or MINID, at argument i, and what belongs to it. It returns
// the last argument it has read.
func (c *Ctx) trimming(a *appending, i int) (last int, ok bool) {
	if a.trims {
		c.Err("ERR syntax error, MAXLEN and MINID options at the same time are not compatible")
		return i, false
	}
	a.trims, a.trim.ByID = true, is(c.Args[i], "minid")
	i++
	if word := string(c.Args[i]); i+1 < len(c.Args) && (word == "~" || word == "=") {
		a.trim.Whole = word == "~"
		i++
	}
	a.trimAt = i
	if a.trim.ByID {
		a.trim.MinID, ok = c.strictID(c.Args[i], 0)
		return i, ok
	}
	n, ok := c.integerFrom0(i, "MAXLEN")
	a.trim.MaxLen = uint64(n)
	return i, ok
}

// integerFrom0 reads argument i, the value of an option, which is not negative.
func (c *Ctx) integerFrom0(i int, option string) (n int64, ok bool) {
	if n, ok = c.integer(i); ok && n < 0 {
		c.Err("ERR The " + option + " argument must be >= 0.")
		ok = false
	}
	return n, ok
}

// trimmable checks the options against each other and sets how much may be trimmed at
// once. What a master says it trimmed is trimmed, however much it is.
func (c *Ctx) trimmable(a *appending, add bool) bool {
	switch {
	case a.limit > 0 && !a.trims:
		c.Err("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")
		return false
	case !add && !a.trims:
		c.Err("ERR syntax error, XTRIM must be called with a trimming strategy")
		return false
	case c.Replaying:
	case a.capped && !a.trim.Whole:
		c.Err("ERR syntax error, LIMIT cannot be used without the special ~ option")
		return false
	case a.capped:
		a.trim.Limit = a.limit
	case a.trim.Whole:
		const nodes, unlimited, most = 100, 10_000, 1_000_000
		a.trim.Limit = unlimited
		if n := c.Store.Space().Limits.StreamNodeMaxEntries; n > 0 {
			a.trim.Limit = min(nodes*int64(n), most)
		}
	}
	return true
}

func xadd(c *Ctx) {
	a, ok := c.appending(true)
	if !ok {
		return
	}
	pairs := c.Args[min(a.idAt+1, len(c.Args)):]
	if len(pairs) < 2 || len(pairs)%2 != 0 {
		c.wrongArity()
		return
	}
	if !a.ownID && !a.ownSeq && a.id.IsZero() {
		c.Err("ERR The ID specified in XADD must be greater than 0-0")
		return
	}
	var s store.StreamEdit
	var err error
	if a.noMake {
		s, ok, err = c.DB.EditStream(c.Args[1])
	} else {
		s, err = c.DB.MakeStream(c.Args[1])
	}
	switch {
	case c.failed(err):
	case !ok:
		c.Null()
	default:
		c.addEntry(&s, &a, pairs)
	}
}

// addEntry adds an entry to the stream, trims this as it was asked to, and replies the
// ID.
func (c *Ctx) addEntry(s *store.StreamEdit, a *appending, pairs [][]byte) {
	id, err := a.choose(s.Info().Last, c.Now)
	if err == nil {
		err = s.Append(id, pairs)
	}
	if c.failed(err) {
		s.Done(false)
		return
	}
	c.streamID(id)
	trimmed := int64(0)
	if a.trims {
		trimmed = s.Trim(a.trim)
	}
	s.Done(true)
	c.Changed(1)
	c.Notify(Stream, "xadd", c.Args[1])
	if trimmed > 0 {
		c.Notify(Stream, "xtrim", c.Args[1])
	}
	if a.ownID || a.ownSeq || a.trim.Whole {
		c.propagateAdded(&s.Stream, a, id)
	}
}

// choose returns the ID for an entry behind the last one, at a time in Unix ms.
func (a *appending) choose(last types.StreamID, now int64) (types.StreamID, error) {
	next, ok := last.Next()
	switch {
	case !ok:
		return last, types.ErrStreamFull
	case a.ownID && uint64(now) > last.Ms:
		return types.StreamID{Ms: uint64(now)}, nil
	case a.ownID:
		return next, nil
	case a.ownSeq && a.id.Ms == last.Ms && last.Seq == math.MaxUint64:
		return last, types.ErrStreamOrder
	case a.ownSeq && a.id.Ms == last.Ms:
		return next, nil
	}
	return a.id, nil
}

// propagateAdded propagates XADD or XTRIM with what came of it: the ID that was chosen
// and, where the stream was trimmed by whole nodes, the bound that does the same
// wherever the nodes are the same.
func (c *Ctx) propagateAdded(s *types.Stream, a *appending, id types.StreamID) {
	var idText, boundText [types.MaxStreamIDLen]byte
	words := append(make([][]byte, 0, 16), c.Args...)
	if a.ownID || a.ownSeq {
		words[a.idAt] = id.Append(idText[:0])
	}
	if a.trim.Whole {
		words[a.trimAt-1] = wordEqual
		if a.trim.ByID {
			words[a.trimAt] = s.FirstKept().Append(boundText[:0])
		} else {
			words[a.trimAt] = types.AppendInt(boundText[:0], int64(s.Len()))
		}
	}
	c.Propagate(words...)
}

func xtrim(c *Ctx) {
	a, ok := c.appending(false)
	if !ok {
		return
	}
	s, ok, err := c.DB.EditStream(c.Args[1])
	switch {
	case c.failed(err):
		return
	case !ok:
		c.Int(0)
		return
	}
	trimmed := s.Trim(a.trim)
	s.Done(trimmed > 0)
	c.Int(trimmed)
	if trimmed == 0 {
		return
	}
	c.Changed(int(trimmed))
	c.Notify(Stream, "xtrim", c.Args[1])
	if a.trim.Whole {
		c.propagateAdded(&s.Stream, &a, types.StreamID{})
	}
}
