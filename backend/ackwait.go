package backend

import (
	"sync"
	"time"

	"holdfast/backend/internal/latency"
)

// ackWaits counts how long replies were held back until what they show was confirmed
// and, with appendfsync always, on disk. A batch of replies counts once.
type ackWaits struct {
	mu       sync.Mutex
	times    latency.Times
	total    time.Duration
	timeouts int64 // replies that were -NOACKS instead
}

// released counts batches that leave now.
func (w *ackWaits) released(marks []mark) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range marks {
		took := now.Sub(marks[i].since)
		w.total += took
		w.times.Add(took)
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
	w.times, w.total, w.timeouts = latency.Times{}, 0, 0
}

// info prints the fields that doc.go names.
func (w *ackWaits) info(b *infoText, waiting int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b.field("holdfast_acks_waiting_clients", waiting)
	b.field("holdfast_acks_waits", w.times.Len())
	b.field("holdfast_acks_wait_usec", w.total.Microseconds())
	b.field("holdfast_acks_wait_percentiles_usec", w.times.Percentiles(50, 99, 99.9))
	b.field("holdfast_acks_timeouts", w.timeouts)
}
