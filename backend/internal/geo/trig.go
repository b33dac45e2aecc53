package geo

import "math"

// Sine, cosine and arcsine of a double, rounded correctly but for one case in
// billions: they are computed in twice the precision and then rounded. The C library
// that Redis uses misses one in 500, and with it the last of 16 digits.

// dd is the unevaluated sum of two doubles, the second at most half a unit in the
// last place of the first: 106 bits. (T. J. Dekker, "A floating-point technique for
// extending the available precision", 1971.)
type dd struct{ hi, lo float64 }

func twoSum(a, b float64) dd {
	s := a + b
	t := s - a
	return dd{s, (a - (s - t)) + (b - t)}
}

func quickSum(a, b float64) dd { // |a| >= |b|
	s := a + b
	return dd{s, b - (s - a)}
}

func twoProd(a, b float64) dd {
	p := a * b
	return dd{p, math.FMA(a, b, -p)}
}

func (x dd) add(y dd) dd {
	s, t := twoSum(x.hi, y.hi), twoSum(x.lo, y.lo)
	s = quickSum(s.hi, s.lo+t.hi)
	return quickSum(s.hi, s.lo+t.lo)
}

func (x dd) mul(y dd) dd {
	p := twoProd(x.hi, y.hi)
	return quickSum(p.hi, p.lo+float64(x.hi*y.lo)+float64(x.lo*y.hi))
}

func (x dd) over(d float64) dd {
	q := x.hi / d
	p := twoProd(q, d)
	return quickSum(q, (x.hi-p.hi-p.lo+x.lo)/d)
}

func (x dd) neg() dd { return dd{-x.hi, -x.lo} }

// inverse[n] is 1/n!, which the series of sine and cosine need up to where terms at a
// quarter of pi vanish.
var inverse = func() (f [28]dd) {
	f[0] = dd{1, 0}
	for n := 1; n < len(f); n++ {
		f[n] = f[n-1].over(float64(n))
	}
	return f
}()

// series sums x^n/n! for every other n from first on, with alternating signs.
func series(x dd, first int) dd {
	square := x.mul(x).neg()
	last := len(inverse) - 2 + first
	sum := inverse[last]
	for n := last - 2; n >= first; n -= 2 {
		sum = sum.mul(square).add(inverse[n])
	}
	if first == 1 {
		sum = sum.mul(x)
	}
	return sum
}

// reduced takes quarter turns off an angle of at most a half turn, which leaves at most
// an eighth. Three doubles hold enough of pi for what is left to be precise even if it
// is tiny.
func reduced(x float64) (rest dd, quarters int) {
	const p1, p2, p3 = math.Pi / 2, 6.123233995736766e-17, -1.4973849048591833e-33
	k := math.Round(x / p1)
	rest = twoSum(x-float64(k*p1), -k*p2)
	rest.lo -= k * p3
	return quickSum(rest.hi, rest.lo), int(k)
}

// sinOf is the sine of x + quarters quarter turns, for |x| up to a half turn.
func sinOf(x float64, quarters int) dd {
	rest, k := reduced(x)
	switch (k + quarters) & 3 {
	case 0:
		return series(rest, 1)
	case 1:
		return series(rest, 0)
	case 2:
		return series(rest, 1).neg()
	}
	return series(rest, 0).neg()
}

// sin is the sine of an angle from -pi to pi.
func sin(x float64) float64 { return sinOf(x, 0).hi }

// cos is the cosine of an angle from -pi to pi.
func cos(x float64) float64 { return sinOf(x, 1).hi }

// asin improves Go's arcsine by one step of Newton's method.
func asin(x float64) float64 {
	y := math.Asin(x)
	slope := math.Cos(y)
	if math.IsNaN(y) || slope == 0 {
		return y
	}
	off := dd{x, 0}.add(sinOf(y, 0).neg())
	return y + off.hi/slope
}
