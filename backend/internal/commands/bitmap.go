package commands

import (
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// Bit 0 of a bitmap is the highest of its first byte.

var bitmapRows = []Row{
	{"bitcount", bitcount},
	{"bitfield", bitfield},
	{"bitfield_ro", bitfieldRO},
	{"bitop", bitop},
	{"bitpos", bitpos},
	{"getbit", getbit},
	{"setbit", setbit},
}

const errBitOffset = "ERR bit offset is not an integer or out of range"

// bitOffset reads a bit's number. With a width, "#3" is the begin of the third field of
// so many bits.
func (c *Ctx) bitOffset(arg []byte, width int64) (bit int64, ok bool) {
	fields := width > 0 && len(arg) > 0 && arg[0] == '#'
	if fields {
		arg = arg[1:]
	}
	bit, ok = types.ParseInt(arg)
	if ok && fields {
		ok = bit < 1<<56 // else the product is not an int64
		bit *= width
	}
	if !ok || bit < 0 || !c.Replaying && bit>>3 >= c.Options.StringMax {
		c.Err(errBitOffset)
		return 0, false
	}
	return bit, true
}

func bitAt(b []byte, bit int64) byte {
	if bit>>3 >= int64(len(b)) {
		return 0
	}
	return b[bit>>3] >> (7 - bit&7) & 1
}

func getbit(c *Ctx) {
	bit, ok := c.bitOffset(c.Args[2], 0)
	if !ok {
		return
	}
	value, _, err := c.DB.Get(c.Args[1])
	if !c.failed(err) {
		c.Int(int64(bitAt(value, bit)))
	}
}

func setbit(c *Ctx) {
	bit, ok := c.bitOffset(c.Args[2], 0)
	if !ok {
		return
	}
	on, ok := c.integerIn(3, 0, 1, "ERR bit is not an integer or out of range")
	if !ok {
		return
	}
	key := c.Args[1]
	value, _, err := c.DB.Old(key)
	if c.failed(err) {
		return
	}
	size := int(bit>>3) + 1
	old := bitAt(value, bit)
	if len(value) < size || int64(old) != on {
		if value, err = c.DB.Grow(key, size); c.failed(err) {
			return
		}
		mask := byte(1) << (7 - bit&7)
		value[size-1] = value[size-1]&^mask | byte(on)<<(7-bit&7)
		c.Changed(1)
		c.Notify(String, "setbit", key)
	}
	c.Int(int64(old))
}

// bitop keeps a result of its own and takes one string after the other into it, since
// looking one up may change the store.
func bitop(c *Ctx) {
	var combine func(result, operand byte) byte
	invert := false
	switch op := c.Args[1]; {
	case is(op, "and"):
		combine = func(a, b byte) byte { return a & b }
	case is(op, "or"):
		combine = func(a, b byte) byte { return a | b }
	case is(op, "xor"):
		combine = func(a, b byte) byte { return a ^ b }
	case is(op, "not"):
		invert = true
	default:
		c.Err(errSyntax)
		return
	}
	if invert && len(c.Args) != 4 {
		c.Err("ERR BITOP NOT must be called with a single source key.")
		return
	}
	var result []byte
	for i, key := range c.Args[3:] {
		value, _, err := c.DB.Get(key)
		if c.failed(err) {
			return
		}
		if i == 0 {
			result = append(result, value...)
			continue
		}
		result = combined(result, value, combine)
	}
	if invert {
		for i := range result {
			result[i] = ^result[i]
		}
	}
	c.storeBits(c.Args[2], result)
}

// combined combines two strings, the shorter of which counts as padded with zeroes.
func combined(result, operand []byte, combine func(a, b byte) byte) []byte {
	if more := len(operand) - len(result); more > 0 {
		result = append(result, make([]byte, more)...)
	}
	for i, b := range operand {
		result[i] = combine(result[i], b)
	}
	for i := len(operand); i < len(result); i++ {
		result[i] = combine(result[i], 0)
	}
	return result
}

func (c *Ctx) storeBits(key, result []byte) {
	if len(result) == 0 {
		c.nothingStored(key)
		return
	}
	if c.setString(key, result, store.NoExpire, "set", len(c.Out)) {
		c.Int(int64(len(result)))
	}
}
