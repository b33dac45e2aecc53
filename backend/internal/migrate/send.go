package migrate

import (
	"context"
	"errors"
	"time"

	"holdfast/backend/resp"
)

// The errors of a connection that fails, in Redis's words.
var (
	ErrConnect = errors.New("IOERR error or timeout connecting to the client")
	ErrWrite   = errors.New("IOERR error or timeout writing to target instance")
	ErrRead    = errors.New("IOERR error or timeout reading from target instance")
)

// Batch is what is to be sent to a server.
type Batch struct {
	Addr     string        // host:port
	Auth     []string      // AUTH with its arguments; nil: none
	DB       string        // the server's database, as SELECT takes it
	Timeout  time.Duration // of every wait, above 0
	Requests [][]string
}

// Answer is what became of a batch.
type Answer struct {
	Acknowledged []int // the requests whose replies were no errors, by their index
	Refused      error // the server's first error reply, that to AUTH or SELECT too; nil: none
}

// Send sends a batch and reads all replies, as long as ctx lasts. The error is one
// of those above; what was acknowledged before it counts. A kept connection that
// turns out to be closed is replaced once, if nothing was answered on it.
func (t *Targets) Send(ctx context.Context, b *Batch) (Answer, error) {
	for first := true; ; first = false {
		var c *target
		var kept bool
		if b.within(ctx, func(ctx context.Context) (err error) {
			c, kept, err = t.get(ctx, b.Addr)
			return err
		}) != nil {
			return Answer{}, ErrConnect
		}
		answer, err := b.exchange(ctx, c)
		if err == nil {
			t.put(b.Addr, c)
			return answer, nil
		}
		c.Close()
		silent := len(answer.Acknowledged) == 0 && answer.Refused == nil
		if kept && first && silent && !errors.Is(err, context.DeadlineExceeded) {
			continue
		}
		if errors.Is(err, ErrWrite) {
			return answer, ErrWrite
		}
		return answer, ErrRead
	}
}

// exchange sends the requests in one piece and reads their replies. Where AUTH or
// SELECT is refused, what the server says to the others counts for nothing: it was
// carried out as somebody else, or elsewhere.
func (b *Batch) exchange(ctx context.Context, c *target) (a Answer, err error) {
	before := 0
	if b.Auth != nil {
		c.Send(b.Auth...)
		before++
	}
	if c.db != b.DB {
		c.Send("SELECT", b.DB)
		before++
	}
	for _, request := range b.Requests {
		c.Send(request...)
	}
	if err := b.within(ctx, c.Flush); err != nil {
		return a, errors.Join(ErrWrite, err)
	}
	admitted := true
	for range before {
		ok, err := b.receive(ctx, c, &a)
		if err != nil {
			return a, err
		}
		admitted = admitted && ok
	}
	for i := range b.Requests {
		ok, err := b.receive(ctx, c, &a)
		if err != nil {
			return a, err
		}
		if ok && admitted {
			a.Acknowledged = append(a.Acknowledged, i)
		}
	}
	if c.db = b.DB; a.Refused != nil {
		c.db = "" // SELECT may be what was refused
	}
	return a, nil
}

// receive reads one reply; ok is false when it is an error, of which the first is kept.
func (b *Batch) receive(ctx context.Context, c *target, a *Answer) (ok bool, err error) {
	err = b.within(ctx, func(ctx context.Context) error {
		_, err := c.Receive(ctx)
		return err
	})
	if refusal, is := err.(resp.Error); is {
		if a.Refused == nil {
			a.Refused = refusal
		}
		return false, nil
	}
	return err == nil, err
}

func (b *Batch) within(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, b.Timeout)
	defer cancel()
	return f(ctx)
}
