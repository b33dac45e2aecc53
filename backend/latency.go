package backend

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/conf"
)

// latencyLines are those of INFO latencystats, with the percentiles of
// latency-tracking-info-percentiles in µs.
func (n *Node) latencyLines() (out []string) {
	for i := range n.handlers {
		h := &n.handlers[i]
		if h.times == nil {
			continue
		}
		var values []string
		for _, p := range n.cfg().LatencyPercentiles {
			usec := float64(h.times.ValueAtPercentile(p)) / 1000
			values = append(values, fmt.Sprintf("p%s=%.3f", strconv.FormatFloat(p, 'f', -1, 64), usec))
		}
		out = append(out, "latency_percentiles_usec_"+h.cmd.Full+":"+strings.Join(values, ","))
	}
	return out
}

// latency keeps, for each kind of event, when it took long (latency.c); part of
// the Node, under the engine lock. Kinds are names in this code, so that there
// are few.
type latency map[string]*latencySeries

// latencyKept is how many samples of a kind are kept (latency.h).
const latencyKept = 160

type latencySeries struct {
	samples []latencySample // the newest last
	worst   int64           // ms, ever
}

type latencySample struct {
	at int64 // unix s
	ms int64
}

// add notes an event if it took at least latency-monitor-threshold. Of those of
// one second the worst is kept. now is in unix ms.
func (l latency) add(cfg *conf.NodeConfig, event string, now int64, took time.Duration) {
	if cfg.LatencyMonitorThreshold == 0 || took < cfg.LatencyMonitorThreshold {
		return
	}
	s := l[event]
	if s == nil {
		s = new(latencySeries)
		l[event] = s
	}
	sample := latencySample{now / 1000, took.Milliseconds()}
	s.worst = max(s.worst, sample.ms)
	if n := len(s.samples); n > 0 && s.samples[n-1].at == sample.at {
		s.samples[n-1].ms = max(s.samples[n-1].ms, sample.ms)
		return
	}
	if len(s.samples) == latencyKept {
		s.samples = s.samples[:copy(s.samples, s.samples[1:])]
	}
	s.samples = append(s.samples, sample)
}

// kinds lists what was noted, by name.
func (l latency) kinds() []string {
	var out []string
	for event := range l {
		out = append(out, event)
	}
	slices.Sort(out)
	return out
}

func (s *latencySeries) last() latencySample { return s.samples[len(s.samples)-1] }

// extremes are the best and the worst of the samples that are kept, ms.
func (s *latencySeries) extremes() (low, high int64) {
	byTime := func(a, b latencySample) int { return cmp.Compare(a.ms, b.ms) }
	return slices.MinFunc(s.samples, byTime).ms, slices.MaxFunc(s.samples, byTime).ms
}

// spread is the mean of the samples and their mean distance from it, ms.
func (s *latencySeries) spread() (mean, deviation int64) {
	for _, v := range s.samples {
		mean += v.ms
	}
	mean /= int64(len(s.samples))
	for _, v := range s.samples {
		deviation += max(v.ms-mean, mean-v.ms)
	}
	return mean, deviation / int64(len(s.samples))
}
