package load

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are kept from 1 µs to 2 minutes with three digits; what is beyond
// counts as 2 minutes.
const (
	maxLatency = 2 * time.Minute
	digits     = 3
)

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, maxLatency.Microseconds(), digits)
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	h.RecordValue(min(max(d.Microseconds(), 1), maxLatency.Microseconds()))
}

// Result is what became of one load.
type Result struct {
	Elapsed   time.Duration
	Sent      int64
	Succeeded int64                   // replies that were no error
	Errors    map[string]int64        // by kind; see Kind
	Pause     time.Duration           // the longest time without any successful reply: what users of the service saw
	Latency   *hdrhistogram.Histogram // of the successful requests
	Slowest   time.Duration           // the longest wait for a reply of any kind
}

// Rate is the successful requests per second.
func (r *Result) Rate() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Succeeded) / r.Elapsed.Seconds()
}

// Percentile returns the latency below which p percent of the successful
// requests lay.
func (r *Result) Percentile(p float64) time.Duration {
	return time.Duration(r.Latency.ValueAtPercentile(p)) * time.Microsecond
}

// Failed is the number of requests that brought an error or no reply.
func (r *Result) Failed() int64 {
	var n int64
	for _, v := range r.Errors {
		n += v
	}
	return n
}

// merge adds what one connection saw.
func (r *Result) merge(c *tally) {
	r.Sent += c.sent
	r.Succeeded += c.succeeded
	for kind, n := range c.errors {
		r.Errors[kind] += n
	}
	r.Latency.Merge(c.latency)
	r.Slowest = max(r.Slowest, c.slowest)
}

// tally is one connection's part of a Result. One goroutine owns it.
type tally struct {
	sent, succeeded int64
	errors          map[string]int64
	latency         *hdrhistogram.Histogram
	slowest         time.Duration
}

func newTally() *tally {
	return &tally{errors: make(map[string]int64), latency: newHistogram()}
}

// Kinds of errors that are no reply of a server.
const (
	KindDial    = "cannot connect"
	KindLost    = "connection lost"
	KindTimeout = "no reply in time"
)

// Kind sorts an error reply by its code: the first word of its text, and for
// Holdfast's two-word codes both.
func Kind(reply []byte) string {
	text := strings.TrimRight(string(reply), "\r\n")
	text = strings.TrimPrefix(text, "-")
	word, rest, _ := strings.Cut(text, " ")
	if word == "UNKNOWN" && strings.HasPrefix(rest, "outcome") {
		return "UNKNOWN outcome"
	}
	return word
}

// pauses finds the longest time between two successes of many connections.
type pauses struct {
	start   time.Time
	last    atomic.Int64 // ns since start
	longest atomic.Int64
}

func newPauses() *pauses { return &pauses{start: time.Now()} }

// success notes a success at now. Connections race; a success that is older
// than the newest one noted ends no pause.
func (p *pauses) success(now time.Time) {
	at := int64(now.Sub(p.start))
	for {
		last := p.last.Load()
		if at <= last {
			return
		}
		if p.last.CompareAndSwap(last, at) {
			p.noteGap(at - last)
			return
		}
	}
}

// finish counts the time from the last success to the end, too: a service that
// never came back is one long pause.
func (p *pauses) finish(now time.Time) time.Duration {
	p.noteGap(int64(now.Sub(p.start)) - p.last.Load())
	return time.Duration(p.longest.Load())
}

func (p *pauses) noteGap(gap int64) {
	for {
		longest := p.longest.Load()
		if gap <= longest || p.longest.CompareAndSwap(longest, gap) {
			return
		}
	}
}
