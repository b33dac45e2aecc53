package commands

import "strconv"

// scanning is what HSCAN, SSCAN and ZSCAN ask for behind the key.
type scanning struct {
	cursor  uint64
	count   int
	pattern []byte // nil: all
}

// maxScanCount bounds COUNT; more is all there is.
const maxScanCount = 1 << 30

// scanning reads cursor [MATCH pattern] [COUNT count].
func (c *Ctx) scanning() (s scanning, ok bool) {
	if s.cursor, ok = parseCursor(c.Args[2]); !ok {
		c.Err("ERR invalid cursor")
		return s, false
	}
	s.count = 10
	for i := 3; i < len(c.Args); i += 2 {
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
