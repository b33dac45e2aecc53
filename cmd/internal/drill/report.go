package drill

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

const rowFormat = "%4v  %-16v %9v %11v %8v %9v %9v %5v %8v %8v  %v\n"

// PrintHead prints the titles over the rows of PrintRow.
func PrintHead(w io.Writer) {
	fmt.Fprintf(w, rowFormat, "run", "struck", "pause ms", "slowest ms", "whole s", "writes", "reads", "lost", "doubled",
		"unknown", "errors (most of one connection)")
}

// PrintRow prints one run, and what was amiss in it.
func PrintRow(w io.Writer, o *Outcome) {
	fmt.Fprintf(w, rowFormat, o.Run, o.Target, fmt.Sprintf("%.0f", o.Pause), fmt.Sprintf("%.0f", o.Slowest),
		fmt.Sprintf("%.1f", o.Whole/1000), o.Writes, o.Reads, o.Lost, o.Doubled, o.Unknown, errorsOf(o.Errors, o.Worst))
	if o.Clean() {
		return
	}
	fmt.Fprintf(w, "      %d refused but applied, %d out of order, %d stale reads\n", o.RefusedApplied, o.Reordered, o.Stale)
	for _, example := range o.Examples {
		fmt.Fprintf(w, "      %s\n", example)
	}
}

func errorsOf(kinds map[string]int64, worst int64) string {
	if len(kinds) == 0 {
		return "none"
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		all = append(all, fmt.Sprintf("%d %s", kinds[kind], kind))
	}
	return fmt.Sprintf("%s (%d)", strings.Join(all, ", "), worst)
}

// PrintSummary prints what all runs come to.
func PrintSummary(w io.Writer, all []*Outcome) {
	if len(all) == 0 {
		return
	}
	var pauses []float64
	var sum Outcome
	sum.Errors = make(map[string]int64)
	for _, o := range all {
		pauses = append(pauses, o.Pause)
		for kind, n := range o.Errors {
			sum.Errors[kind] += n
		}
		sum.Worst = max(sum.Worst, o.Worst)
		sum.Acknowledged += o.Acknowledged
		sum.Lost += o.Lost
		sum.Doubled += o.Doubled
		sum.Unknown += o.Unknown
		sum.UnknownApplied += o.UnknownApplied
		sum.RefusedApplied += o.RefusedApplied
		sum.Reordered += o.Reordered
		sum.Stale += o.Stale
	}
	slices.Sort(pauses)
	n := len(pauses)
	fmt.Fprintf(w, "\n%d runs: pause %.0f to %.0f ms, median %.0f; errors: %s\n", n, pauses[0], pauses[n-1],
		(pauses[(n-1)/2]+pauses[n/2])/2, errorsOf(sum.Errors, sum.Worst))
	fmt.Fprintf(w, "%d acknowledged unique writes: %d lost, %d doubled; %d unknown, of which %d took effect\n",
		sum.Acknowledged, sum.Lost, sum.Doubled, sum.Unknown, sum.UnknownApplied)
	fmt.Fprintf(w, "%d refused but applied, %d out of order, %d stale reads\n", sum.RefusedApplied, sum.Reordered, sum.Stale)
}
