package backend

import (
	"context"
	"math"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/types"
	"holdfast/backend/resp"
)

// wait answers at once with how many replicas have the session's last write,
// when that is enough or waiting is not allowed; otherwise it waits.
func wait(s *session, x *commands.Ctx) {
	n := s.node
	want, wantOK := types.ParseInt(x.Args[1])
	ms, wrong := waitingTime(x.Args[2], n.now)
	switch {
	case n.standing.role != roleMaster:
		x.Err("ERR WAIT cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.")
	case !wantOK:
		x.Err(errNotInt)
	case wrong != "":
		x.Err(wrong)
	default:
		have := n.confirm.Count(s.written())
		if int64(have) >= want || !x.CanWait {
			x.Int(int64(have))
			return
		}
		n.waitForReplicas(s, int(want), ms)
	}
}

// written is the offset behind the session's last write. What stands behind a native
// link has written over others too, and before: all of that is in the stream by now.
func (s *session) written() uint64 {
	if s.native {
		return s.node.stream.Offset()
	}
	return s.lastWrite
}

// waitingTime reads a timeout in ms, of which the end must be a time too
// (timeout.c, getTimeoutFromObjectOrReply). wrong is the error's text.
func waitingTime(arg []byte, now int64) (ms int64, wrong string) {
	ms, ok := types.ParseInt(arg)
	switch {
	case !ok:
		return 0, "ERR timeout is not an integer or out of range"
	case ms < 0:
		return 0, "ERR timeout is negative"
	case ms > math.MaxInt64-now:
		return 0, "ERR timeout is out of range"
	}
	return ms, ""
}

// waitForReplicas parks the session until enough replicas have its last write
// or the time is over. A goroutine polls the count: WAIT is rare.
func (n *Node) waitForReplicas(s *session, want int, ms int64) {
	upTo, began, limit := s.written(), time.Now(), untilMilli(ms, 0)
	if n.unit.leads {
		n.stream.GetAck()
		n.unit.dirty = true
	}
	reply := func() []byte { return resp.AppendInt(nil, int64(n.confirm.Count(upTo))) }
	n.await(s, reply, func(over func() bool) []byte {
		for n.confirm.Count(upTo) < want && (ms == 0 || time.Since(began) < limit) && !over() {
			if sleep(n.life, time.Millisecond) != nil {
				return nil
			}
		}
		return reply()
	})
}

// sleep waits for d unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return ctx.Err()
}
