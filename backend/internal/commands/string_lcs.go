package commands

// lcsOptions are those of LCS.
type lcsOptions struct {
	length   bool
	index    bool
	withLen  bool
	minMatch int64
}

// lcs replies the longest common subsequence of two strings. It takes time and memory
// in proportion to the product of their lengths.
func lcs(c *Ctx) {
	first, ok := c.lcsString(1)
	if !ok {
		return
	}
	second, ok := c.lcsString(2)
	if !ok {
		return
	}
	o, ok := c.lcsOptions()
	if !ok {
		return
	}
	if cells := (len(first) + 1) * (len(second) + 1); int64(cells) > c.Options.StringMax/4 {
		c.Err("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
		return
	}
	t := newLCSTable(first, second)
	switch {
	case o.index:
		c.lcsIndex(t, o)
	case o.length:
		c.Int(int64(t.length()))
	default:
		c.Bulk(t.subsequence())
	}
}

// lcsString copies a string out of the store: looking the other one up may change it.
func (c *Ctx) lcsString(i int) ([]byte, bool) {
	value, _, err := c.DB.Get(c.Args[i])
	if err != nil {
		c.Err("ERR The specified keys must contain string values")
		return nil, false
	}
	return append([]byte(nil), value...), true
}

func (c *Ctx) lcsOptions() (o lcsOptions, ok bool) {
	for i := 3; i < len(c.Args); i++ {
		switch {
		case is(c.Args[i], "idx"):
			o.index = true
		case is(c.Args[i], "len"):
			o.length = true
		case is(c.Args[i], "withmatchlen"):
			o.withLen = true
		case is(c.Args[i], "minmatchlen") && i+1 < len(c.Args):
			i++
			if o.minMatch, ok = c.integer(i); !ok {
				return o, false
			}
		default:
			c.Err(errSyntax)
			return o, false
		}
	}
	if o.length && o.index {
		c.Err("ERR If you want both the length and indexes, please just use IDX.")
		return o, false
	}
	return o, true
}

// lcsIndex replies where the matches are, the last one first.
func (c *Ctx) lcsIndex(t *lcsTable, o lcsOptions) {
	c.Map(2)
	c.BulkString("matches")
	at, n := len(c.Out), 0
	t.matches(func(a, b, size int) {
		if int64(size) < o.minMatch {
			return
		}
		n++
		if o.withLen {
			c.Array(3)
		} else {
			c.Array(2)
		}
		for _, from := range [...]int{a, b} {
			c.Array(2)
			c.Int(int64(from))
			c.Int(int64(from + size - 1))
		}
		if o.withLen {
			c.Int(int64(size))
		}
	})
	c.arrayAt(at, n)
	c.BulkString("len")
	c.Int(int64(t.length()))
}

// lcsTable holds for each pair of prefixes the length of their longest common
// subsequence.
type lcsTable struct {
	a, b  []byte
	cells []uint32 // row by row, len(b)+1 in each
}

func newLCSTable(a, b []byte) *lcsTable {
	t := &lcsTable{a: a, b: b, cells: make([]uint32, (len(a)+1)*(len(b)+1))}
	width := len(b) + 1
	for i := range a {
		above, row := t.cells[i*width:(i+1)*width], t.cells[(i+1)*width:(i+2)*width]
		for j := range b {
			if a[i] == b[j] {
				row[j+1] = above[j] + 1
			} else {
				row[j+1] = max(above[j+1], row[j])
			}
		}
	}
	return t
}

func (t *lcsTable) at(i, j int) uint32 { return t.cells[i*(len(t.b)+1)+j] }

func (t *lcsTable) length() int { return int(t.at(len(t.a), len(t.b))) }

func (t *lcsTable) subsequence() []byte {
	out := make([]byte, t.length())
	end := len(out)
	t.matches(func(a, _, size int) {
		end -= copy(out[end-size:], t.a[a:a+size])
	})
	return out
}

// matches visits the runs of equal bytes that make up the subsequence, from the end to
// the beginning: where they begin in both strings, and how long they are.
func (t *lcsTable) matches(visit func(a, b, size int)) {
	size := 0
	i, j := len(t.a), len(t.b)
	for i > 0 && j > 0 {
		if t.a[i-1] == t.b[j-1] {
			i, j, size = i-1, j-1, size+1
			continue
		}
		if size > 0 {
			visit(i, j, size)
			size = 0
		}
		if t.at(i-1, j) > t.at(i, j-1) {
			i--
		} else {
			j--
		}
	}
	if size > 0 {
		visit(i, j, size)
	}
}
