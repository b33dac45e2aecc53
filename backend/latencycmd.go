package backend

import (
	"fmt"
	"strings"
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

var latencyRows = []row{
	{"latency|latest", latencyLatest},
	{"latency|history", latencyHistory},
	{"latency|reset", latencyReset},
	{"latency|graph", latencyGraph},
	{"latency|doctor", latencyDoctor},
	{"latency|histogram", latencyHistogram},
}

func latencyLatest(s *session, x *commands.Ctx) {
	l := s.node.latency
	x.Array(len(l))
	for _, event := range l.kinds() {
		last := l[event].last()
		x.Array(4)
		x.BulkString(event)
		x.Int(last.at)
		x.Int(last.ms)
		x.Int(l[event].worst)
	}
}

func latencyHistory(s *session, x *commands.Ctx) {
	series := s.node.latency[string(x.Args[2])]
	if series == nil {
		x.Array(0)
		return
	}
	x.Array(len(series.samples))
	for _, v := range series.samples {
		x.Array(2)
		x.Int(v.at)
		x.Int(v.ms)
	}
}

func latencyReset(s *session, x *commands.Ctx) {
	l, before := s.node.latency, len(s.node.latency)
	if len(x.Args) == 2 {
		clear(l)
	}
	for _, name := range x.Args[2:] {
		for _, event := range l.kinds() {
			if strings.EqualFold(event, string(name)) {
				delete(l, event)
			}
		}
	}
	x.Int(int64(before - len(l)))
}

func latencyGraph(s *session, x *commands.Ctx) {
	event := string(x.Args[2])
	series := s.node.latency[event]
	if series == nil {
		x.Err("ERR No samples available for event '" + event + "'")
		return
	}
	x.Out = appendText(x, series.graph(event, s.node.now/1000))
}

// Size of a graph, characters.
const (
	graphColumns = 80
	graphRows    = 4
)

// graph draws the newest samples as bars, and below each how long ago it was.
func (s *latencySeries) graph(event string, now int64) string {
	low, high := s.extremes()
	var b strings.Builder
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n", event, high, low, s.worst)
	b.WriteString(strings.Repeat("-", graphColumns) + "\n")
	shown := s.samples[max(0, len(s.samples)-graphColumns):]
	for row := graphRows; row >= 1; row-- {
		for _, v := range shown {
			height := 1 + (v.ms-low)*(graphRows-1)/max(high-low, 1)
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
func columns(samples []latencySample, now int64) string {
	var ages []string
	longest := 0
	for _, v := range samples {
		ages = append(ages, age(now-v.at))
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

// latencyAdvice is what to try about each kind of event.
var latencyAdvice = map[string]string{
	"command":        "Look at SLOWLOG GET: commands on large values, or over all keys, hold everybody up. Let slowlog-log-slower-than not lie above latency-monitor-threshold.",
	"fast-command":   "These commands do hardly anything, so the process itself was held up: look for other load on the machine, swapping, or too few cores.",
	"expire-cycle":   "Many keys expire at the same time: spread their times to live, or lower active-expire-effort.",
	"eviction-cycle": "Much has to be evicted at once: leave more room below maxmemory, or lower it in small steps.",
	"eviction-del":   "Large values are evicted: cut them into smaller ones.",
}

func latencyDoctor(s *session, x *commands.Ctx) {
	n := s.node
	if len(n.latency) == 0 && n.cfg().LatencyMonitorThreshold == 0 {
		x.Out = appendText(x, "The latency monitor is off and has nothing to report. CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n")
		return
	}
	if len(n.latency) == 0 {
		x.Out = appendText(x, "No event has taken as long as latency-monitor-threshold.\n")
		return
	}
	var b strings.Builder
	b.WriteString("These events took longer than latency-monitor-threshold:\n\n")
	for i, event := range n.latency.kinds() {
		series := n.latency[event]
		mean, deviation := series.spread()
		period := float64(max(n.now/1000-series.samples[0].at, 1)) / float64(len(series.samples))
		fmt.Fprintf(&b, "%d. %s: %d latency spikes (average %dms, mean deviation %dms, period %.2f sec). Worst all time event %dms.\n",
			i+1, event, len(series.samples), mean, deviation, period, series.worst)
		if advice := latencyAdvice[event]; advice != "" {
			b.WriteString("   " + advice + "\n")
		}
	}
	x.Out = appendText(x, b.String())
}

func latencyHistogram(s *session, x *commands.Ctx) {
	var shown []*handler
	add := func(h *handler) {
		if h.times != nil && h.times.TotalCount() > 0 {
			shown = append(shown, h)
		}
	}
	n := s.node
	if len(x.Args) == 2 {
		for i := range n.handlers {
			add(&n.handlers[i])
		}
	}
	for _, name := range x.Args[2:] {
		c := command.Named(string(name))
		if c == nil {
			continue
		}
		add(&n.handlers[c.ID])
		for _, sub := range c.Subs {
			add(&n.handlers[sub.ID])
		}
	}
	x.Map(len(shown))
	for _, h := range shown {
		h.replyTimes(x)
	}
}

// replyTimes replies how many calls took at most 1, 2, 4, … µs, without the
// steps at which nothing is added (latency.c, fillCommandCDF).
func (h *handler) replyTimes(x *commands.Ctx) {
	x.BulkString(h.cmd.Full)
	x.Map(2)
	x.BulkString("calls")
	x.Int(h.times.TotalCount())
	x.BulkString("histogram_usec")
	const perPower = 128 // a histogram of two digits cuts what lies between two powers of two into so many
	type step struct{ usec, calls int64 }
	var steps []step
	bound, sum, told := int64(1024), int64(0), int64(0) // bound in ns
	tell := func() {
		if sum > told {
			steps, told = append(steps, step{(bound + bound/perPower - 1) / int64(time.Microsecond), sum}), sum
		}
	}
	for _, bar := range h.times.Distribution() {
		for bar.From > bound {
			tell()
			bound *= 2
		}
		sum += bar.Count
	}
	tell()
	x.Map(len(steps))
	for _, s := range steps {
		x.Int(s.usec)
		x.Int(s.calls)
	}
}
