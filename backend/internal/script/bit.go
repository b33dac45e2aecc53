package script

import (
	"math"
	"math/bits"

	lua "github.com/yuin/gopher-lua"
)

// openBit adds the operations on 32-bit integers of LuaJIT's bit library.
func (b *sandbox) openBit() {
	b.set("bit", map[string]lua.LGFunction{
		"tobit":   func(l *lua.LState) int { return pushBits(l, bitArg(l, 1)) },
		"bnot":    func(l *lua.LState) int { return pushBits(l, ^bitArg(l, 1)) },
		"bswap":   func(l *lua.LState) int { return pushBits(l, bits.ReverseBytes32(bitArg(l, 1))) },
		"tohex":   bitHex,
		"band":    fold(func(a, b uint32) uint32 { return a & b }),
		"bor":     fold(func(a, b uint32) uint32 { return a | b }),
		"bxor":    fold(func(a, b uint32) uint32 { return a ^ b }),
		"lshift":  shift(func(v uint32, n int) uint32 { return v << n }),
		"rshift":  shift(func(v uint32, n int) uint32 { return v >> n }),
		"arshift": shift(func(v uint32, n int) uint32 { return uint32(int32(v) >> n) }),
		"rol":     shift(func(v uint32, n int) uint32 { return bits.RotateLeft32(v, n) }),
		"ror":     shift(func(v uint32, n int) uint32 { return bits.RotateLeft32(v, -n) }),
	})
}

// bitArg normalizes a number to 32 bits: rounded to the nearest integer, then
// modulo 2^32.
func bitArg(l *lua.LState, n int) uint32 {
	if n > l.GetTop() {
		l.ArgError(n, "number expected, got no value")
	}
	v := math.RoundToEven(math.Mod(float64(l.CheckNumber(n)), 1<<32))
	return uint32(int64(v))
}

// pushBits returns the result as a signed number, as the library does.
func pushBits(l *lua.LState, v uint32) int {
	l.Push(lua.LNumber(int32(v)))
	return 1
}

func fold(f func(a, b uint32) uint32) lua.LGFunction {
	return func(l *lua.LState) int {
		v := bitArg(l, 1)
		for i := 2; i <= l.GetTop(); i++ {
			v = f(v, bitArg(l, i))
		}
		return pushBits(l, v)
	}
}

func shift(f func(v uint32, n int) uint32) lua.LGFunction {
	return func(l *lua.LState) int { return pushBits(l, f(bitArg(l, 1), int(bitArg(l, 2)&31))) }
}

// bitHex is tohex: the last n digits, in capitals when n is negative.
func bitHex(l *lua.LState) int {
	v, n := bitArg(l, 1), 8
	if l.GetTop() >= 2 {
		n = int(int32(bitArg(l, 2)))
	}
	digits := "0123456789abcdef"
	if n < 0 {
		n, digits = -n, "0123456789ABCDEF"
	}
	n = min(max(n, 0), 8)
	out := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		out[i] = digits[v&15]
		v >>= 4
	}
	l.Push(lua.LString(out))
	return 1
}
