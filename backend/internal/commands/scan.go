package commands

import (
	"strconv"

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
	s, ok := c.scanningFrom(1, true)
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

// scanning reads cursor [MATCH pattern] [COUNT count] behind a key.
func (c *Ctx) scanning() (s scanning, ok bool) { return c.scanningFrom(2, false) }

// scanningFrom reads the cursor at argument i and the options behind it, TYPE among
// them if the keys of a database are scanned.
func (c *Ctx) scanningFrom(i int, keys bool) (s scanning, ok bool) {
	if s.cursor, ok = parseCursor(c.Args[i]); !ok {
		c.Err("ERR invalid cursor")
		return s, false
	}
	s.count = 10
	for i++; i < len(c.Args); i += 2 {
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

// parseCursor reads an unsigned number, the empty string as 0, as strtoul does.
func parseCursor(b []byte) (cursor uint64, ok bool) {
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || cursor > (1<<64-1-d)/10 {
			return 0, false
		}
		cursor = cursor*10 + d
	}
	return cursor, true
}

// wants tells whether the pattern lets an element through.
func (s *scanning) wants(name []byte) bool {
	return s.pattern == nil || Match(s.pattern, name, false)
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

// emptyScan replies that there is nothing to scan.
func (c *Ctx) emptyScan() { c.scannedAt(len(c.Out), 0, 0) }
