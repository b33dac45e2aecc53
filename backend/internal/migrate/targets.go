package migrate

import (
	"context"
	"sync"
	"time"

	"holdfast/backend/client"
)

// Idle is for how long a connection is kept that nothing uses (cluster.c).
const Idle = 10 * time.Second

// targetsKept bounds the connections that are kept (cluster.c).
const targetsKept = 64

// Targets are connections to servers that keys were migrated to. One that is in
// use is not among them. The zero value has none; any goroutine may call.
type Targets struct {
	mu   sync.Mutex
	idle map[string]*target // by host:port
}

type target struct {
	*client.Conn
	db   string // that is selected; empty: not known
	used time.Time
}

// get takes a kept connection, or makes one.
func (t *Targets) get(ctx context.Context, addr string) (c *target, kept bool, err error) {
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
func (t *Targets) put(addr string, c *target) {
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

// Len is how many are kept.
func (t *Targets) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.idle)
}

// Sweep closes those that were not used since then.
func (t *Targets) Sweep(since time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for addr, c := range t.idle {
		if c.used.Before(since) {
			c.Close()
			delete(t.idle, addr)
		}
	}
}
