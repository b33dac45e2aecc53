package proxy

import "time"

// drainLook is how often a proxy that stops looks whether its clients are gone.
const drainLook = 5 * time.Millisecond

// drain gives requests that are under way drain-timeout to be answered. Nobody
// new is let in, and of the clients that are there nothing more is read: each is
// closed behind the last reply it waits for.
func (p *Proxy) drain() {
	if err := p.server.Listen(nil); err != nil { // it has stopped already
		return
	}
	enough := time.NewTimer(p.cfg.DrainTimeout)
	defer enough.Stop()
	for p.clients.Load() > 0 {
		// Again and again, because a client may have been on its way in.
		p.eachLoop((*loop).dismiss)
		select {
		case <-enough.C:
			p.log.Warn("drain-timeout is over, and clients still wait for replies", "clients", p.clients.Load())
			return
		case <-p.server.Done():
			return
		case <-time.After(drainLook):
		}
	}
}

// dismiss has every client go behind its last reply.
func (l *loop) dismiss() {
	for _, c := range l.clients {
		if !c.leaving {
			c.closeWhenAnswered()
		}
	}
}
