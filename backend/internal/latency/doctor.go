package latency

import (
	"fmt"
	"strings"
)

// advice is what to try about each kind of event.
var advice = map[string]string{
	"command":        "Look at SLOWLOG GET: commands on large values, or over all keys, hold everybody up. Let slowlog-log-slower-than not lie above latency-monitor-threshold.",
	"fast-command":   "These commands do hardly anything, so the process itself was held up: look for other load on the machine, swapping, or too few cores.",
	"expire-cycle":   "Many keys expire at the same time: spread their times to live, or lower active-expire-effort.",
	"eviction-cycle": "Much has to be evicted at once: leave more room below maxmemory, or lower it in small steps.",
	"eviction-del":   "Large values are evicted: cut them into smaller ones.",
}

// Doctor says in words what was noted up to a moment (unix s), with advice; empty
// when that is nothing.
func (m *Monitor) Doctor(now int64) string {
	if len(m.events) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("These events took longer than latency-monitor-threshold:\n\n")
	for i, event := range m.Events() {
		s := m.events[event]
		mean, deviation := s.spread()
		period := float64(max(now-s.Samples[0].At, 1)) / float64(len(s.Samples))
		fmt.Fprintf(&b, "%d. %s: %d latency spikes (average %dms, mean deviation %dms, period %.2f sec). Worst all time event %dms.\n",
			i+1, event, len(s.Samples), mean, deviation, period, s.Worst)
		if text := advice[event]; text != "" {
			b.WriteString("   " + text + "\n")
		}
	}
	return b.String()
}
