package load

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/resp"
)

// auditChunk is how many list elements one LRANGE reads back.
const auditChunk = 5000

// Audit reads everything back and compares it with the ledgers. It asks again
// until ctx ends while the service is not answering. Call it after Stop, and
// when nothing sent can still be under way.
func (v *Verified) Audit(ctx context.Context) (*Audit, error) {
	a := new(Audit)
	r := &reader{opts: &v.opts}
	defer r.close()
	for _, c := range v.clients {
		list, err := r.list(ctx, c.keys[push])
		if err != nil {
			return nil, err
		}
		counter, err := r.do(ctx, "GET", c.keys[increment])
		if err != nil {
			return nil, err
		}
		n, _ := strconv.ParseInt(counter.Text, 10, 64)
		a.judge(&c.ledger, list, n)
	}
	return a, nil
}

// Clean deletes the keys of the load.
func (v *Verified) Clean(ctx context.Context) error {
	r := &reader{opts: &v.opts}
	defer r.close()
	for _, c := range v.clients {
		if _, err := r.do(ctx, "DEL", c.keys[push], c.keys[increment], c.keys[set]); err != nil {
			return err
		}
	}
	_, err := r.do(ctx, "DEL", v.opts.Prefix+":audit")
	return err
}

// reader is a patient client.
type reader struct {
	opts *VerifiedOptions
	conn *client.Conn
}

func (r *reader) close() {
	if r.conn != nil {
		r.conn.Close()
		r.conn = nil
	}
}

// do asks until an answer that is no error comes, or ctx ends.
func (r *reader) do(ctx context.Context, args ...string) (resp.Value, error) {
	var last error
	for ctx.Err() == nil {
		v, err := r.try(ctx, args)
		if err == nil {
			return v, nil
		}
		last = err
		r.close()
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	if last == nil {
		last = ctx.Err()
	}
	return resp.Value{}, fmt.Errorf("%s %s at %s: %w", args[0], args[1], r.opts.Addrs[0], last)
}

func (r *reader) try(ctx context.Context, args []string) (resp.Value, error) {
	if r.conn == nil {
		conn, err := client.Dial(ctx, r.opts.Addrs[0], client.Options{Password: r.opts.Password, Timeout: r.opts.Timeout})
		if err != nil {
			return resp.Value{}, err
		}
		r.conn = conn
		// The write puts the new session behind every write before it, so that
		// no replica may answer with less.
		if v, err := conn.Do(ctx, "SET", r.opts.Prefix+":audit", "1"); err != nil {
			return v, err
		}
	}
	return r.conn.Do(ctx, args...)
}

func (r *reader) list(ctx context.Context, key string) ([]int, error) {
	var list []int
	for {
		from := len(list)
		v, err := r.do(ctx, "LRANGE", key, strconv.Itoa(from), strconv.Itoa(from+auditChunk-1))
		if err != nil {
			return nil, err
		}
		for _, e := range v.Elems {
			n, err := strconv.Atoi(e.Text)
			if err != nil {
				n = -1
			}
			list = append(list, n)
		}
		if len(v.Elems) < auditChunk {
			return list, nil
		}
	}
}
