package proxy

import "time"

// tidyEvery is how often a loop looks for what nobody uses any more.
const tidyEvery = 5 * time.Second

// tidy closes idle clients past timeout, private lanes that have been idle for
// long, and the lanes of sessions that no longer exist.
func (l *loop) tidy() {
	cfg, now := l.p.cfg, l.p.clock.coarse()
	idle := func(since uint32) time.Duration { return time.Duration(now-since) * time.Millisecond }
	if cfg.Timeout > 0 {
		for _, c := range l.clients {
			if c.pending == 0 && !c.own.used() && idle(c.active) > cfg.Timeout {
				c.conn.Close()
			}
		}
	}
	for key, s := range l.sets {
		for len(s.idle) > 0 && idle(s.idle[0].idleSince) > cfg.DedicatedIdleTimeout {
			s.idle[0].discard()
			s.idle = s.idle[1:]
		}
		switch {
		case s.sessions > 0:
			s.idleSince = 0
		case s.idleSince == 0:
			s.idleSince = max(1, now)
		case idle(s.idleSince) > cfg.DedicatedIdleTimeout && s.close():
			delete(l.sets, key)
		}
	}
	l.io.After(tidyEvery, l.tidy)
}

// used tells whether the lane, which may be nil, delivers something by itself.
func (ln *lane) used() bool { return ln != nil && ln.subs.any() }

// forgetUnused drops a set that nobody got into, at once: whoever tries many
// passwords or databases would make as many.
func (s *laneSet) forgetUnused() {
	if s.sessions == 0 && s.l.sets[s.key] == s && s.close() {
		delete(s.l.sets, s.key)
	}
}

// close ends the lanes of a set that no session uses, unless something is still
// on its way in them.
func (s *laneSet) close() bool {
	if len(s.private) > 0 || s.master.q.len() > 0 {
		return false
	}
	s.master.close()
	for _, ln := range s.replicas {
		ln.close()
	}
	return true
}
