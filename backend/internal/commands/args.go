package commands

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"

	"holdfast/backend/internal/types"
)

// is tells whether an argument is this word, in any case.
func is(arg []byte, word string) bool {
	return len(arg) == len(word) && bytes.EqualFold(arg, []byte(word))
}

// failed replies an error of the store, if it is one.
func (c *Ctx) failed(err error) bool {
	if err != nil {
		c.Err(err.Error())
	}
	return err != nil
}

// wrongArity replies the gate's error for commands whose arity depends on more than
// the number of words.
func (c *Ctx) wrongArity() {
	c.Err("ERR wrong number of arguments for '" + c.lowerName() + "' command")
}

// lowerName is the command's name as errors print it.
func (c *Ctx) lowerName() string { return strings.ToLower(string(c.Args[0])) }

// integer reads argument i, or replies that it is none.
func (c *Ctx) integer(i int) (n int64, ok bool) {
	return c.integerIn(i, math.MinInt64, math.MaxInt64, errNotInt)
}

// integers reads the arguments i and i+1, the ends of a range.
func (c *Ctx) integers(i int) (first, last int64, ok bool) {
	if first, ok = c.integer(i); ok {
		last, ok = c.integer(i + 1)
	}
	return first, last, ok
}

// integerIn reads argument i, which must lie from low to high, else it replies text.
func (c *Ctx) integerIn(i int, low, high int64, text string) (n int64, ok bool) {
	n, ok = types.ParseInt(c.Args[i])
	if !ok || n < low || n > high {
		c.Err(text)
		return 0, false
	}
	return n, true
}

// float reads argument i, or replies text.
func (c *Ctx) float(i int, text string) (v float64, ok bool) {
	if v, ok = types.ParseFloat(c.Args[i]); !ok {
		c.Err(text)
	}
	return v, ok
}

// span turns first and last, inclusive and counted from the end where negative, into
// indexes from start to before end of n elements, equal if there are none between.
func span(first, last int64, n int) (start, end int) {
	size := int64(n)
	if first < 0 {
		first = max(first+size, 0)
	}
	if last < 0 {
		last += size
	}
	last = min(last, size-1)
	if first > last {
		return 0, 0
	}
	return int(first), int(last) + 1
}

// timeout reads argument i, in seconds, as the moment in Unix ms at which it is over;
// 0 is never.
func (c *Ctx) timeout(i int) (until int64, ok bool) {
	if _, err := strconv.ParseFloat(string(c.Args[i]), 64); errors.Is(err, strconv.ErrRange) {
		text := errTimeoutRange // too large for a float, but a number
		if c.Args[i][0] == '-' {
			text = errTimeoutNeg
		}
		c.Err(text)
		return 0, false
	}
	seconds, ok := c.float(i, errTimeout)
	if !ok {
		return 0, false
	}
	ms := math.Ceil(seconds * 1000)
	switch {
	case ms >= math.MaxInt64 || ms > 0 && int64(ms) > math.MaxInt64-c.Now:
		c.Err(errTimeoutRange)
		return 0, false
	case ms < 0:
		c.Err(errTimeoutNeg)
		return 0, false
	case ms == 0:
		return 0, true
	}
	return c.Now + int64(ms), true
}

// event reports that a key was changed and, if that left it empty, deleted.
func (c *Ctx) event(class Class, name string, key []byte, gone bool) {
	c.Notify(class, name, key)
	if gone {
		c.Notify(Generic, "del", key)
	}
}

// nothingStored deletes a key that a STORE variant left without a result, and replies 0.
func (c *Ctx) nothingStored(key []byte) {
	if c.DB.Delete(key) {
		c.Changed(1)
		c.Notify(Generic, "del", key)
	}
	c.Int(0)
}
