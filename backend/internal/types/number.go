package types

import (
	"math"
	"strconv"
	"unsafe"
)

// MaxIntLen is the longest decimal form of an int64, sign included.
const MaxIntLen = 20

// MaxDoubleLen is the longest text AppendDouble appends.
const MaxDoubleLen = 26

// ParseInt reads a string as Redis's string2ll does: an optional '-', no '+', no
// blanks, no leading zeros, in range of int64. The strictness is the point: a
// string that passes is reproduced byte for byte by AppendInt, so an encoding may
// keep the integer in place of the string.
func ParseInt(s []byte) (int64, bool) {
	if len(s) == 0 || len(s) > MaxIntLen {
		return 0, false
	}
	if len(s) == 1 && s[0] == '0' {
		return 0, true
	}
	digits, negative := s, false
	if s[0] == '-' {
		digits, negative = s[1:], true
	}
	if len(digits) == 0 || digits[0] < '1' || digits[0] > '9' {
		return 0, false
	}
	magnitude, ok := parseDigits(digits)
	switch {
	case !ok:
		return 0, false
	case negative && magnitude <= 1<<63:
		return -int64(magnitude), true
	case !negative && magnitude < 1<<63:
		return int64(magnitude), true
	}
	return 0, false
}

// parseDigits reads at most 20 decimal digits, false on another byte or past 2^64.
func parseDigits(digits []byte) (uint64, bool) {
	var v uint64
	for _, c := range digits {
		d := uint64(c - '0')
		if d > 9 || v > math.MaxUint64/10 {
			return 0, false
		}
		next := v*10 + d
		if next < v*10 {
			return 0, false
		}
		v = next
	}
	return v, true
}

// AppendInt appends the decimal form of n.
func AppendInt(dst []byte, n int64) []byte {
	return strconv.AppendInt(dst, n, 10)
}

// ParseFloat reads a double as Redis's string2d does: what C's strtod takes whole,
// hexadecimal and inf included, but no blanks, no NaN, nothing that overflows, and
// nothing but zero that rounds to zero.
func ParseFloat(s []byte) (float64, bool) {
	v, status := strtod(s)
	return v, status == floatExact
}

// ParseFloatRange reads a bound of a score range. Redis calls strtod directly
// there, which differs from ParseFloat in three ways: blanks may lead, the empty
// string is 0, and an overflow is an infinity rather than an error.
func ParseFloatRange(s []byte) (float64, bool) {
	if len(s) == 0 {
		return 0, true
	}
	for len(s) > 0 && (s[0] == ' ' || s[0] >= '\t' && s[0] <= '\r') {
		s = s[1:]
	}
	v, status := strtod(s)
	return v, status != floatInvalid
}

type floatStatus uint8

const (
	floatInvalid    floatStatus = iota
	floatExact                  // in range
	floatOutOfRange             // overflowed to an infinity or underflowed to zero
)

// strtod is C's strtod over the whole of s, NaN and blanks refused.
func strtod(s []byte) (float64, floatStatus) {
	if n, ok := ParseInt(s); ok {
		return float64(n), floatExact
	}
	body, hex := floatBody(s)
	if body == nil {
		return 0, floatInvalid
	}
	text := unsafe.String(&s[0], len(s)) // not kept by ParseFloat except in its error, dropped here
	if hex && !hasExponent(body) {
		text = string(s) + "p0" // C does not ask for the exponent, Go does
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		if numErr, ok := err.(*strconv.NumError); !ok || numErr.Err != strconv.ErrRange {
			return 0, floatInvalid
		}
		return v, floatOutOfRange
	}
	if math.IsNaN(v) {
		return 0, floatInvalid
	}
	if v == 0 && !isZero(body, hex) {
		return v, floatOutOfRange
	}
	return v, floatExact
}

// floatBody returns s without its sign and hexadecimal prefix, or nil if it holds
// a byte that Go's syntax takes and C's does not (the underscore).
func floatBody(s []byte) (body []byte, hex bool) {
	body = s
	if len(body) > 0 && (body[0] == '-' || body[0] == '+') {
		body = body[1:]
	}
	if len(body) > 2 && body[0] == '0' && body[1]|0x20 == 'x' {
		body, hex = body[2:], true
	}
	if len(body) == 0 {
		return nil, false
	}
	for _, c := range body {
		if c == '_' {
			return nil, false
		}
	}
	return body, hex
}

func hasExponent(body []byte) bool {
	for _, c := range body {
		if c|0x20 == 'p' {
			return true
		}
	}
	return false
}

// isZero tells a zero written as such from a number that underflowed.
func isZero(body []byte, hex bool) bool {
	for _, c := range body {
		if c|0x20 == 'p' || !hex && c|0x20 == 'e' {
			return true
		}
		if c != '0' && c != '.' {
			return false
		}
	}
	return true
}
