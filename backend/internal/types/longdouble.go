package types

import (
	"bytes"
	"math/big"
	"strconv"
)

// LongDouble is C's 80-bit long double, in which Redis computes INCRBYFLOAT and
// HINCRBYFLOAT. A plain float64 would show other digits: 3.0 + 1.000000000000000005
// must print as Redis prints it, or a replica that is a Redis disagrees in text.
type LongDouble struct{ f big.Float }

const (
	longDoubleBits     = 64     // of mantissa
	longDoubleMaxExp   = 16384  // values at or past 2^16384 are infinite
	longDoubleMinExp   = -16444 // values below 2^-16445 are zero
	longDoubleMaxText  = 5 * 1024
	longDoubleMaxExp10 = 11000 // no text of at most longDoubleMaxText digits is in range past it
)

// ParseLongDouble reads s as Redis's string2ld does: what C's strtold takes whole,
// shorter than 5120 bytes, no blanks, no NaN, in range.
func ParseLongDouble(s []byte) (x LongDouble, ok bool) {
	if len(s) == 0 || len(s) >= longDoubleMaxText {
		return x, false
	}
	body, hex := floatBody(s)
	if body == nil {
		return x, false
	}
	negative := s[0] == '-'
	x.f.SetPrec(longDoubleBits)
	if bytes.EqualFold(body, []byte("inf")) || bytes.EqualFold(body, []byte("infinity")) {
		x.f.SetInf(negative)
		return x, true
	}
	if !x.parseBody(body, hex) {
		return x, false
	}
	if negative {
		x.f.Neg(&x.f)
	}
	return x, x.inRange(isZero(body, hex))
}

// parseBody reads an unsigned number. Exponents are bounded first, because big.Float
// would compute 10^999999999 in full.
func (x *LongDouble) parseBody(body []byte, hex bool) bool {
	base, mark := 10, byte('e')
	if hex {
		base, mark = 16, 'p'
	}
	if c := body[0]; c == '+' || c == '-' || !hex && hasExponent(body) {
		return false // big.Float takes a binary exponent in decimal numbers too
	}
	for i, c := range body {
		if c|0x20 != mark {
			continue
		}
		exp, err := strconv.Atoi(string(body[i+1:]))
		if err != nil && !isRangeError(err) {
			return false
		}
		if err != nil || exp > 2*longDoubleMaxExp10 || exp < -2*longDoubleMaxExp10 {
			return isZero(body, hex)
		}
		break
	}
	_, _, err := x.f.Parse(string(body), base)
	return err == nil
}

func isRangeError(err error) bool {
	numErr, ok := err.(*strconv.NumError)
	return ok && numErr.Err == strconv.ErrRange
}

func (x *LongDouble) inRange(zero bool) bool {
	if x.f.IsInf() {
		return false
	}
	if x.f.Sign() == 0 {
		return zero
	}
	exp := x.f.MantExp(nil)
	return exp <= longDoubleMaxExp && exp >= longDoubleMinExp
}

// Finite reports whether x is not an infinity.
func (x LongDouble) Finite() bool { return !x.f.IsInf() }

// Add returns x + y rounded to a long double, and whether the sum is finite.
func (x LongDouble) Add(y LongDouble) (sum LongDouble, finite bool) {
	if x.f.IsInf() || y.f.IsInf() {
		return sum, false
	}
	sum.f.SetPrec(longDoubleBits).Add(&x.f, &y.f)
	return sum, sum.f.MantExp(nil) <= longDoubleMaxExp
}

// Append appends x as Redis does for people (ld2string's human mode): fixed point,
// 17 digits after it, without the zeros at the end, never "-0".
func (x LongDouble) Append(dst []byte) []byte {
	start := len(dst)
	dst = x.f.Append(dst, 'f', 17)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	if string(dst[start:]) == "-0" {
		return append(dst[:start], '0')
	}
	return dst
}
