package script

import (
	"encoding/binary"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// maxPackDepth is where nested tables become nil, so that a table that holds itself has
// an end (LUACMSGPACK_MAX_NESTING).
const maxPackDepth = 16

func (b *sandbox) openMsgpack() {
	t := b.set("cmsgpack", map[string]lua.LGFunction{
		"pack":   msgPack,
		"unpack": func(l *lua.LState) int { return msgUnpack(l, 0, 0) },
		"unpack_one": func(l *lua.LState) int {
			return msgUnpack(l, 1, l.OptInt(2, 0))
		},
		"unpack_limit": func(l *lua.LState) int {
			return msgUnpack(l, l.CheckInt(2), l.OptInt(3, 0))
		},
	})
	t.RawSetString("_NAME", lua.LString("cmsgpack"))
	t.RawSetString("_VERSION", lua.LString("lua-cmsgpack 0.4.0"))
}

func msgPack(l *lua.LState) int {
	if l.GetTop() == 0 {
		l.ArgError(0, "MessagePack pack needs input.")
	}
	var out []byte
	for i := 1; i <= l.GetTop(); i++ {
		out = appendPacked(out, l.Get(i), 0)
	}
	l.Push(lua.LString(out))
	return 1
}

func appendPacked(out []byte, v lua.LValue, depth int) []byte {
	switch v := v.(type) {
	case lua.LString:
		return append(appendPackedHead(out, len(v)), v...)
	case lua.LBool:
		if v {
			return append(out, 0xc3)
		}
		return append(out, 0xc2)
	case lua.LNumber:
		return appendPackedNumber(out, float64(v))
	case *lua.LTable:
		if depth < maxPackDepth {
			return appendPackedTable(out, v, depth)
		}
	}
	return append(out, 0xc0)
}

func appendPackedHead(out []byte, n int) []byte {
	switch {
	case n < 32:
		return append(out, 0xa0|byte(n))
	case n <= math.MaxUint8:
		return append(out, 0xd9, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(out, 0xda), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(out, 0xdb), uint32(n))
}

func appendPackedNumber(out []byte, v float64) []byte {
	if n := truncate(v); float64(n) == v && v < 1<<63 {
		return appendPackedInt(out, n)
	}
	if f := float32(v); float64(f) == v {
		return binary.BigEndian.AppendUint32(append(out, 0xca), math.Float32bits(f))
	}
	return binary.BigEndian.AppendUint64(append(out, 0xcb), math.Float64bits(v))
}

func appendPackedInt(out []byte, n int64) []byte {
	big := binary.BigEndian
	switch {
	case n >= -32 && n <= math.MaxInt8:
		return append(out, byte(n))
	case n >= 0 && n <= math.MaxUint8:
		return append(out, 0xcc, byte(n))
	case n >= 0 && n <= math.MaxUint16:
		return big.AppendUint16(append(out, 0xcd), uint16(n))
	case n >= 0 && n <= math.MaxUint32:
		return big.AppendUint32(append(out, 0xce), uint32(n))
	case n >= 0:
		return big.AppendUint64(append(out, 0xcf), uint64(n))
	case n >= math.MinInt8:
		return append(out, 0xd0, byte(n))
	case n >= math.MinInt16:
		return big.AppendUint16(append(out, 0xd1), uint16(n))
	case n >= math.MinInt32:
		return big.AppendUint32(append(out, 0xd2), uint32(n))
	}
	return big.AppendUint64(append(out, 0xd3), uint64(n))
}

// appendPackedTable packs a table whose keys are 1 to n as an array, any other as a map.
func appendPackedTable(out []byte, t *lua.LTable, depth int) []byte {
	n, most, list := 0, 0.0, true
	for key, _ := t.Next(lua.LNil); key != lua.LNil; key, _ = t.Next(key) {
		n++
		k, ok := key.(lua.LNumber)
		list = list && ok && k > 0 && float64(k) == math.Floor(float64(k))
		most = max(most, float64(k))
	}
	if list && most == float64(n) {
		out = appendPackedCount(out, n, 0x90, 0xdc)
		for i := 1; i <= n; i++ {
			out = appendPacked(out, at(t, i), depth+1)
		}
		return out
	}
	out = appendPackedCount(out, n, 0x80, 0xde)
	for key, v := t.Next(lua.LNil); key != lua.LNil; key, v = t.Next(key) {
		out = appendPacked(out, key, depth+1)
		out = appendPacked(out, v, depth+1)
	}
	return out
}

// appendPackedCount opens an aggregate: small has the count in its low bits, wide is
// followed by 16 of them, wide+1 by 32.
func appendPackedCount(out []byte, n int, small, wide byte) []byte {
	switch {
	case n < 16:
		return append(out, small|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(out, wide), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(out, wide+1), uint32(n))
}
