package types

import (
	"math"
	"strconv"
)

// AppendDouble appends v as Redis 7.2 replies it (d2string): inf, -inf, nan, -0,
// whole numbers up to half of int64's range as integers, anything else as the
// shortest digits that read back as v, in fpconv's layout.
func AppendDouble(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "nan"...)
	case math.IsInf(v, 1):
		return append(dst, "inf"...)
	case math.IsInf(v, -1):
		return append(dst, "-inf"...)
	case v == 0 && math.Signbit(v):
		return append(dst, "-0"...)
	}
	if n, ok := DoubleToInt(v); ok {
		return AppendInt(dst, n)
	}
	return appendShortest(dst, v)
}

// DoubleToInt returns v as an integer if it is whole and within half of int64's
// range (double2ll): inside it the conversion is defined and loses nothing.
func DoubleToInt(v float64) (int64, bool) {
	if v < -math.MaxInt64/2 || v > math.MaxInt64/2 {
		return 0, false
	}
	n := int64(v)
	return n, float64(n) == v
}

// appendShortest lays the shortest digits of a finite non-zero v out as fpconv's
// emit_digits does: where the exponent form begins is visible to clients.
func appendShortest(dst []byte, v float64) []byte {
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], math.Abs(v), 'e', -1, 64)
	var digitBuf [20]byte
	digits := append(digitBuf[:0], text[0])
	i := 1
	if text[i] == '.' {
		for i++; text[i] != 'e'; i++ {
			digits = append(digits, text[i])
		}
	}
	exp, _ := strconv.Atoi(string(text[i+1:])) // digits[0] stands for digits[0] * 10^exp
	if v < 0 {
		dst = append(dst, '-')
	}
	return appendDigits(dst, digits, exp)
}

// appendDigits appends d.ddd * 10^exp. scale is the power of ten of the last digit.
func appendDigits(dst, digits []byte, exp int) []byte {
	n := len(digits)
	scale := exp - (n - 1)
	size := max(exp, -exp)
	switch {
	case scale >= 0 && size < n+7:
		return appendZeros(append(dst, digits...), scale)
	case scale < 0 && (scale > -7 || size < 4):
		point := n + scale
		if point <= 0 {
			dst = appendZeros(append(dst, "0."...), -point)
			return append(dst, digits...)
		}
		dst = append(dst, digits[:point]...)
		dst = append(dst, '.')
		return append(dst, digits[point:]...)
	}
	dst = append(dst, digits[0])
	if n > 1 {
		dst = append(append(dst, '.'), digits[1:]...)
	}
	if exp < 0 {
		return AppendInt(append(dst, "e-"...), int64(-exp))
	}
	return AppendInt(append(dst, "e+"...), int64(exp))
}

func appendZeros(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, '0')
	}
	return dst
}
