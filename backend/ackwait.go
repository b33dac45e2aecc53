package backend

import (
	"fmt"
	"strings"
	"sync"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// ackWaits counts how long replies were held back until what they show was confirmed
// and, with appendfsync always, on disk. A batch of replies counts once.
type ackWaits struct {
	mu       sync.Mutex
	times    *hdr.Histogram // ns
	total    time.Duration
	timeouts int64 // replies that were -NOACKS instead
}

func newAckWaits() *ackWaits { return &ackWaits{times: hdr.New(shortest, longest, digits)} }

// released counts batches that leave now.
func (w *ackWaits) released(marks []mark) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range marks {
		took := now.Sub(marks[i].since)
		w.total += took
		_ = w.times.RecordValue(min(max(int64(took), shortest), longest)) // fails outside its bounds only
	}
}

// gaveUp counts replies that never leave.
func (w *ackWaits) gaveUp(replies int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timeouts += int64(replies)
}

// reset begins anew (CONFIG RESETSTAT).
func (w *ackWaits) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.times.Reset()
	w.total, w.timeouts = 0, 0
}

// info prints the fields that doc.go names.
func (w *ackWaits) info(b *infoText, waiting int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var values []string
	for _, p := range []float64{50, 99, 99.9} {
		values = append(values, fmt.Sprintf("p%v=%.3f", p, float64(w.times.ValueAtPercentile(p))/1e3))
	}
	b.field("holdfast_acks_waiting_clients", waiting)
	b.field("holdfast_acks_waits", w.times.TotalCount())
	b.field("holdfast_acks_wait_usec", w.total.Microseconds())
	b.field("holdfast_acks_wait_percentiles_usec", strings.Join(values, ","))
	b.field("holdfast_acks_timeouts", w.timeouts)
}
