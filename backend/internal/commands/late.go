package commands

// Some replies know their length only when they are complete. They note where they
// begin (at := len(c.Out)), append the elements, append the head, and turn it round.

// arrayAt makes what was appended since at an array of n elements.
func (c *Ctx) arrayAt(at, n int) {
	end := len(c.Out)
	c.Array(n)
	c.headAt(at, end)
}

// setAt makes what was appended since at a set of n elements.
func (c *Ctx) setAt(at, n int) {
	end := len(c.Out)
	c.Set(n)
	c.headAt(at, end)
}

// MapAt makes what was appended since at a map of n pairs.
func (c *Ctx) MapAt(at, n int) {
	end := len(c.Out)
	c.Map(n)
	c.headAt(at, end)
}

// headAt moves what stands from end on before what stands from at on.
func (c *Ctx) headAt(at, end int) {
	var buf [64]byte
	head := append(buf[:0], c.Out[end:]...)
	copy(c.Out[at+len(head):], c.Out[at:end])
	copy(c.Out[at:], head)
}
