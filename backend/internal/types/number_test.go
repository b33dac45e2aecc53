package types

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestParseInt(t *testing.T) {
	for _, s := range []string{"0", "1", "-1", "9223372036854775807", "-9223372036854775808", "10"} {
		want, _ := strconv.ParseInt(s, 10, 64)
		if got, ok := ParseInt([]byte(s)); !ok || got != want || string(AppendInt(nil, got)) != s || intLen(got) != len(s) {
			t.Errorf("ParseInt(%q) = %d, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "-", "+1", "-0", "00", "01", " 1", "1 ", "1a", "9223372036854775808",
		"-9223372036854775809", "18446744073709551616", "99999999999999999999", "999999999999999999999"} {
		if got, ok := ParseInt([]byte(s)); ok {
			t.Errorf("ParseInt(%q) = %d, want an error", s, got)
		}
	}
}

func TestParseFloat(t *testing.T) {
	inf := math.Inf(1)
	for s, want := range map[string]float64{"0": 0, "-0": 0, "1": 1, "+1.5": 1.5, "1.": 1, ".5": .5, "1e3": 1000, "0x10": 16,
		"0x1p3": 8, "-0x.8": -.5, "inf": inf, "-INF": -inf, "+Infinity": inf, "0e5": 0, "0.000e-999": 0, "5e-324": 5e-324} {
		if got, ok := ParseFloat([]byte(s)); !ok || got != want {
			t.Errorf("ParseFloat(%q) = %v, %v, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", " 1", "1 ", "nan", "-nan", "1e400", "-1e400", "1e-400", "1_000", "0x_1", "0x", "abc", "1e", "--1", "\x001"} {
		if got, ok := ParseFloat([]byte(s)); ok {
			t.Errorf("ParseFloat(%q) = %v, want an error", s, got)
		}
	}
	for s, want := range map[string]float64{"": 0, " 1": 1, "\t-inf": -inf, "1e400": inf} {
		if got, ok := ParseFloatRange([]byte(s)); !ok || got != want {
			t.Errorf("ParseFloatRange(%q) = %v, %v, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{" ", "nan", "1x"} {
		if got, ok := ParseFloatRange([]byte(s)); ok {
			t.Errorf("ParseFloatRange(%q) = %v, want an error", s, got)
		}
	}
}

func TestAppendDouble(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want string
	}{
		{0, "0"}, {math.Copysign(0, -1), "-0"}, {1, "1"}, {-1.5, "-1.5"}, {3.14, "3.14"}, {0.1, "0.1"},
		{math.Inf(1), "inf"}, {math.Inf(-1), "-inf"}, {math.NaN(), "nan"}, {1e17, "100000000000000000"},
		{4e18, "4000000000000000000"}, {5e18, "5e+18"}, {1.2345678901234567e19, "12345678901234567000"},
		{1e100, "1e+100"}, {1.5e300, "1.5e+300"}, {1e-5, "0.00001"}, {1e-6, "0.000001"}, {1e-7, "1e-7"}, {1.5e-7, "1.5e-7"},
		{0.00012345, "1.2345e-4"}, {0.0012345, "0.0012345"}, {123456.789, "123456.789"}, {5e-324, "5e-324"}, {1.7976931348623157e308, "1.7976931348623157e+308"},
	} {
		if got := string(AppendDouble(nil, c.v)); got != c.want {
			t.Errorf("AppendDouble(%g) = %s, want %s", c.v, got, c.want)
		}
	}
}

func TestAppendDoubleReadsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	buf := make([]byte, 0, 64)
	for range 100000 {
		v := math.Float64frombits(r.Uint64())
		if math.IsNaN(v) {
			continue
		}
		buf = AppendDouble(buf[:0], v)
		if got, ok := ParseFloat(buf); !ok || got != v || len(buf) > MaxDoubleLen {
			t.Fatalf("%v became %s, which reads as %v, %v", v, buf, got, ok)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendDouble(buf[:0], 3.5e-9)
		ParseFloat(buf)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestLongDouble(t *testing.T) {
	for _, c := range [][3]string{
		{"10.5", "0.1", "10.6"}, {"5.0e3", "2.0e2", "5200"}, {"3.0", "1.000000000000000005", "4.00000000000000001"},
		{"0", "1.23", "1.23"}, {"1", "-1", "0"}, {"-0", "-0", "0"}, {"17179869184", "1.5", "17179869185.5"}, {"0x10", "1", "17"},
		{"1e17", "0.1", "100000000000000000.1015625"},
	} {
		x, ok1 := ParseLongDouble([]byte(c[0]))
		y, ok2 := ParseLongDouble([]byte(c[1]))
		sum, finite := x.Add(y)
		if got := string(sum.Append(nil)); !ok1 || !ok2 || !finite || got != c[2] {
			t.Errorf("%s + %s = %s, want %s", c[0], c[1], got, c[2])
		}
	}
	for _, s := range []string{"", " 1", "nan", "1e5000", "1e999999999999", "1e-5000", "1x", "e5", "1_0", "+-1", "-"} {
		if _, ok := ParseLongDouble([]byte(s)); ok {
			t.Errorf("ParseLongDouble(%q) is accepted", s)
		}
	}
	inf, ok := ParseLongDouble([]byte("-inf"))
	if _, finite := inf.Add(inf); !ok || finite {
		t.Error("-inf must parse, and its sums are not finite")
	}
}
