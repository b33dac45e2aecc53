package latency

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Times counts how long calls took, to two digits. The zero value has counted
// none and occupies a pointer.
type Times struct {
	counts *hdr.Histogram // ns; nil before the first
}

// Bounds of what is told apart, ns, and its significant digits (server.h,
// LATENCY_HISTOGRAM_*).
const (
	shortest = 1
	longest  = int64(time.Second)
	digits   = 2
)

// Add counts a call; what took more than a second counts as one.
func (t *Times) Add(took time.Duration) {
	if t.counts == nil {
		t.counts = hdr.New(shortest, longest, digits)
	}
	_ = t.counts.RecordValue(min(max(int64(took), shortest), longest)) // fails outside its bounds only
}

// Len is how many were counted.
func (t *Times) Len() int64 {
	if t.counts == nil {
		return 0
	}
	return t.counts.TotalCount()
}

// Percentiles prints, as INFO does, within how many µs so many percent of the
// calls came to their end: p50=0.512,p99.9=12.031. Before the first they are 0.
func (t *Times) Percentiles(of ...float64) string {
	var out []string
	for _, p := range of {
		usec := 0.
		if t.counts != nil {
			usec = float64(t.counts.ValueAtPercentile(p)) / 1000
		}
		out = append(out, fmt.Sprintf("p%s=%.3f", strconv.FormatFloat(p, 'f', -1, 64), usec))
	}
	return strings.Join(out, ",")
}

// Step is how many calls took at most so many µs.
type Step struct{ Usec, Calls int64 }

// Steps counts at 1, 2, 4, … µs, and leaves out where nothing is added (latency.c,
// fillCommandCDF).
func (t *Times) Steps() (steps []Step) {
	if t.counts == nil {
		return nil
	}
	const perPower = 128                                // a histogram of two digits cuts what lies between two powers of two into so many
	bound, sum, told := int64(1024), int64(0), int64(0) // bound in ns
	tell := func() {
		if sum > told {
			steps, told = append(steps, Step{(bound + bound/perPower - 1) / int64(time.Microsecond), sum}), sum
		}
	}
	for _, bar := range t.counts.Distribution() {
		for bar.From > bound {
			tell()
			bound *= 2
		}
		sum += bar.Count
	}
	tell()
	return steps
}
