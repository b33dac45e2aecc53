package commands

import (
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

var hllRows = []Row{
	{"pfadd", pfadd},
	{"pfcount", pfcount},
	{"pfdebug", pfdebug},
	{"pfmerge", pfmerge},
	{"pfselftest", pfselftest},
}

const errNotHLL = "WRONGTYPE Key is not a valid HyperLogLog string value."

// readHLL looks up a key that may hold a HyperLogLog; ok is false after an error.
func (c *Ctx) readHLL(key []byte) (h types.HLL, found, ok bool) {
	b, found, err := c.DB.Get(key)
	switch {
	case c.failed(err):
		return nil, false, false
	case found && !types.ValidHLL(b):
		c.Err(errNotHLL)
		return nil, false, false
	}
	return b, found, true
}

// hllEdit is a HyperLogLog that is being changed: in the store if it is dense, in
// a copy otherwise, so that a corrupt one is found out before anything changed.
type hllEdit struct {
	types.HLL
	in  store.StringEdit
	new bool
}

// editHLL opens the HyperLogLog of a key, or begins one; ok is false after an error.
func (c *Ctx) editHLL(key []byte) (h hllEdit, ok bool) {
	in, found, err := c.DB.EditString(key)
	switch {
	case c.failed(err):
		return h, false
	case !found:
		c.hll = types.InitHLL(c.hll)
		return hllEdit{HLL: c.hll, in: in, new: true}, true
	case !types.ValidHLL(in.Bytes):
		c.Err(errNotHLL)
		return h, false
	}
	h = hllEdit{HLL: in.Bytes, in: in}
	if h.Sparse() {
		c.hll = append(c.hll[:0], in.Bytes...)
		h.HLL = c.hll
	}
	return h, true
}

// done stores what was changed.
func (h *hllEdit) done(changed bool) error {
	var err error
	inPlace := len(h.in.Bytes) > 0 && &h.HLL[0] == &h.in.Bytes[0]
	if changed && !inPlace {
		if err = h.in.Resize(len(h.HLL)); err == nil {
			copy(h.in.Bytes, h.HLL)
		}
	}
	h.in.Done(changed && err == nil)
	return err
}

func pfadd(c *Ctx) {
	h, ok := c.editHLL(c.Args[1])
	if !ok {
		return
	}
	raised := 0
	if h.new {
		raised++ // that it is there now is a change
	}
	for _, element := range c.Args[2:] {
		next, changed, err := h.Add(element, c.Options.HLLSparseMax)
		if c.failed(err) {
			h.in.Done(false)
			return
		}
		if h.HLL = next; changed {
			raised++
		}
	}
	if raised > 0 {
		h.Outdate()
	}
	if c.failed(h.done(raised > 0)) {
		return
	}
	if raised > 0 {
		c.Changed(raised)
		c.Notify(String, "pfadd", c.Args[1])
	}
	c.Flag(raised > 0)
}

func pfcount(c *Ctx) {
	if len(c.Args) > 2 {
		c.pfcountUnion()
		return
	}
	h, found, ok := c.readHLL(c.Args[1])
	if !ok {
		return
	}
	if !found {
		c.Int(0)
		return
	}
	n, cached := h.Cached()
	if !cached {
		var err error
		if n, err = h.Count(); c.failed(err) {
			return
		}
		c.cacheCount(n)
	}
	c.Int(int64(n))
}

// cacheCount keeps the cardinality in the value, which is a change like any other
// and propagated. A replica leaves it to its master: its data must not differ.
func (c *Ctx) cacheCount(n uint64) {
	if c.Store.Follows() {
		return
	}
	if in, ok, err := c.DB.EditString(c.Args[1]); ok && err == nil {
		types.HLL(in.Bytes).SetCached(n)
		in.Done(true)
		c.Changed(1)
	}
}

// mergeAll merges the HyperLogLogs of keys; ok is false after an error. dense tells
// whether one of them is.
func (c *Ctx) mergeAll(keys [][]byte, into *[types.HLLRegisters]byte) (dense, ok bool) {
	for _, key := range keys {
		h, found, ok := c.readHLL(key)
		if !ok {
			return false, false
		}
		if !found {
			continue
		}
		dense = dense || !h.Sparse()
		if c.failed(h.Merge(into)) {
			return false, false
		}
	}
	return dense, true
}

func (c *Ctx) pfcountUnion() {
	var registers [types.HLLRegisters]byte
	if _, ok := c.mergeAll(c.Args[1:], &registers); ok {
		c.Int(int64(types.CountRegisters(&registers)))
	}
}

// pfmerge merges into the first key, which counts as one of the sources.
func pfmerge(c *Ctx) {
	var registers [types.HLLRegisters]byte
	dense, ok := c.mergeAll(c.Args[1:], &registers)
	if !ok {
		return
	}
	h, ok := c.editHLL(c.Args[1])
	if !ok {
		return
	}
	var err error
	if dense {
		h.HLL, err = h.Dense()
	}
	for i := 0; i < len(registers) && err == nil; i++ {
		if registers[i] > 0 {
			h.HLL, _, err = h.Raise(i, registers[i], c.Options.HLLSparseMax)
		}
	}
	if err == nil {
		h.Outdate()
		err = h.done(true)
	}
	if c.failed(err) {
		return
	}
	c.Changed(1)
	c.Notify(String, "pfadd", c.Args[1])
	c.OK()
}
