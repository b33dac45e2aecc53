package script

import (
	"encoding/binary"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// unpacker reads MessagePack values.
type unpacker struct {
	l     *lua.LState
	in    string
	depth int
}

// msgUnpack unpacks up to limit values from offset on, all if both are 0. With a limit,
// the first result is where to go on, -1 at the end.
func msgUnpack(l *lua.LState, limit, offset int) int {
	in := text(l, 1)
	switch {
	case offset < 0 || limit < 0:
		l.RaiseError("Invalid request to unpack with offset of %d and limit of %d.", offset, len(in))
	case offset > len(in):
		l.RaiseError("Start offset %d greater than input length %d.", offset, len(in))
	}
	all := limit == 0 && offset == 0
	u := unpacker{l: l, in: in[offset:]}
	var values []lua.LValue
	for u.in != "" && (all || len(values) < limit) {
		if len(values) >= maxResults {
			l.RaiseError("too many return values at once; use unpack_one or unpack_limit instead.")
		}
		values = append(values, u.value())
	}
	if !all {
		next := len(in) - len(u.in)
		if u.in == "" {
			next = -1
		}
		l.Push(lua.LNumber(next))
	}
	for _, v := range values {
		l.Push(v)
	}
	if all {
		return len(values)
	}
	return len(values) + 1
}

// take cuts n bytes off.
func (u *unpacker) take(n int) string {
	if n > len(u.in) {
		u.l.RaiseError("Missing bytes in input.")
	}
	s := u.in[:n]
	u.in = u.in[n:]
	return s
}

// uint reads a big-endian number of n bytes.
func (u *unpacker) uint(n int) uint64 {
	var b [8]byte
	copy(b[8-n:], u.take(n))
	return binary.BigEndian.Uint64(b[:])
}

func (u *unpacker) value() lua.LValue {
	switch c := u.take(1)[0]; {
	case c < 0x80:
		return lua.LNumber(c)
	case c < 0x90:
		return u.table(int(c&0xf), true)
	case c < 0xa0:
		return u.table(int(c&0xf), false)
	case c < 0xc0:
		return lua.LString(u.take(int(c & 0x1f)))
	case c >= 0xe0:
		return lua.LNumber(int8(c))
	default:
		return u.tagged(c)
	}
}

func (u *unpacker) tagged(c byte) lua.LValue {
	switch c {
	case 0xc0:
		return lua.LNil
	case 0xc2, 0xc3:
		return lua.LBool(c == 0xc3)
	case 0xca:
		return lua.LNumber(math.Float32frombits(uint32(u.uint(4))))
	case 0xcb:
		return lua.LNumber(math.Float64frombits(u.uint(8)))
	case 0xcc, 0xcd, 0xce, 0xcf:
		return lua.LNumber(int64(u.uint(1 << (c - 0xcc))))
	case 0xd0:
		return lua.LNumber(int8(u.uint(1)))
	case 0xd1:
		return lua.LNumber(int16(u.uint(2)))
	case 0xd2:
		return lua.LNumber(int32(u.uint(4)))
	case 0xd3:
		return lua.LNumber(int64(u.uint(8)))
	case 0xd9, 0xda, 0xdb:
		return lua.LString(u.take(int(u.uint(1 << (c - 0xd9)))))
	case 0xdc, 0xdd:
		return u.table(int(u.uint(2<<(c-0xdc))), false)
	case 0xde, 0xdf:
		return u.table(int(u.uint(2<<(c-0xde))), true)
	}
	u.l.RaiseError("Bad data format in input.")
	return nil
}

func (u *unpacker) table(n int, pairs bool) lua.LValue {
	if u.depth++; u.depth > maxJSONDepth {
		u.l.RaiseError("Bad data format in input.")
	}
	defer func() { u.depth-- }()
	room := min(n, len(u.in)) // the count may lie
	if pairs {
		t := u.l.CreateTable(0, room)
		for range n {
			key := u.value()
			u.l.RawSet(t, key, u.value())
		}
		return t
	}
	t := u.l.CreateTable(room, 0)
	for i := 1; i <= n; i++ {
		t.RawSetInt(i, u.value())
	}
	return t
}
