package commands

import (
	"math"

	"holdfast/backend/internal/types"
)

// seeking is what LPOS asks for.
type seeking struct {
	rank   int64 // the match to begin with, counted from 1; from the tail if negative
	count  int64 // matches to reply, 0 for all; -1: one, and not in an array
	maxLen int64 // elements to compare, 0 for all
}

// seeking reads [RANK rank] [COUNT count] [MAXLEN len].
func (c *Ctx) seeking() (s seeking, ok bool) {
	s = seeking{rank: 1, count: -1}
	for i := 3; i < len(c.Args); i += 2 {
		more := i+1 < len(c.Args)
		switch {
		case more && is(c.Args[i], "rank"):
			s.rank, ok = c.integer(i + 1)
			switch {
			case !ok:
			case s.rank == math.MinInt64:
				c.Err("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
				ok = false
			case s.rank == 0:
				c.Err("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
					"or use negative to start from the end of the list")
				ok = false
			}
		case more && is(c.Args[i], "count"):
			s.count, ok = c.integerIn(i+1, 0, math.MaxInt64, "ERR COUNT can't be negative")
		case more && is(c.Args[i], "maxlen"):
			s.maxLen, ok = c.integerIn(i+1, 0, math.MaxInt64, "ERR MAXLEN can't be negative")
		default:
			c.Err(errSyntax)
			ok = false
		}
		if !ok {
			return s, false
		}
	}
	return s, true
}

func lpos(c *Ctx) {
	s, ok := c.seeking()
	if !ok {
		return
	}
	l, found, err := c.DB.List(c.Args[1])
	if c.failed(err) {
		return
	}
	at, n := len(c.Out), 0
	if found {
		n = c.positions(&l, s)
	}
	switch {
	case s.count >= 0:
		c.arrayAt(at, n)
	case n == 0:
		c.Null()
	}
}

// positions appends the indexes of the matches asked for and returns how many.
func (c *Ctx) positions(l *types.List, s seeking) (n int) {
	size := l.Len()
	start, towards := 0, types.Tail
	if s.rank < 0 {
		start, towards, s.rank = size-1, types.Head, -s.rank
	}
	if s.maxLen > 0 {
		size = int(min(int64(size), s.maxLen))
	}
	wanted := s.count
	if wanted < 0 {
		wanted = 1
	}
	l.Match(c.Args[2], start, size, towards, func(index int) bool {
		if s.rank--; s.rank > 0 {
			return true
		}
		c.Int(int64(index))
		n++
		return wanted == 0 || int64(n) < wanted
	})
	return n
}
