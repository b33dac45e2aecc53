package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// report gathers the samples of all rounds.
type report struct {
	systems []system
	samples map[string][]sample // by system's name
}

func newReport(systems []system) *report {
	return &report{systems: systems, samples: make(map[string][]sample)}
}

func (r *report) add(s system, samples []sample) {
	r.samples[s.name] = append(r.samples[s.name], samples...)
}

// printThroughput prints a table per depth.
func (r *report) printThroughput(w io.Writer, o *options) {
	fmt.Fprintf(w, "%s\n%d connections, %d-byte values, half SET half GET, client %s, medians of %d rounds\n",
		machine(), o.conns, o.size, o.client, o.rounds)
	for _, depth := range o.depths {
		fmt.Fprintf(w, "\ndepth %d, %d requests a round\n", depth, o.requestsAt(depth))
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "system\trequests/s\tratio\tlowest\thighest\tCPU µs/request\tratio\t")
		for _, s := range r.systems {
			rates := r.figures(s.name, depth, func(s sample) float64 { return s.rate })
			cpus := r.figures(s.name, depth, microseconds)
			fmt.Fprintf(t, "%s\t%.0f\t%s\t%.0f\t%.0f\t%.2f\t%s\t\n", s.title,
				median(rates), r.ratio(rates, depth, func(s sample) float64 { return s.rate }),
				slices.Min(rates), slices.Max(rates),
				median(cpus), r.ratio(cpus, depth, microseconds))
		}
		t.Flush()
	}
}

func microseconds(s sample) float64 { return float64(s.cpu) / float64(time.Microsecond) }

func (o *options) requestsAt(depth int) int {
	if depth > 1 {
		return o.deep
	}
	return o.requests
}

// printLatencies prints the percentiles at the fixed rate. A request's latency
// counts from when it was due.
func (r *report) printLatencies(w io.Writer, o *options) {
	fmt.Fprintf(w, "%s\n%.0f requests/s offered on %d connections for %v, %d-byte values, half SET half GET, medians of %d rounds\n\n",
		machine(), o.rate, o.conns, o.duration, o.size, o.rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "system\tserved/s\tp50 ms\tp90 ms\tp99 ms\tp99.9 ms\tmax ms\tCPU µs/request\t")
	for _, s := range r.systems {
		fmt.Fprintf(t, "%s\t%.0f\t", s.title, median(r.figures(s.name, 1, func(s sample) float64 { return s.rate })))
		for _, p := range []float64{50, 90, 99, 99.9, 100} {
			ms := r.figures(s.name, 1, func(s sample) float64 {
				return float64(s.load.Percentile(p)) / float64(time.Millisecond)
			})
			fmt.Fprintf(t, "%.2f\t", median(ms))
		}
		fmt.Fprintf(t, "%.2f\t\n", median(r.figures(s.name, 1, microseconds)))
	}
	t.Flush()
}

// figures are one figure of a system's samples at a depth, over the rounds.
func (r *report) figures(name string, depth int, figure func(sample) float64) []float64 {
	var all []float64
	for _, s := range r.samples[name] {
		if s.depth == depth {
			all = append(all, figure(s))
		}
	}
	return all
}

// ratio is the median of figures to the median of the baseline's.
func (r *report) ratio(figures []float64, depth int, figure func(sample) float64) string {
	base := r.figures(baseline, depth, figure)
	if len(base) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", median(figures)/median(base))
}

func median(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
