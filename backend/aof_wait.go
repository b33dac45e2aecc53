package backend

import (
	"math"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/types"
	"holdfast/backend/resp"
)

const waitLogOff = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."

// waitLog is WAITAOF: it answers when the session's last write is on the disks
// of this node and of so many replicas.
func waitLog(s *session, x *commands.Ctx) {
	n := s.node
	local, localOK := types.ParseInt(x.Args[1])
	want, wantOK := types.ParseInt(x.Args[2])
	ms, wrong := waitingTime(x.Args[3], n.now)
	switch {
	case !localOK:
		x.Err(errNotInt)
	case local < 0 || local > 1:
		x.Err("ERR value is out of range, value must between 0 and 1")
	case !wantOK:
		x.Err(errNotInt)
	case want < 0:
		x.Err("ERR value is out of range, must be positive")
	case wrong != "":
		x.Err(wrong)
	case n.standing.role != roleMaster:
		x.Err("ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.")
	case local > 0 && n.aof.log == nil:
		x.Err(waitLogOff)
	default:
		q := diskQuestion{s.written(), n.aof.log != nil, int(local), int(min(want, math.MaxInt32))}
		here, there := n.onDisk(q)
		if q.satisfied(here, there) || !x.CanWait {
			x.Out = appendPair(x.Out, here, there)
			return
		}
		n.waitForDisks(s, q, ms)
	}
}

func appendPair(b []byte, here, there int) []byte {
	return resp.AppendInt(resp.AppendInt(resp.AppendArray(b, 2), int64(here)), int64(there))
}

// diskQuestion is what a WAITAOF asks: up to where, whether this node has a file, and
// on how many disks.
type diskQuestion struct {
	upTo        uint64
	logged      bool
	local, want int
}

func (q diskQuestion) satisfied(here, there int) bool { return here >= q.local && there >= q.want }

// onDisk counts the disks that have the stream up to there: this node's, and those of
// replicas.
func (n *Node) onDisk(q diskQuestion) (here, there int) {
	if q.logged && n.horizon.Synced() >= q.upTo {
		here = 1
	}
	return here, n.confirm.CountDurable(q.upTo)
}

// waitForDisks parks the session as WAIT does. It is answered with an error
// when the append-only file is switched off.
func (n *Node) waitForDisks(s *session, q diskQuestion, ms int64) {
	began, limit := time.Now(), untilMilli(ms, 0)
	if n.unit.leads && q.want > 0 {
		n.stream.GetAck()
		n.unit.dirty = true
	}
	reply := func() []byte {
		here, there := n.onDisk(q)
		return appendPair(nil, here, there)
	}
	n.await(s, reply, func(over func() bool) []byte {
		for {
			here, there := n.onDisk(q)
			switch {
			case q.satisfied(here, there), ms > 0 && time.Since(began) >= limit:
				return appendPair(nil, here, there)
			case q.local > 0 && !n.logging():
				return resp.AppendError(nil, waitLogOff)
			case over() || sleep(n.life, time.Millisecond) != nil:
				return nil
			}
		}
	})
}

func (n *Node) logging() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.aof.log != nil
}
