package geo

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		p    Point
		bits uint64
		text string
	}{
		{Point{13.361389, 38.115556}, 3479099956230698, "sqc8b49rny0"},
		{Point{15.087269, 37.502669}, 3479447370796909, "sqdtr74hyu0"},
		{Point{-180, MinLat}, 0, "00bh0hbj200"},
		{Point{0, 0}, 0b11 << 50, "s0000000000"},
	} {
		if got := Encode(c.p); got != c.bits {
			t.Errorf("%v has the hash %d, want %d", c.p, got, c.bits)
		}
		if got := Text(Decode(float64(c.bits))); got != c.text {
			t.Errorf("%v is written %s, want %s", c.p, got, c.text)
		}
	}
}

var random = rand.New(rand.NewPCG(1, 1))

func randomPoint() Point {
	return Point{MinLon + random.Float64()*(MaxLon-MinLon), MinLat + random.Float64()*(MaxLat-MinLat)}
}

func TestDecodeIsNear(t *testing.T) {
	for range 10000 {
		p := randomPoint()
		if d := Distance(p, Decode(float64(Encode(p)))); d > 0.6 {
			t.Fatalf("%v is off by %v m", p, d)
		}
	}
	for _, score := range []float64{-1, 1e300, -1e300, math.Inf(1), math.Inf(-1), 1 << 60, 1.5} {
		if p := Decode(score); !p.Valid() {
			t.Errorf("%v decodes to %v", score, p)
		}
	}
}

// What lies in a shape lies in its cells too. A circle that reaches over a pole, or the
// edge of the map, is cut off there, as in Redis.
func TestCellsCoverShape(t *testing.T) {
	for range 20000 {
		s := Shape{Center: randomPoint(), Unit: 1, Radius: math.Pow(10, 1+random.Float64()*4.5), Box: random.IntN(2) == 0}
		s.Width, s.Height = 2*s.Radius*random.Float64(), 2*s.Radius*random.Float64()
		s.Center.Lat *= 0.7
		s.Center.Lon *= 0.7
		p := Point{s.Center.Lon + (random.Float64()-0.5)*s.Radius/3e4, s.Center.Lat + (random.Float64()-0.5)*s.Radius/5e4}
		if !p.Valid() {
			continue
		}
		score := float64(Encode(p))
		if _, in := s.Contains(Decode(score)); !in {
			continue
		}
		found := 0
		for _, r := range s.Cells() {
			if score >= r.Min && score < r.Max {
				found++
			}
		}
		if found != 1 {
			t.Fatalf("%v in %+v is in %d of the cells", p, s, found)
		}
	}
}

// precise is the sine of x by its series in 300 bits.
func precise(x float64) float64 {
	const bits = 300
	v := new(big.Float).SetPrec(bits).SetFloat64(x)
	square := new(big.Float).SetPrec(bits).Mul(v, v)
	sum, term := new(big.Float).SetPrec(bits).Set(v), new(big.Float).SetPrec(bits).Set(v)
	for n := int64(3); n < 90; n += 2 {
		term.Mul(term, square)
		term.Quo(term, new(big.Float).SetInt64(-n*(n-1)))
		sum.Add(sum, term)
	}
	f, _ := sum.Float64()
	return f
}

func TestTrigonometryIsRoundedCorrectly(t *testing.T) {
	for _, x := range []float64{math.Pi, -math.Pi, math.Pi / 2, 1e-9, 3e-200, math.Nextafter(math.Pi, 0), math.Pi / 4, 2.5} {
		if got := sin(x); got != precise(x) {
			t.Errorf("sin(%v) is %v, want %v", x, got, precise(x))
		}
	}
	times := 5000
	if testing.Short() {
		times /= 10
	}
	for range times {
		x := (random.Float64()*2 - 1) * math.Pi
		if got := sin(x); got != precise(x) {
			t.Fatalf("sin(%v) is %v, want %v", x, got, precise(x))
		}
		// cos(2a) is 1 - 2 sin(a)^2, which is precise enough to tell a wrong quarter.
		half := precise(x / 2)
		if got, want := cos(x), 1-2*half*half; math.Abs(got-want) > 1e-15 {
			t.Fatalf("cos(%v) is %v, want %v", x, got, want)
		}
		y := random.Float64()*2 - 1
		a := asin(y)
		below, above := precise(math.Nextafter(a, -2)), precise(math.Nextafter(a, 2))
		if math.Abs(precise(a)-y) > math.Abs(below-y) || math.Abs(precise(a)-y) > math.Abs(above-y) {
			t.Fatalf("asin(%v) is not %v", y, a)
		}
	}
	if asin(1) != math.Pi/2 || asin(0) != 0 || !math.IsNaN(asin(1.5)) {
		t.Error("asin of 1, 0 or 1.5")
	}
}

func BenchmarkContains(b *testing.B) {
	s := Shape{Center: Point{13, 38}, Radius: 200, Unit: 1000}
	for i := range b.N {
		s.Contains(Point{13 + float64(i%300)/100, 38})
	}
}
