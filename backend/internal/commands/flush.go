package commands

// flushMode reads the only option of FLUSHDB and FLUSHALL. The store flushes without
// waiting in either mode.
func (c *Ctx) flushMode() bool {
	if len(c.Args) == 1 || len(c.Args) == 2 && (is(c.Args[1], "sync") || is(c.Args[1], "async")) {
		return true
	}
	c.Err(errSyntax)
	return false
}

func flushdb(c *Ctx) {
	if c.flushMode() {
		n := c.DB.Len()
		c.DB.Flush()
		c.flushed(n)
	}
}

func flushall(c *Ctx) {
	if !c.flushMode() {
		return
	}
	n := 0
	for i := range c.Store.Databases() {
		n += c.Store.DB(i).Len()
	}
	c.Store.FlushAll()
	c.flushed(n)
}

// flushed replies and counts. One change is counted when there was nothing to flush, so
// that replicas flush all the same: what they hold may be more.
func (c *Ctx) flushed(keys int) {
	c.Changed(max(keys, 1))
	c.OK()
}

func swapdb(c *Ctx) {
	first, ok := c.int32(1, "ERR invalid first DB index")
	if !ok {
		return
	}
	second, ok := c.int32(2, "ERR invalid second DB index")
	if !ok {
		return
	}
	if n := c.Store.Databases(); first < 0 || first >= n || second < 0 || second >= n {
		c.Err(outOfRange)
		return
	}
	c.Store.SwapDB(first, second)
	c.Changed(1)
	c.OK()
}
