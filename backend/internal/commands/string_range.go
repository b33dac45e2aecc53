package commands

// fits replies an error unless a string of n bytes may exist. What a master decided is
// not judged again.
func (c *Ctx) fits(n int64) bool {
	if !c.Replaying && (n > c.Options.StringMax || n < 0) {
		c.Err("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
		return false
	}
	return true
}

func appendTo(c *Ctx) {
	key := c.Args[1]
	old, _, err := c.DB.Old(key)
	if c.failed(err) || !c.fits(int64(len(old)+len(c.Args[2]))) {
		return
	}
	n, err := c.DB.Append(key, c.Args[2])
	if c.failed(err) {
		return
	}
	c.Changed(1)
	c.Notify(String, "append", key)
	c.Int(int64(n))
}

func stringLength(c *Ctx) {
	value, _, err := c.DB.Get(c.Args[1])
	if !c.failed(err) {
		c.Int(int64(len(value)))
	}
}

func setrange(c *Ctx) {
	offset, ok := c.integer(2)
	if !ok {
		return
	}
	if offset < 0 {
		c.Err("ERR offset is out of range")
		return
	}
	key, value := c.Args[1], c.Args[3]
	old, _, err := c.DB.Old(key)
	if c.failed(err) {
		return
	}
	if len(value) == 0 {
		c.Int(int64(len(old)))
		return
	}
	if !c.fits(offset + int64(len(value))) {
		return
	}
	n, err := c.DB.SetRange(key, int(offset), value)
	if c.failed(err) {
		return
	}
	c.Changed(1)
	c.Notify(String, "setrange", key)
	c.Int(int64(n))
}

// getrange is GETRANGE, and SUBSTR, as it once was called.
func getrange(c *Ctx) {
	first, last, ok := c.integers(2)
	if !ok {
		return
	}
	value, _, err := c.DB.Get(c.Args[1])
	if c.failed(err) {
		return
	}
	start, end := clampedSpan(first, last, len(value))
	c.Bulk(value[start:end])
}

// clampedSpan is span as strings have it: an end before the beginning means the first
// element, unless both ends are counted from behind in the wrong order.
func clampedSpan(first, last int64, n int) (start, end int) {
	if first < 0 && last < 0 && first > last {
		return 0, 0
	}
	if last < 0 {
		last = max(last+int64(n), 0)
	}
	return span(first, last, n)
}
