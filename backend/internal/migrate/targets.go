package backend

import (
	"context"
	"sync"
	"time"

	"holdfast/backend/client"
)

// Bounds of the connections that are kept for the next MIGRATE (cluster.c).
const (
	targetsKept = 64
	targetIdle  = 10 * time.Second
)

// targets are connections to servers that keys were migrated to. One that is in
// use is not among them.
type targets struct {
	mu   sync.Mutex
	idle map[string]*target // by host:port
}

type target struct {
	*client.Conn
	db   string // that is selected; empty: not known
	used time.Time
}

// get takes a kept connection, or makes one.
func (t *targets) get(ctx context.Context, addr string) (c *target, cached bool, err error) {
	t.mu.Lock()
	c = t.idle[addr]
	delete(t.idle, addr)
	t.mu.Unlock()
	if c != nil {
		return c, true, nil
	}
	conn, err := client.Dial(ctx, addr, client.Options{})
	if err != nil {
		return nil, false, err
	}
	return &target{Conn: conn}, false, nil
}

// put keeps a connection. One that is there already, or any if there are too many,
// makes way.
func (t *targets) put(addr string, c *target) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.idle == nil {
		t.idle = make(map[string]*target)
	}
	if old := t.idle[addr]; old != nil {
		old.Close()
	} else if len(t.idle) >= targetsKept {
		for other, old := range t.idle {
			old.Close()
			delete(t.idle, other)
			break
		}
	}
	c.used = time.Now()
	t.idle[addr] = c
}

// count is how many are kept.
func (t *targets) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.idle)
}

// sweep closes those that were not used since then.
func (t *targets) sweep(since time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for addr, c := range t.idle {
		if c.used.Before(since) {
			c.Close()
			delete(t.idle, addr)
		}
	}
}
