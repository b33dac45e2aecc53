package backend

import (
	"strconv"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/resp"
)

const waitLogOff = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."

// waitLog is WAITAOF: it answers when the session's last write is on the disks
// of this node and of so many replicas.
func waitLog(s *session, x *commands.Ctx) {
	n := s.node
	local, err := strconv.Atoi(string(x.Args[1]))
	if err != nil || local < 0 || local > 1 {
		x.Err("ERR value is out of range, value must between 0 and 1")
		return
	}
	want, err := strconv.Atoi(string(x.Args[2]))
	if err != nil || want < 0 {
		x.Err("ERR value is out of range, must be positive")
		return
	}
	ms, wrong := waitingTime(x.Args[3], n.now)
	switch {
	case wrong != "":
		x.Err(wrong)
	case n.standing.role != roleMaster:
		x.Err("ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.")
	case local > 0 && n.aof.log == nil:
		x.Err(waitLogOff)
	default:
		here, there := n.onDisk(s.written())
		if here >= local && there >= want || !x.CanWait {
			x.Out = appendPair(x.Out, here, there)
			return
		}
		n.waitForDisks(s, local, want, ms)
	}
}

func appendPair(b []byte, here, there int) []byte {
	return resp.AppendInt(resp.AppendInt(resp.AppendArray(b, 2), int64(here)), int64(there))
}

// onDisk counts the disks that have the stream up to an offset: this node's,
// and those of replicas.
func (n *Node) onDisk(upTo uint64) (here, there int) {
	if n.horizon.Synced() >= upTo {
		here = 1
	}
	return here, n.confirm.CountDurable(upTo)
}

// waitForDisks parks the session as WAIT does. It is answered with an error
// when the append-only file is switched off.
func (n *Node) waitForDisks(s *session, local, want int, ms int64) {
	upTo, began, limit := s.written(), time.Now(), untilMilli(ms, 0)
	if n.unit.leads && want > 0 {
		n.stream.GetAck()
		n.unit.dirty = true
	}
	reply := func() []byte {
		here, there := n.onDisk(upTo)
		return appendPair(nil, here, there)
	}
	n.await(s, reply, func(over func() bool) []byte {
		for {
			here, there := n.onDisk(upTo)
			switch {
			case here >= local && there >= want, ms > 0 && time.Since(began) >= limit:
				return appendPair(nil, here, there)
			case local > 0 && !n.logging():
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
