package proxy

import (
	"sync/atomic"
	"time"
)

// clock counts milliseconds since the proxy started. Differences are right for
// 49 days at a time, which is longer than anything it measures.
type clock struct {
	start time.Time
	tick  atomic.Uint32 // now, refreshed every clockStep
}

const clockStep = 100 * time.Millisecond

func newClock() *clock { return &clock{start: time.Now()} }

// now reads the clock. It is never 0, which stands for "not set".
func (c *clock) now() uint32 { return max(1, uint32(time.Since(c.start).Milliseconds())) }

// since is the time that has passed since at.
func (c *clock) since(at uint32) time.Duration {
	return time.Duration(c.now()-at) * time.Millisecond
}

// coarse is now, at most clockStep old, for the price of a load.
func (c *clock) coarse() uint32 { return c.tick.Load() }

// run refreshes the coarse clock until done is closed.
func (c *clock) run(done <-chan struct{}) {
	t := time.NewTicker(clockStep)
	defer t.Stop()
	for {
		c.tick.Store(c.now())
		select {
		case <-t.C:
		case <-done:
			return
		}
	}
}
