package election

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/resp"
	"holdfast/election/internal/group"
)

// watchPace is how often a watcher hears of a topology that has not changed.
const watchPace = time.Second

// holdfast is HOLDFAST HELLO|WATCH|REPORT|VERDICT|LEAD; the package's
// documentation has them all.
func holdfast(c *conn, args [][]byte) {
	switch sub := strings.ToUpper(string(args[0])); {
	case sub == "HELLO" && len(args) >= 2:
		if string(args[1]) != "1" {
			c.fail("ERR this sentinel speaks version 1 of the native protocol, not '" + string(args[1]) + "'")
			return
		}
		c.out = resp.AppendArray(c.out, 6)
		c.out = resp.AppendInt(resp.AppendBulkString(c.out, "version"), 1)
		c.out = resp.AppendBulkString(resp.AppendBulkString(c.out, "part"), "sentinel")
		c.out = resp.AppendBulkString(resp.AppendBulkString(c.out, "id"), c.server.s.id)
	case sub == "WATCH" && len(args) == 2:
		c.watch(string(args[1]))
	case sub == "REPORT" && len(args) == 2:
		c.report(args[1])
	case sub == "VERDICT" && len(args) == 3:
		c.verdict(string(args[1]), string(args[2]))
	case sub == "LEAD" && len(args) > 1:
		c.lead(args[1:])
	default:
		c.fail("ERR unknown subcommand or wrong number of arguments for '" + string(args[0]) + "'. Try HELLO, WATCH.")
	}
}

// watch serves the topology of a group until the client goes. It takes the
// connection over.
func (c *conn) watch(name string) {
	s := c.server.s
	if !s.machine.knows(name) && !s.configured(name) {
		c.fail("ERR No such master with that name")
		return
	}
	c.closing = true
	if !c.flush() {
		return
	}
	gone := make(chan struct{})
	c.feeding.Add(1)
	go func() { defer c.feeding.Done(); defer close(gone); io.Copy(io.Discard, c.nc) }()
	defer c.feeding.Wait()
	defer c.nc.Close()
	w := s.machine.watch(name)
	pace := time.NewTicker(watchPace)
	defer pace.Stop()
	for {
		t, changed := w.Next()
		if t != nil && !c.send(resp.AppendBulk(nil, t.Marshal())) {
			return
		}
		select {
		case <-changed:
		case <-pace.C:
		case <-gone:
			return
		case <-s.stopped:
			return
		}
	}
}

func (s *Sentinel) configured(name string) bool {
	for _, m := range s.cfg.Monitors {
		if m.Name == name {
			return true
		}
	}
	return false
}

func (c *conn) report(b []byte) {
	var r report
	if err := json.Unmarshal(b, &r); err != nil || r.ID == "" {
		c.fail("ERR cannot read the report")
		return
	}
	led := false
	if c.inLoop(func(l *loop) { led = l.takeReport(r) }) && led {
		c.ok()
		return
	}
	c.fail(notLeader)
}

const notLeader = "NOTLEADER this sentinel does not lead"

// What HOLDFAST VERDICT answers.
const (
	verdictFine = iota
	verdictDown
	verdictGone
	verdictDead
)

func (c *conn) verdict(name, runID string) {
	answer := verdictFine
	c.inLoop(func(l *loop) {
		g := l.machine.state.Load().Groups[name]
		if g == nil {
			return
		}
		switch v := l.verdict(g, time.Now()); {
		case v.RunID != runID:
		case v.Down:
			answer = verdictDown
		case v.Dead:
			answer = verdictDead
		case v.Gone:
			answer = verdictGone
		}
	})
	c.out = resp.AppendInt(c.out, int64(answer))
}

// inLoop runs f in the loop and waits for it. It reports false when the loop
// has ended; f has then not run and will not.
func (c *conn) inLoop(f func(l *loop)) bool {
	l := c.server.s.loop
	done := make(chan struct{})
	if !l.post(func() { f(l); close(done) }) {
		return false
	}
	select {
	case <-done:
		return true
	case <-l.ended:
		return false
	}
}

// lead runs what only the leader can do.
func (c *conn) lead(args [][]byte) {
	switch what := strings.ToUpper(string(args[0])); {
	case what == "FAILOVER" && len(args) == 3:
		c.leadFailover(string(args[1]), string(args[2]) == "FORCE")
	case what == "RESET" && len(args) == 2:
		c.leadReset(string(args[1]))
	case what == "SET" && len(args) >= 4:
		options, err := optionsOf(args[2:])
		if err != nil {
			c.fail("ERR " + err.Error())
			return
		}
		c.leadCommit(string(args[1]), &group.Set{Options: options})
	default:
		c.fail("ERR unknown request to a leader")
	}
}

// leadWait bounds a request that is passed on to the leader, and the search
// for one.
const leadWait = 5 * time.Second

// throughLeader has the leader carry a request out, this sentinel itself where
// it leads, and relays the reply. Where nobody leads it waits a little for
// somebody to. A request that may have been carried out is not sent again: a
// second failover is not what was asked for.
func (c *conn) throughLeader(args ...string) {
	s := c.server.s
	ctx, cancel := context.WithTimeout(context.Background(), leadWait)
	defer cancel()
	for {
		leader := s.raft.Leader()
		to, known := s.machine.state.Load().Sentinels[leader]
		switch {
		case leader == s.id:
			at := len(c.out)
			if c.lead(bytesOf(args)); string(c.out[at:]) != "-"+notLeader+"\r\n" {
				return
			}
			c.out = c.out[:at]
		case known:
			if v, settled := askLeader(ctx, to.Addr, s.peerOptions(), args); settled {
				c.relay(v)
				return
			}
		}
		select {
		case <-ctx.Done():
			c.fail("NOQUORUM no sentinel leads: a majority of the sentinels must be reachable")
			return
		case <-s.stopped:
			cancel()
		case <-time.After(tick / 4):
		}
	}
}

// askLeader passes a request on. It reports false when it was certainly not
// carried out: nobody was there, or somebody who does not lead.
func askLeader(ctx context.Context, addr string, o client.Options, args []string) (v resp.Value, settled bool) {
	conn, err := client.Dial(ctx, addr, o)
	if err != nil {
		return v, false
	}
	defer conn.Close()
	v, err = conn.Do(ctx, append([]string{"HOLDFAST", "LEAD"}, args...)...)
	switch {
	case v.Kind == '-':
		return v, v.Text != notLeader
	case err != nil:
		v = resp.Value{Kind: '-', Text: "ERR the leading sentinel at " + addr + " was lost; the request may have been carried out: " + err.Error()}
	}
	return v, true
}

// relay answers what another sentinel answered: a status, an error, a number.
func (c *conn) relay(v resp.Value) {
	switch v.Kind {
	case ':':
		c.out = resp.AppendInt(c.out, v.Int)
	case '-':
		c.fail(v.Text)
	default:
		c.out = resp.AppendSimple(c.out, v.Text)
	}
}

func bytesOf(args []string) [][]byte {
	out := make([][]byte, len(args))
	for i, a := range args {
		out[i] = []byte(a)
	}
	return out
}
