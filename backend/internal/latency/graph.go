package latency

import (
	"fmt"
	"strings"
)

// Size of a graph, characters.
const (
	graphColumns = 80
	graphRows    = 4
)

// Graph draws the newest samples as bars, and below each how long before now (unix
// s) it was.
func (s *Series) Graph(event string, now int64) string {
	low, high := s.extremes()
	var b strings.Builder
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n", event, high, low, s.Worst)
	b.WriteString(strings.Repeat("-", graphColumns) + "\n")
	shown := s.Samples[max(0, len(s.Samples)-graphColumns):]
	for row := graphRows; row >= 1; row-- {
		for _, v := range shown {
			height := 1 + (v.Ms-low)*(graphRows-1)/max(high-low, 1)
			b.WriteByte(" #|"[sign(height-int64(row))])
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(columns(shown, now))
	return b.String()
}

// sign is 0 below, 1 at and 2 above zero.
func sign(v int64) int {
	switch {
	case v < 0:
		return 0
	case v == 0:
		return 1
	}
	return 2
}

// columns writes the ages of samples downwards.
func columns(samples []Sample, now int64) string {
	var ages []string
	longest := 0
	for _, v := range samples {
		ages = append(ages, age(now-v.At))
		longest = max(longest, len(ages[len(ages)-1]))
	}
	var b strings.Builder
	for i := range longest {
		for _, a := range ages {
			if i < len(a) {
				b.WriteByte(a[i])
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// age is a time in its largest unit.
func age(seconds int64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm", seconds/60)
	case seconds < 24*3600:
		return fmt.Sprintf("%dh", seconds/3600)
	}
	return fmt.Sprintf("%dd", seconds/(24*3600))
}
