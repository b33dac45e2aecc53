package health

import "time"

// Bounds of a Clock.
const (
	TiltTrigger = 2 * time.Second        // sentinel.c, SENTINEL_TILT_TRIGGER
	TiltPeriod  = 5 * time.Second        // shorter than Redis's 30 s: Shift already forgives the pause itself
	stall       = 100 * time.Millisecond // a step longer than this was not spent listening
)

// Clock watches the steps of this process's own loop. A long step means that
// the process slept, was stopped or is starved; its judgement of others is
// then worth nothing.
type Clock struct {
	last  time.Time
	until time.Time // end of TILT
}

// Step records a turn of the loop that was due after at most period. It
// returns the time that must not be held against anybody, and whether TILT
// holds, in which verdicts are withdrawn.
func (c *Clock) Step(now time.Time, period time.Duration) (lost time.Duration, tilt bool) {
	step := now.Sub(c.last)
	first := c.last.IsZero()
	c.last = now
	switch {
	case first:
		return 0, false
	case step < 0 || step > TiltTrigger:
		c.until = now.Add(TiltPeriod)
	}
	if step > period+stall {
		lost = step - period
	}
	return lost, now.Before(c.until)
}
