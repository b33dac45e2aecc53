package failover

import (
	"strings"
	"testing"
	"time"

	"holdfast/backend/resp"
	"holdfast/election/internal/group"
	"holdfast/election/internal/native"
)

// sealedAs is a node's answer to SEAL in the tables below.
type sealedAs struct {
	addr     string
	inc      string // "": its address
	run      string // "": its address
	epoch    uint64
	offset   int64
	priority int // 0: 100; -1: 0
}

func sealedGroup(h group.Holders, old []string, answers ...sealedAs) (*group.Group, *Answers) {
	g := &group.Group{
		Name: "m", Phase: group.Sealing, Epoch: 5, Opened: group.Master{Addr: "a", RunID: "a", Epoch: 4}, Master: group.Master{Addr: "a", RunID: "a"},
		Holders: h, Old: old, Settings: group.Settings{WriteAcks: 1, Strict: true, DownAfter: time.Second, FailoverTimeout: time.Second},
		Nodes: map[string]group.Node{"a": {Addr: "a", Priority: 100}, "b": {Addr: "b", Priority: 100}, "c": {Addr: "c", Priority: 100}},
	}
	a := NewAnswers(1, time.Time{})
	for _, s := range answers {
		n := a.node(s.addr)
		or := func(v string) string {
			if v == "" {
				return s.addr
			}
			return v
		}
		n.sealFor, n.sealed = 5, native.Sealed{RunID: or(s.run), Incarnation: or(s.inc), Promised: 5, DataEpoch: s.epoch, Offset: s.offset}
		switch node := g.Nodes[s.addr]; {
		case s.priority > 0:
			node.Priority = s.priority
			g.Nodes[s.addr] = node
		case s.priority < 0:
			node.Priority = 0
			g.Nodes[s.addr] = node
		}
	}
	return g, a
}

func TestChoose(t *testing.T) {
	both := group.Holders{Version: 3, N: 1, Members: []string{"b", "c"}}
	old := []string{"a"}
	degrade := func(g *group.Group) { g.Settings.Strict = false }
	for name, c := range map[string]struct {
		h       group.Holders
		answers []sealedAs
		change  func(g *group.Group)
		down    string // letters of addresses
		waited  time.Duration
		want    string // the chosen address, or words of the reason
		loss    bool
	}{
		"both holders, the longer history":     {h: both, answers: []sealedAs{{addr: "b", epoch: 4, offset: 10}, {addr: "c", epoch: 4, offset: 11}}, want: "c"},
		"a higher data epoch beats any offset": {h: both, answers: []sealedAs{{addr: "b", epoch: 4, offset: 1}, {addr: "c", epoch: 3, offset: 99}}, want: "b"},
		"one of two holders is not enough":     {h: both, answers: []sealedAs{{addr: "b", epoch: 4, offset: 10}}, want: "1 of the 2 replicas needed that hold every answered write have answered; missing a, c"},
		"with N = 2 one of them holds everything, but needs two to confirm its barrier": {h: group.Holders{Version: 3, N: 2, Members: []string{"b", "c"}},
			change: func(g *group.Group) { g.Settings.WriteAcks = 2 }, answers: []sealedAs{{addr: "b", epoch: 4, offset: 10}}, want: "write-acks 2 needs 2 replicas and 0 have answered; missing a, c"},
		"a holder that lost its memory does not count":          {h: both, answers: []sealedAs{{addr: "b", epoch: 4, offset: 10}, {addr: "c", inc: "new"}}, want: "1 of the 2 replicas needed"},
		"the old master itself is enough":                       {h: both, answers: []sealedAs{{addr: "a", epoch: 4, offset: 12}, {addr: "b", epoch: 4, offset: 10}}, want: "a"},
		"a restarted old master is not":                         {h: both, answers: []sealedAs{{addr: "a", run: "a2", inc: "a2"}, {addr: "b", epoch: 4, offset: 10}}, want: "1 of the 2 replicas needed"},
		"everybody has answered: the best, with loss announced": {h: both, answers: []sealedAs{{addr: "a", run: "a2", inc: "a2"}, {addr: "b", epoch: 4, offset: 10}, {addr: "c", inc: "new"}}, want: "b", loss: true},
		"among equals the lower priority":                       {h: both, answers: []sealedAs{{addr: "b", epoch: 4, offset: 10, priority: 50}, {addr: "c", epoch: 4, offset: 10}}, want: "b"},
		"then the smaller run id":                               {h: both, answers: []sealedAs{{addr: "b", run: "z", epoch: 4, offset: 10}, {addr: "c", run: "y", epoch: 4, offset: 10}}, want: "c"},
		"the preferred one among equals": {h: both, change: func(g *group.Group) { g.Attempt.Prefer = "c" },
			answers: []sealedAs{{addr: "b", epoch: 4, offset: 10, priority: 1}, {addr: "c", epoch: 4, offset: 10}}, want: "c"},
		"but not against a longer history": {h: both, change: func(g *group.Group) { g.Attempt.Prefer = "c" },
			answers: []sealedAs{{addr: "b", epoch: 4, offset: 11}, {addr: "c", epoch: 4, offset: 10}}, want: "b"},
		"never one of priority 0":        {h: both, answers: []sealedAs{{addr: "b", epoch: 4, offset: 11, priority: -1}, {addr: "c", epoch: 4, offset: 10}, {addr: "a", run: "a2"}}, want: "c"},
		"nobody may be promoted":         {h: both, answers: []sealedAs{{addr: "b", priority: -1}, {addr: "c", priority: -1}}, want: "priority 0"},
		"too few to confirm the barrier": {h: group.Holders{Version: 3, N: 1, Members: []string{"b"}}, answers: []sealedAs{{addr: "b", epoch: 4, offset: 10}}, want: "write-acks 1 needs 1 replicas and 0 have answered"},
		"unless fewer will do, and nobody else may come": {h: group.Holders{Version: 3, N: 1, Members: []string{"b"}}, change: degrade, down: "ac",
			answers: []sealedAs{{addr: "b", epoch: 4, offset: 10}}, want: "b"},
		"fewer will not do while somebody may": {h: group.Holders{Version: 3, N: 1, Members: []string{"b"}}, change: degrade, down: "a",
			answers: []sealedAs{{addr: "b", epoch: 4, offset: 10}}, want: "write-acks 1 needs 1 replicas and 0 have answered"},
		"for longer than down-after": {h: group.Holders{Version: 3, N: 1, Members: []string{"b"}}, change: degrade, down: "a", waited: time.Second,
			answers: []sealedAs{{addr: "b", epoch: 4, offset: 10}}, want: "b"},
		"a lower N waits for the holders as a higher one does": {h: both, change: degrade, down: "ac",
			answers: []sealedAs{{addr: "b", epoch: 4, offset: 10}}, want: "1 of the 2 replicas needed"},
		"an operator forces it": {h: both, change: func(g *group.Group) { g.Attempt.Cause = group.ForForce }, answers: []sealedAs{{addr: "b", epoch: 4, offset: 10}}, want: "b", loss: true},
		"available does not go on at once": {h: both, change: func(g *group.Group) { g.Settings.Available = true },
			answers: []sealedAs{{addr: "b", epoch: 4}, {addr: "a", run: "a2"}}, waited: time.Second, want: "1 of the 2"},
		"available goes on after failover-timeout": {h: both, change: func(g *group.Group) { g.Settings.Available = true },
			answers: []sealedAs{{addr: "b", epoch: 4}, {addr: "a", run: "a2"}}, waited: time.Second + 1, want: "b", loss: true},
		"write-acks 0: priority ahead of the offset": {h: group.Holders{Version: 3}, change: func(g *group.Group) { g.Settings.WriteAcks = 0 },
			answers: []sealedAs{{addr: "b", epoch: 4, offset: 10, priority: 1}, {addr: "c", epoch: 4, offset: 11}}, want: "b", loss: true},
		"write-acks 0: no loss when the old master stepped down": {h: group.Holders{Version: 3}, change: func(g *group.Group) { g.Settings.WriteAcks = 0 },
			answers: []sealedAs{{addr: "b", epoch: 4, offset: 11, priority: 1}, {addr: "a", epoch: 4, offset: 11}}, want: "b"},
		"a first master waits for all": {change: func(g *group.Group) { g.Opened, g.Old = group.Master{}, nil }, answers: []sealedAs{{addr: "a"}, {addr: "b"}}, want: "waits for every known node; missing c"},
		"a first master is the configured one": {change: func(g *group.Group) { g.Opened, g.Attempt.Prefer = group.Master{}, "a" },
			answers: []sealedAs{{addr: "a"}, {addr: "b", offset: 100}, {addr: "c"}}, want: "a"},
		"unless a node has an epoch": {change: func(g *group.Group) { g.Opened, g.Attempt.Prefer = group.Master{}, "a" },
			answers: []sealedAs{{addr: "a", offset: 100}, {addr: "b", epoch: 2}, {addr: "c"}}, want: "b"},
		"nobody": {h: both, want: "no node has answered"},
	} {
		t.Run(name, func(t *testing.T) {
			g, a := sealedGroup(c.h, old, c.answers...)
			if c.change != nil {
				c.change(g)
			}
			for _, addr := range c.down {
				a.Judged(string(addr), true)
			}
			got, reason := choose(g, a, c.waited)
			switch {
			case got == nil && !strings.Contains(reason, c.want):
				t.Errorf("waits: %s", reason)
			case got != nil && (got.Addr != c.want || (got.Loss != "") != c.loss):
				t.Errorf("chose %s, loss %q", got.Addr, got.Loss)
			}
		})
	}
}

// An answer of another epoch, or of a connection since lost, or of a process
// since replaced, takes no part.
func TestAnswersThatDoNotCount(t *testing.T) {
	fresh := func() *Answers {
		a := NewAnswers(1, time.Time{})
		a.Connected("b", "b", &native.Hello{RunID: "r1"})
		a.node("b").calls[native.KindSeal] = &call{epoch: 5, busy: true}
		return a
	}
	answer := native.Sealed{RunID: "r1", Incarnation: "i1", Promised: 5, Offset: 7}
	c := Call{Addr: "b", Epoch: 5, Request: native.SealOf("g", 5)}
	for name, s := range map[string]struct {
		do   func(a *Answers)
		want uint64
	}{
		"its own epoch":        {func(a *Answers) { a.Answered(c, answer, 0, nil, time.Now()) }, 5},
		"another epoch's call": {func(a *Answers) { c4 := c; c4.Epoch = 4; a.Answered(c4, answer, 0, nil, time.Now()) }, 0},
		"another promise":      {func(a *Answers) { other := answer; other.Promised = 6; a.Answered(c, other, 0, nil, time.Now()) }, 0},
		"lost afterwards":      {func(a *Answers) { a.Answered(c, answer, 0, nil, time.Now()); a.Lost("b", false, time.Now()) }, 0},
		"lost before":          {func(a *Answers) { a.Lost("b", false, time.Now()); a.Answered(c, answer, 0, nil, time.Now()) }, 0},
		"a new process": {func(a *Answers) {
			a.Answered(c, answer, 0, nil, time.Now())
			a.Connected("b", "b", &native.Hello{RunID: "r2"})
		}, 0},
		"the same process back": {func(a *Answers) {
			a.Answered(c, answer, 0, nil, time.Now())
			a.Connected("b", "b", &native.Hello{RunID: "r1"})
		}, 5},
	} {
		a := fresh()
		s.do(a)
		if got := a.node("b").sealFor; got != s.want {
			t.Errorf("%s: counts for epoch %d, want %d", name, got, s.want)
		}
	}
}

// Who is waited for is told with what is known of the reason, which does not come
// and go with each attempt.
func TestWhyANodeIsMissing(t *testing.T) {
	now := time.Unix(1000, 0)
	g, a := sealedGroup(group.Holders{N: 1, Members: []string{"b", "c"}}, []string{"a"})
	a.Connected("b", "b", &native.Hello{RunID: "b"})
	a.Connected("c", "c", &native.Hello{RunID: "c"})
	a.Lost("a", true, now)
	seal := func() (calls []Call) {
		for _, action := range Step(g, a, now).Actions {
			if c, ok := action.(Call); ok {
				calls = append(calls, c)
			}
		}
		return calls
	}
	calls := seal()
	if len(calls) != 2 {
		t.Fatalf("%d calls: %+v", len(calls), calls)
	}
	a.Answered(calls[0], native.Sealed{}, 0, resp.Error("ERR the disk is full"), now)
	a.Judged("c", true)
	const want = "; missing a (nobody listens there), b (ERR the disk is full), c (connected, and silent)"
	if got := missing(g, a, nil); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	now = now.Add(time.Second)
	if again := seal(); len(again) != 1 || again[0].Addr != "b" {
		t.Fatalf("asked again: %+v", again)
	}
	if got := missing(g, a, nil); got != want {
		t.Errorf("asked again: %q, want %q", got, want)
	}
	a.Lost("c", false, now)
	if got := missing(g, a, nil); !strings.Contains(got, "c (no connection)") {
		t.Errorf("the connection is gone: %q", got)
	}
	a.Connected("c", "c", nil)
	a.Barred("c", "NOAUTH Authentication required.")
	if got := missing(g, a, nil); !strings.Contains(got, "c (NOAUTH Authentication required.)") {
		t.Errorf("it keeps us out: %q", got)
	}
}
