package commands

import (
	"strings"

	"holdfast/backend/internal/types"
)

// pfdebug shows the inside of a HyperLogLog, for tests.
func pfdebug(c *Ctx) {
	if !c.DB.Has(c.Args[2]) {
		c.Err("ERR The specified key does not exist")
		return
	}
	h, ok := c.editHLL(c.Args[2])
	if !ok {
		return
	}
	switch sub := c.Args[1]; strings.ToLower(string(sub)) {
	case "getreg":
		if h, _, ok := c.toDense(h); ok {
			c.replyRegisters(h)
		}
	case "decode":
		if !h.Sparse() {
			c.Err("ERR HLL encoding is not sparse")
			return
		}
		c.Bulk(h.AppendOpcodes(nil))
	case "encoding":
		c.Simple(map[bool]string{true: "sparse", false: "dense"}[h.Sparse()])
	case "todense":
		if _, changed, ok := c.toDense(h); ok {
			c.Flag(changed)
		}
	default:
		c.Err("ERR Unknown PFDEBUG subcommand '" + string(sub) + "'")
	}
}

// toDense gives a HyperLogLog the dense encoding; ok is false after an error.
func (c *Ctx) toDense(h hllEdit) (dense types.HLL, changed, ok bool) {
	changed = h.Sparse()
	var err error
	if h.HLL, err = h.Dense(); err == nil {
		err = h.done(changed)
	}
	if c.failed(err) {
		return nil, false, false
	}
	if changed {
		c.Changed(1)
	}
	return h.HLL, changed, true
}

func (c *Ctx) replyRegisters(h types.HLL) {
	var registers [types.HLLRegisters]byte
	if c.failed(h.Merge(&registers)) {
		return
	}
	c.Array(len(registers))
	for _, v := range registers {
		c.Int(int64(v))
	}
}
