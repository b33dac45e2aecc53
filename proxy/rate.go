package proxy

import "time"

// rate is the token bucket of one client under client-rate-limit: a request
// takes a token, limit of them come back a second, and at most burst are kept.
// What it times is at least a millisecond, the clock's step.
type rate struct {
	tokens float64
	at     uint32 // when tokens was right; 0: the bucket is full
	timed  bool   // the client will be woken when there is a token
}

// wait is how long the next request has to wait for its token; 0: not at all.
func (r *rate) wait(limit, burst int, now uint32) time.Duration {
	if r.at == 0 {
		r.tokens = float64(burst)
	} else {
		r.tokens = min(float64(burst), r.tokens+float64(now-r.at)*float64(limit)/1000)
	}
	r.at = now
	if r.tokens >= 1 {
		return 0
	}
	return max(time.Millisecond, time.Duration((1-r.tokens)*float64(time.Second)/float64(limit)))
}

// overRate tells whether a client has used up its rate; it goes on when it may.
func (c *client) overRate() bool {
	cfg := c.l.p.cfg
	wait := c.rate.wait(cfg.ClientRateLimit, cfg.ClientRateBurst, c.l.p.clock.now())
	if wait > 0 && !c.rate.timed {
		c.rate.timed = true
		c.l.io.After(wait, func() {
			c.rate.timed = false
			if !c.closed {
				c.l.wake(c)
			}
		})
	}
	return wait > 0
}
