package script

import (
	"math"
	"strconv"
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
