package script

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// appendG appends v as C's printf does with %.<digits>g.
func appendG(dst []byte, v float64, digits int) []byte {
	switch {
	case math.IsNaN(v) && math.Signbit(v):
		return append(dst, "-nan"...)
	case math.IsNaN(v):
		return append(dst, "nan"...)
	case math.IsInf(v, 1):
		return append(dst, "inf"...)
	case math.IsInf(v, -1):
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, v, 'g', max(digits, 1), 64)
}

// truncate converts to an integer as the C cast in Redis does on x86: what does
// not fit becomes the smallest integer.
func truncate(v float64) int64 {
	if v >= -(1<<63) && v < 1<<63 {
		return int64(v)
	}
	return math.MinInt64
}

// toNumber is tonumber: what C's strtod takes, blanks around it allowed, or an
// integer in a base from 2 to 36.
func toNumber(l *lua.LState) int {
	base := l.OptInt(2, 10)
	v := l.CheckAny(1)
	if base < 2 || base > 36 {
		l.ArgError(2, "base out of range")
	}
	if base != 10 {
		l.Push(parseBase(l.CheckString(1), base))
		return 1
	}
	switch v := v.(type) {
	case lua.LNumber:
		l.Push(v)
	case lua.LString:
		l.Push(parseDecimal(string(v)))
	default:
		l.Push(lua.LNil)
	}
	return 1
}

// numberOf is lua_tonumber: a number, or a text of one.
func numberOf(v lua.LValue) (lua.LNumber, bool) {
	if s, ok := v.(lua.LString); ok {
		v = parseDecimal(string(s))
	}
	n, ok := v.(lua.LNumber)
	return n, ok
}

func parseDecimal(s string) lua.LValue {
	s = strings.Trim(s, " \t\n\v\f\r")
	if strings.Contains(s, "_") {
		return lua.LNil
	}
	sign, digits := 1.0, s
	if strings.HasPrefix(s, "-") {
		sign, digits = -1, s[1:]
	}
	if len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' {
		if n, err := strconv.ParseUint(digits[2:], 16, 64); err == nil {
			return lua.LNumber(sign * float64(n))
		}
		if !strings.ContainsAny(digits, "pP") {
			s += "p0"
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(v, 0) && v != 0 {
		return lua.LNil
	}
	if err != nil && !isRange(err) {
		return lua.LNil
	}
	return lua.LNumber(v)
}

func isRange(err error) bool {
	e, ok := err.(*strconv.NumError)
	return ok && e.Err == strconv.ErrRange
}

func parseBase(s string, base int) lua.LValue {
	s = strings.ToLower(strings.Trim(s, " \t\n\v\f\r"))
	if base == 16 {
		s = strings.TrimPrefix(s, "0x")
	}
	digits, negative := strings.CutPrefix(s, "-")
	n, err := strconv.ParseUint(digits, base, 64)
	switch {
	case err != nil && !isRange(err):
		return lua.LNil
	case negative && err == nil:
		n = -n // as C's strtoul has it
	}
	return lua.LNumber(n)
}

// toString is tostring with Lua's %.14g.
func toString(l *lua.LState) int {
	switch v := l.CheckAny(1).(type) {
	case lua.LNumber:
		l.Push(lua.LString(appendG(nil, float64(v), 14)))
	case *lua.LUserData:
		if v.Value == jsonNull {
			l.Push(lua.LString("userdata: (nil)"))
			return 1
		}
		l.Push(l.ToStringMeta(v))
	default:
		l.Push(l.ToStringMeta(v))
	}
	return 1
}
