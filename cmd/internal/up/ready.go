package up

import (
	"context"
	"fmt"
	"time"

	"holdfast/cmd/internal/view"
	"holdfast/conf"
)

// probeKey is written, read and deleted to see that the endpoint serves.
const probeKey = "holdfast:up:probe"

// awaitReady waits until every proxy serves a write and a read. It fails when a
// part ends before, which a wrong setting makes it do.
func (s *Supervisor) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	for _, r := range s.parts {
		if r.Kind != conf.Proxy {
			continue
		}
		for {
			err := serves(view.WithPassword(ctx, s.opts.requirepass(conf.Node)), r.Addr)
			if dead := s.dead(); dead != nil {
				return fmt.Errorf("%s ended before the group was ready (%s); its last words, from %s:\n%s",
					dead.Name, howEnded(dead.current()), dead.logFile(), dead.lastWords())
			}
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s did not serve within %v: %w; see the logs below %s", r.Addr, readyWait, err, s.opts.Dir)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}

// dead is a part that has ended, if one has.
func (s *Supervisor) dead() *running {
	for _, r := range s.parts {
		if p := r.current(); p != nil && !p.Running() {
			return r
		}
	}
	return nil
}

// serves writes, reads and deletes a key. The proxy may hold the write until
// there is a master, so one attempt may take its hold-timeout.
func serves(ctx context.Context, addr string) error {
	c, err := view.Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, command := range [][]string{{"SET", probeKey, addr, "PX", "60000"}, {"GET", probeKey}, {"DEL", probeKey}} {
		v, err := c.Do(ctx, command...)
		if err != nil {
			return err
		}
		if command[0] == "GET" && v.Text != addr {
			return fmt.Errorf("%s did not read back what was written", addr)
		}
	}
	return nil
}
