package commands

import (
	"strconv"

	"holdfast/backend/command"
	"holdfast/backend/internal/store"
)

// scanning is what SCAN asks for, and HSCAN, SSCAN and ZSCAN behind the key.
type scanning struct {
	cursor  uint64
	count   int
	pattern []byte // nil: all
	kind    []byte // SCAN: the type of a key's value; nil: any
}

// maxScanCount bounds COUNT; more is all there is.
const maxScanCount = 1 << 30

// scan visits the keys of a database. The name of a type that there is not is no error:
// no key has it.
func scan(c *Ctx) {
	cursor, ok := c.cursor(1)
	if !ok {
		return
	}
	s, ok := c.scanning(cursor, 2, true)
	if !ok {
		return
	}
	at, n := len(c.Out), 0
	next := c.DB.Scan(s.cursor, s.count, func(key []byte, t store.Type) {
		if s.wants(key) && (s.kind == nil || is(s.kind, t.String())) {
			c.Bulk(key)
			n++
		}
	})
	c.scannedAt(at, next, n)
}

// cursor reads argument i. A key of another type is told next, and the options are read
// only if there is something to scan: that is the order of Redis's errors.
func (c *Ctx) cursor(i int) (cursor uint64, ok bool) {
	if cursor, ok = parseCursor(c.Args[i]); !ok {
		c.Err("ERR invalid cursor")
	}
	return cursor, ok
}

// scanning reads [MATCH pattern] [COUNT count] from argument i on, and [TYPE type] if
// the keys of a database are scanned.
func (c *Ctx) scanning(cursor uint64, i int, keys bool) (s scanning, ok bool) {
	s.cursor = cursor
	s.count = 10
	for ; i < len(c.Args); i += 2 {
		more := i+1 < len(c.Args)
		switch {
		case more && is(c.Args[i], "count"):
			count, ok := c.integer(i + 1)
			if !ok {
				return s, false
			}
			if count < 1 {
				c.Err(errSyntax)
				return s, false
			}
			s.count = int(min(count, maxScanCount))
		case more && is(c.Args[i], "match"):
			if s.pattern = c.Args[i+1]; string(s.pattern) == "*" {
				s.pattern = nil
			}
		case more && keys && is(c.Args[i], "type"):
			s.kind = c.Args[i+1]
		default:
			c.Err(errSyntax)
			return s, false
		}
	}
	return s, true
}

// scanningValue reads what HSCAN, SSCAN and ZSCAN ask of the value at their key, and
// replies itself if there is nothing to scan.
func (c *Ctx) scanningValue(found bool, err error) (s scanning, ok bool) {
	cursor, ok := c.cursor(2)
	switch {
	case !ok || c.failed(err):
		return s, false
	case !found:
		c.scannedAt(len(c.Out), 0, 0)
		return s, false
	}
	return c.scanning(cursor, 3, false)
}

// parseCursor reads an unsigned number as strtoul does: the empty string is 0, and a
// sign may stand before it.
func parseCursor(b []byte) (cursor uint64, ok bool) {
	negative := len(b) > 1 && b[0] == '-'
	if negative || len(b) > 1 && b[0] == '+' {
		b = b[1:]
	}
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || cursor > (1<<64-1-d)/10 {
			return 0, false
		}
		cursor = cursor*10 + d
	}
	if negative {
		cursor = -cursor
	}
	return cursor, true
}

// wants tells whether the pattern lets an element through.
func (s *scanning) wants(name []byte) bool {
	return s.pattern == nil || command.Match(s.pattern, name, false)
}

// scannedAt replies the next cursor and the n elements that were appended since at.
func (c *Ctx) scannedAt(at int, cursor uint64, n int) {
	var digits [20]byte
	end := len(c.Out)
	c.Array(2)
	c.Bulk(strconv.AppendUint(digits[:0], cursor, 10))
	c.Array(n)
	c.headAt(at, end)
}
