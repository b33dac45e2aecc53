package latency

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Monitor keeps, for each kind of event, when it took long (latency.c). Kinds are
// names in its owner's code, so that there are few. The zero value has seen nothing.
type Monitor struct {
	events map[string]*Series
}

// samplesKept is how many samples of a kind are kept (latency.h).
const samplesKept = 160

// Series is what is known of one kind of event; it has a sample at least.
type Series struct {
	Samples []Sample // the newest last, at most one a second
	Worst   int64    // ms, ever
}

// Sample is the worst event of one second.
type Sample struct {
	At int64 // unix s
	Ms int64
}

// Add notes an event at a moment, unix ms.
func (m *Monitor) Add(event string, now int64, took time.Duration) {
	s := m.events[event]
	if s == nil {
		if m.events == nil {
			m.events = make(map[string]*Series)
		}
		s = new(Series)
		m.events[event] = s
	}
	s.add(Sample{now / 1000, took.Milliseconds()})
}

func (s *Series) add(v Sample) {
	s.Worst = max(s.Worst, v.Ms)
	if n := len(s.Samples); n > 0 && s.Samples[n-1].At == v.At {
		s.Samples[n-1].Ms = max(s.Samples[n-1].Ms, v.Ms)
		return
	}
	if len(s.Samples) == samplesKept {
		s.Samples = s.Samples[:copy(s.Samples, s.Samples[1:])]
	}
	s.Samples = append(s.Samples, v)
}

// Events lists the kinds that were noted, by name.
func (m *Monitor) Events() []string {
	var out []string
	for event := range m.events {
		out = append(out, event)
	}
	slices.Sort(out)
	return out
}

// Series is what is known of a kind of event; nil: nothing.
func (m *Monitor) Series(event string) *Series { return m.events[event] }

// Forget forgets a kind of event, however its name's letters are written, and tells
// whether there was any.
func (m *Monitor) Forget(name string) bool {
	for event := range m.events {
		if strings.EqualFold(event, name) {
			delete(m.events, event)
			return true
		}
	}
	return false
}

// Last is the newest sample.
func (s *Series) Last() Sample { return s.Samples[len(s.Samples)-1] }

// extremes are the best and the worst of the samples that are kept, ms.
func (s *Series) extremes() (low, high int64) {
	byTime := func(a, b Sample) int { return cmp.Compare(a.Ms, b.Ms) }
	return slices.MinFunc(s.Samples, byTime).Ms, slices.MaxFunc(s.Samples, byTime).Ms
}

// spread is the mean of the samples and their mean distance from it, ms.
func (s *Series) spread() (mean, deviation int64) {
	for _, v := range s.Samples {
		mean += v.Ms
	}
	mean /= int64(len(s.Samples))
	for _, v := range s.Samples {
		deviation += max(v.Ms-mean, mean-v.Ms)
	}
	return mean, deviation / int64(len(s.Samples))
}
