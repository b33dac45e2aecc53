package commands

import (
	"math"

	"holdfast/backend/internal/types"
)

// field is where an operation of BITFIELD reads and writes an integer.
type field struct {
	at     int64 // its first, highest bit
	width  int64 // bits
	signed bool
}

type overflow uint8

const (
	wrap overflow = iota
	saturate
	fail
)

type bitOp struct {
	field
	kind     byte // 'g'et, 's'et, 'i'ncrby
	operand  int64
	overflow overflow
}

const errFieldType = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."

func bitfield(c *Ctx) {
	ops, ok := c.bitOps()
	if !ok {
		return
	}
	if size := bytesWritten(ops); size > 0 {
		c.changeFields(ops, size)
		return
	}
	c.readFields(ops)
}

func bitfieldRO(c *Ctx) {
	ops, ok := c.bitOps()
	if !ok {
		return
	}
	if bytesWritten(ops) > 0 {
		c.Err("ERR BITFIELD_RO only supports the GET subcommand")
		return
	}
	c.readFields(ops)
}

// bytesWritten is how long the string must be for the operations that write, 0 when
// none does.
func bytesWritten(ops []bitOp) (size int64) {
	for i := range ops {
		if ops[i].kind != 'g' {
			size = max(size, (ops[i].at+ops[i].width-1)>>3+1)
		}
	}
	return size
}

// bitOps reads all operations.
func (c *Ctx) bitOps() (ops []bitOp, ok bool) {
	overflow := wrap
	for i := 2; i < len(c.Args); {
		more := len(c.Args) - i - 1
		op := bitOp{overflow: overflow}
		switch word := c.Args[i]; {
		case is(word, "get") && more >= 2:
			op.kind = 'g'
		case is(word, "set") && more >= 3:
			op.kind = 's'
		case is(word, "incrby") && more >= 3:
			op.kind = 'i'
		case is(word, "overflow") && more >= 1:
			if overflow, ok = c.overflow(i + 1); !ok {
				return nil, false
			}
			i += 2
			continue
		default:
			c.Err(errSyntax)
			return nil, false
		}
		if op.field, ok = c.bitField(i + 1); !ok {
			return nil, false
		}
		i += 3
		if op.kind != 'g' {
			if op.operand, ok = c.integer(i); !ok {
				return nil, false
			}
			i++
		}
		ops = append(ops, op)
	}
	return ops, true
}

func (c *Ctx) overflow(i int) (o overflow, ok bool) {
	switch arg := c.Args[i]; {
	case is(arg, "wrap"):
		return wrap, true
	case is(arg, "sat"):
		return saturate, true
	case is(arg, "fail"):
		return fail, true
	}
	c.Err("ERR Invalid OVERFLOW type specified")
	return wrap, false
}

// bitField reads type and offset.
func (c *Ctx) bitField(i int) (f field, ok bool) {
	kind := c.Args[i]
	if len(kind) > 1 && (kind[0] == 'i' || kind[0] == 'u') {
		f.signed = kind[0] == 'i'
		f.width, ok = types.ParseInt(kind[1:])
	}
	if !ok || f.width < 1 || f.width > 64 || f.width == 64 && !f.signed {
		c.Err(errFieldType)
		return f, false
	}
	f.at, ok = c.bitOffset(c.Args[i+1], f.width)
	return f, ok
}

func (c *Ctx) readFields(ops []bitOp) {
	value, _, err := c.DB.Get(c.Args[1])
	if c.failed(err) {
		return
	}
	c.Array(len(ops))
	for i := range ops {
		c.Int(ops[i].read(value))
	}
}

func (c *Ctx) changeFields(ops []bitOp, size int64) {
	key := c.Args[1]
	old, _, err := c.DB.Old(key)
	if c.failed(err) {
		return
	}
	grown := int64(len(old)) < size
	value, err := c.DB.Grow(key, int(size))
	if c.failed(err) {
		return
	}
	changes := 0
	c.Array(len(ops))
	for i := range ops {
		changed := c.runField(&ops[i], value)
		if changed || grown && ops[i].kind != 'g' {
			changes++
		}
	}
	if changes > 0 {
		c.Changed(changes)
		c.Notify(String, "setbit", key)
	}
}

// runField does one operation, replies its result and reports whether it changed
// anything.
func (c *Ctx) runField(op *bitOp, value []byte) bool {
	old := op.read(value)
	if op.kind == 'g' {
		c.Int(old)
		return false
	}
	var result int64
	var ok bool
	if op.kind == 'i' {
		result, ok = op.add(old, op.operand)
	} else {
		result, ok = op.add(op.operand, 0)
	}
	if !ok {
		c.Null()
		return false
	}
	op.write(value, result)
	if op.kind == 'i' {
		c.Int(result)
	} else {
		c.Int(old)
	}
	return result != old
}

// read is the integer in the field; what lies behind the string is zero.
func (f *field) read(value []byte) int64 {
	var v uint64
	for i := range f.width {
		v = v<<1 | uint64(bitAt(value, f.at+i))
	}
	if f.signed {
		return int64(v<<(64-f.width)) >> (64 - f.width)
	}
	return int64(v)
}

// write stores an integer in the field, which lies within the string.
func (f *field) write(value []byte, v int64) {
	for i := range f.width {
		bit := f.at + i
		mask := byte(1) << (7 - bit&7)
		if v>>(f.width-1-i)&1 == 1 {
			value[bit>>3] |= mask
		} else {
			value[bit>>3] &^= mask
		}
	}
}

// bounds are the least and the greatest integer of the field.
func (f *field) bounds() (least, greatest int64) {
	if f.signed {
		greatest = math.MaxInt64 >> (64 - f.width)
		return -greatest - 1, greatest
	}
	return 0, 1<<f.width - 1
}

// add returns a + b as the field can hold it; ok is false where it cannot and must not
// be made to.
func (op *bitOp) add(a, b int64) (sum int64, ok bool) {
	over, under := op.outside(a, b)
	least, greatest := op.bounds()
	sum = a + b
	switch {
	case !over && !under:
		return sum, true
	case op.overflow == fail:
		return 0, false
	case op.overflow == saturate && over:
		return greatest, true
	case op.overflow == saturate:
		return least, true
	case op.signed:
		return sum << (64 - op.width) >> (64 - op.width), true
	}
	return sum & greatest, true
}

// outside tells on which side a + b lies outside the field, if it does. The differences
// may wrap around, as they do in Redis (checkSignedBitfieldOverflow): there, a number far
// below the field counts as above it, and a replica has to come to the same end.
func (f *field) outside(a, b int64) (over, under bool) {
	least, greatest := f.bounds()
	if !f.signed {
		// A negative operand of SET is taken for a very large number.
		over = uint64(a) > uint64(greatest) || b > 0 && b > greatest-a
		return over, !over && b < 0 && b < -a
	}
	narrow := f.width < 64
	over = a > greatest || (narrow || a >= 0 && b > 0) && b > greatest-a
	under = !over && (a < least || (narrow || a < 0 && b < 0) && b < least-a)
	return over, under
}
