package backend

import (
	"math"
	"strings"
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/types"
)

// pause is CLIENT PAUSE: requests of a kind are not executed for a while. They
// stay where they were received; nothing behind them overtakes them. No key
// expires or is evicted meanwhile: the data stand still.
type pause struct {
	until   int64 // unix ms; 0: no pause
	all     bool  // every request, not only those that may write
	stalled map[*session]struct{}
	timer   *time.Timer
}

func clientPause(s *session, x *commands.Ctx) {
	ms, ok := types.ParseInt(x.Args[2])
	mode := "all"
	if len(x.Args) == 4 {
		mode = strings.ToLower(string(x.Args[3]))
	}
	switch {
	case !ok:
		x.Err("ERR timeout is not an integer or out of range")
	case ms < 0:
		x.Err("ERR timeout is negative")
	case ms > math.MaxInt64-s.node.now:
		x.Err("ERR timeout is out of range")
	case len(x.Args) > 4:
		x.Err(errUnknownSub("CLIENT", clip(x.Args[1])))
	case mode != "all" && mode != "write":
		x.Err("ERR CLIENT PAUSE mode must be WRITE or ALL")
	default:
		s.node.pauseClients(s.node.now+ms, mode == "all")
		x.OK()
	}
}

// pauseClients begins or extends a pause: of two the stricter kind and the
// later end count, as in Redis.
func (n *Node) pauseClients(until int64, all bool) {
	p := &n.pause
	p.until, p.all = max(p.until, until), p.all || all
	n.derive()
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = time.AfterFunc(untilMilli(p.until, n.now), func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.pause.until != 0 && time.Now().UnixMilli() >= n.pause.until {
			n.unpause()
		}
	})
}

// unpause lets the requests that were held back run.
func (n *Node) unpause() {
	p := &n.pause
	if p.until == 0 {
		return
	}
	p.timer.Stop()
	for s := range p.stalled {
		s.conn.Loop().Post(s.resume)
	}
	*p = pause{}
	n.derive()
}

// stalls tells whether a request must wait for the pause's end, and notes whom
// to go on with then.
func (n *Node) stalls(s *session, args [][]byte) bool {
	p := &n.pause
	h := n.lookup(args)
	if h == nil || !h.cmd.ArityOK(len(args)) { // is refused at once
		return false
	}
	if !p.all && !n.mayWrite(s, h, args) || n.isUnpause(args) {
		return false
	}
	if p.stalled == nil {
		p.stalled = make(map[*session]struct{})
	}
	p.stalled[s] = struct{}{}
	return true
}

// mayWrite tells whether a request could change data or reach the replicas.
func (n *Node) mayWrite(s *session, h *handler, args [][]byte) bool {
	c := n.facts(h, args)
	switch {
	case c.Name == "exec" && s.multi != nil:
		for _, q := range s.multi.requests {
			if q.facts.Has(command.Write) || mayReplicate(q.facts) {
				return true
			}
		}
		return false
	case s.multi != nil:
		return false
	}
	return c.Has(command.Write) || mayReplicate(c)
}

// isUnpause names what ends a pause and so must not wait for its end.
func (n *Node) isUnpause(args [][]byte) bool {
	c := n.commandOf(args)
	return c != nil && (c.Full == "client|unpause" || c.Name == "shutdown")
}
