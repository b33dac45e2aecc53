package latency

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// A long slow log that is full takes what comes without being copied each time.
func TestFullLogIsNotCopied(t *testing.T) {
	const most, more = 10_000, 1000
	var l Log
	add := func() { l.Add(most, Entry{Took: time.Second, Args: []string{"get", "k"}}) }
	for range most {
		add()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range more {
		add()
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / more; per > 10<<10 {
		t.Errorf("%d bytes an entry", per)
	}
	if newest, oldest := l.Newest(0).ID, l.Newest(most-1).ID; l.Len() != most || oldest != more || newest != most+more-1 {
		t.Errorf("%d entries from %d to %d", l.Len(), oldest, newest)
	}
}

func TestClip(t *testing.T) {
	words := make([][]byte, 40)
	for i := range words {
		words[i] = fmt.Appendf(nil, "w%d", i)
	}
	words[1] = []byte(strings.Repeat("x", 130))
	word := func(i int) []byte { return words[i] }
	got := Clip(len(words), word)
	if len(got) != 32 || got[0] != "w0" || got[1] != strings.Repeat("x", 128)+"... (2 more bytes)" || got[31] != "... (9 more arguments)" {
		t.Errorf("%d words: %q", len(got), got)
	}
	if got := Clip(32, word); len(got) != 32 || got[31] != "w31" {
		t.Errorf("as many as are kept: %q", got)
	}
}

func TestMonitorKeepsTheWorstOfASecond(t *testing.T) {
	var m Monitor
	for i, ms := range []int64{5, 9, 7} {
		m.Add("command", 1_000_000+int64(i), time.Duration(ms)*time.Millisecond)
	}
	if s := m.Series("command"); len(s.Samples) != 1 || s.Last() != (Sample{1000, 9}) || s.Worst != 9 {
		t.Errorf("three within a second: %+v", s)
	}
	for i := range int64(samplesKept) {
		m.Add("command", (1001+i)*1000, time.Millisecond)
	}
	s := m.Series("command")
	if len(s.Samples) != samplesKept || s.Samples[0].At != 1001 || s.Worst != 9 {
		t.Errorf("%d samples from %d on, worst %d", len(s.Samples), s.Samples[0].At, s.Worst)
	}
	m.Add("expire-cycle", 0, time.Millisecond)
	if m.Forget("nosuch") || !m.Forget("Expire-Cycle") || !slices.Equal(m.Events(), []string{"command"}) {
		t.Errorf("after one kind was forgotten: %q", m.Events())
	}
}

func TestGraph(t *testing.T) {
	var m Monitor
	m.Add("e", 100_000, 10*time.Millisecond)
	m.Add("e", 3_000_000, 40*time.Millisecond)
	want := "e - high 40 ms, low 10 ms (all time high 40 ms)\n" + strings.Repeat("-", 80) + "\n" +
		" #\n |\n |\n#|\n\n" + // bars of 1 and of 4
		"45\n98\nms\n" // 49m and 58s
	if got := m.Series("e").Graph("e", 3058); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDoctor(t *testing.T) {
	var m Monitor
	if got := m.Doctor(0); got != "" {
		t.Errorf("of nothing: %q", got)
	}
	m.Add("command", 10_000, 20*time.Millisecond)
	m.Add("command", 12_000, 40*time.Millisecond)
	want := "1. command: 2 latency spikes (average 30ms, mean deviation 10ms, period 2.00 sec). Worst all time event 40ms.\n   Look at SLOWLOG GET"
	if got := m.Doctor(14); !strings.Contains(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestTimes(t *testing.T) {
	var none, times Times
	if none.Len() != 0 || none.Steps() != nil || none.Percentiles(50) != "p50=0.000" {
		t.Errorf("of nothing: %d, %v, %s", none.Len(), none.Steps(), none.Percentiles(50))
	}
	for _, took := range []time.Duration{0, 900, 3 * time.Microsecond, 3 * time.Microsecond, 5 * time.Second} {
		times.Add(took)
	}
	steps := times.Steps()
	if times.Len() != 5 || len(steps) != 3 || steps[0] != (Step{1, 2}) || steps[1] != (Step{4, 4}) || steps[2].Calls != 5 || steps[2].Usec < 1e6 {
		t.Errorf("%d calls: %v", times.Len(), steps)
	}
	if got := times.Percentiles(50, 99.9); !strings.HasPrefix(got, "p50=3.0") || !strings.Contains(got, ",p99.9=10") {
		t.Errorf("percentiles: %s", got)
	}
}
