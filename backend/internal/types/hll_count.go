package types

import "math"

// Count estimates the number of different elements that were added.
func (h HLL) Count() (uint64, error) {
	var histogram [64]int
	if h.Sparse() {
		err := h.eachRun(func(_, n int, value byte) { histogram[value] += n })
		return estimate(&histogram), err
	}
	h.eachGroup(func(_ int, a, b, c, d byte) {
		histogram[a]++
		histogram[b]++
		histogram[c]++
		histogram[d]++
	})
	return estimate(&histogram), nil
}

// CountRegisters estimates like Count, for registers that were merged.
func CountRegisters(r *[HLLRegisters]byte) uint64 {
	var histogram [64]int
	for _, v := range r {
		histogram[v&hllRegisterMax]++
	}
	return estimate(&histogram)
}

// estimate turns how many registers have each value into a cardinality, by the
// improved raw estimator of Otmar Ertl, "New cardinality estimation algorithms
// for HyperLogLog sketches" (arXiv:1702.01284). Its steps, and their order, are
// Redis's: the cardinality is part of the stored bytes. The conversions keep
// compilers from fusing a multiplication with an addition, which rounds once
// instead of twice.
func estimate(histogram *[64]int) uint64 {
	const m = float64(HLLRegisters)
	const alpha = 0.721347520444481703680 // 0.5 / ln 2
	z := m * tau((m-float64(histogram[hllHashBits+1]))/m)
	for j := hllHashBits; j >= 1; j-- {
		z += float64(histogram[j])
		z *= 0.5
	}
	z += float64(m * sigma(float64(histogram[0])/m))
	return uint64(math.Round(alpha * m * m / z))
}

// sigma corrects for registers that are still 0 (Ertl, section 3).
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		before := z
		x *= x
		z += float64(x * y)
		y += y
		if z == before {
			return z
		}
	}
}

// tau corrects for registers that can rise no further (Ertl, section 3).
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		before := z
		x = math.Sqrt(x)
		y *= 0.5
		z -= float64((1 - x) * (1 - x) * y)
		if z == before {
			return z / 3
		}
	}
}
