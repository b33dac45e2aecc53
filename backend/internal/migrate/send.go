package backend

import (
	"context"
	"errors"

	"holdfast/backend/resp"
)

// errIO are the texts of a connection that fails.
var (
	errMigrateConnect = errors.New("IOERR error or timeout connecting to the client")
	errMigrateWrite   = errors.New("IOERR error or timeout writing to target instance")
	errMigrateRead    = errors.New("IOERR error or timeout reading from target instance")
)

// send sends what there is to send and returns what the target has acknowledged. A
// connection from the cache that turns out to be closed is replaced once, if nothing was
// answered on it.
func (m *migration) send() (acknowledged []*migrant, err error) {
	for attempt := 0; ; attempt++ {
		var c *target
		var cached bool
		if m.within(func(ctx context.Context) (err error) {
			c, cached, err = m.n.targets.get(ctx, m.addr)
			return err
		}) != nil {
			return nil, errMigrateConnect
		}
		acknowledged, err = m.exchange(c)
		if err == nil {
			m.n.targets.put(m.addr, c)
			return acknowledged, nil
		}
		c.Close()
		if !cached || attempt > 0 || len(acknowledged) > 0 || errors.Is(err, context.DeadlineExceeded) {
			if errors.Is(err, errMigrateWrite) {
				err = errMigrateWrite
			} else {
				err = errMigrateRead
			}
			return acknowledged, err
		}
	}
}

// exchange sends the requests in one piece and reads their replies.
func (m *migration) exchange(c *target) (acknowledged []*migrant, err error) {
	before := 0
	if m.auth != nil {
		c.Send(m.auth...)
		before++
	}
	if c.db != m.dest {
		c.Send("SELECT", m.dest)
		before++
	}
	for _, k := range m.keys {
		c.Send(k.request...)
	}
	if err := m.within(c.Flush); err != nil {
		return nil, errors.Join(errMigrateWrite, err)
	}
	admitted := true
	for range before {
		ok, err := m.receive(c)
		if err != nil {
			return nil, err
		}
		admitted = admitted && ok
	}
	for _, k := range m.keys {
		ok, err := m.receive(c)
		if err != nil {
			return acknowledged, err
		}
		if ok && admitted {
			acknowledged = append(acknowledged, k)
		}
	}
	if c.db = m.dest; m.refused != nil {
		c.db = "" // SELECT may be what was refused
	}
	return acknowledged, nil
}

// receive reads one reply; ok is false when it is an error, of which the first is kept.
func (m *migration) receive(c *target) (ok bool, err error) {
	err = m.within(func(ctx context.Context) error {
		_, err := c.Receive(ctx)
		return err
	})
	if refusal, is := err.(resp.Error); is {
		if m.refused == nil {
			m.refused = refusal
		}
		return false, nil
	}
	return err == nil, err
}

func (m *migration) within(f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(m.n.life, m.timeout)
	defer cancel()
	return f(ctx)
}
