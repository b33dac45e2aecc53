package health

import (
	"testing"
	"time"
)

var t0 = time.Unix(1_000_000, 0)

func at(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }

func TestDown(t *testing.T) {
	const downAfter = time.Second
	var n Node
	n.Start(at(0))
	steps := []struct {
		ms   int
		do   func(now time.Time)
		down bool
		why  string
	}{
		{1000, nil, false, "down-after has not passed"},
		{1001, nil, true, "never answered"},
		{1100, func(now time.Time) { n.Replied("r1", now) }, false, "a valid reply ends SDOWN at once"},
		{2100, nil, false, "exactly down-after"},
		{2101, nil, true, "silent for longer than down-after"},
		{2200, func(time.Time) { n.Shift(150 * time.Millisecond) }, false, "a pause of our own is not held against it"},
	}
	for _, s := range steps {
		if s.do != nil {
			s.do(at(s.ms))
		}
		if got := n.Down(at(s.ms), downAfter); got != s.down {
			t.Errorf("at %d ms down = %v: %s", s.ms, got, s.why)
		}
	}
}

func TestMasterThatCallsItselfReplica(t *testing.T) {
	const downAfter = time.Second
	var n Node
	n.Start(at(0))
	said := func(ms int, replica bool) {
		n.Replied("r1", at(ms))
		n.Role(replica, at(ms))
	}
	for ms := 0; ms <= 60_000; ms += 500 {
		if said(ms, true); n.Down(at(ms), downAfter) {
			t.Fatalf("a replica is down at %d ms for saying so", ms)
		}
	}
	n.Expect(7, at(60_000)) // promoted; what is heard of it may be as old as the last INFO
	for ms := 60_500; ms <= 81_000; ms += 500 {
		if said(ms, true); n.Down(at(ms), downAfter) {
			t.Fatalf("down %d ms after its promotion", ms-60_000)
		}
	}
	if said(81_001, true); !n.Down(at(81_001), downAfter) {
		t.Error("a master that reports role slave must be down after down-after + 2 INFO periods")
	}
	n.Expect(8, at(81_002))
	if n.Down(at(81_002), downAfter) {
		t.Error("the same master in a new epoch must get its time again")
	}
	n.Expect(0, at(81_003))
	if said(200_000, true); n.Down(at(200_000), downAfter) {
		t.Error("a replica may report role slave")
	}
}

func TestJudgeNamesTheProcess(t *testing.T) {
	var n Node
	n.Start(at(0))
	if v := n.Judge("r1", at(10), time.Second); v.Down {
		t.Error("nothing was heard yet, so nothing says that r1 is gone")
	}
	n.Replied("r1", at(20))
	if v := n.Judge("r1", at(30), time.Second); v.Down || v.RunID != "r1" {
		t.Errorf("verdict %+v on a living master", v)
	}
	n.Replied("r2", at(40))
	if v := n.Judge("r1", at(50), time.Second); !v.Down || v.RunID != "r1" {
		t.Errorf("verdict %+v although another process answers in its place", v)
	}
}

func TestValidReply(t *testing.T) {
	for text, want := range map[string]bool{
		"PONG": true, "LOADING Redis is loading the dataset in memory": true,
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.": true,
		"NOAUTH Authentication required.":                                                  false, "ERR max number of clients reached": false, "": false,
	} {
		if got := ValidReply(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestClock(t *testing.T) {
	var c Clock
	for _, s := range []struct {
		ms   int
		lost time.Duration
		tilt bool
	}{
		{0, 0, false}, {100, 0, false}, {299, 0, false},
		{799, 400 * time.Millisecond, false}, {899, 0, false},
		{3000, 2001 * time.Millisecond, true}, {3100, 0, true},
		{7999, 4799 * time.Millisecond, true}, {12_998, 4899 * time.Millisecond, true}, {13_098, 0, true},
	} {
		if lost, tilt := c.Step(at(s.ms), 100*time.Millisecond); lost != s.lost || tilt != s.tilt {
			t.Errorf("at %d ms: lost %v, tilt %v; want %v, %v", s.ms, lost, tilt, s.lost, s.tilt)
		}
	}
	for ms := 13_198; ms < 17_998; ms += 100 {
		c.Step(at(ms), 100*time.Millisecond)
	}
	if _, tilt := c.Step(at(17_999), 100*time.Millisecond); tilt {
		t.Error("TILT did not end")
	}
}

// Nobody listens any more when a connection was broken and two dials, not at the
// same moment, were refused behind it.
func TestGone(t *testing.T) {
	for name, c := range map[string]struct {
		losses []Loss
		ms     []int
		gone   bool
	}{
		"broken, then refused twice":       {[]Loss{Broken, Refused, Refused}, []int{0, 1, 101}, true},
		"refused three times":              {[]Loss{Refused, Refused, Refused}, []int{0, 100, 200}, true},
		"refused twice":                    {[]Loss{Refused, Refused}, []int{0, 100}, false},
		"broken, then refused once":        {[]Loss{Broken, Refused}, []int{0, 100}, false},
		"refused twice in one moment":      {[]Loss{Broken, Refused, Refused}, []int{0, 100, 150}, false},
		"a dial that timed out in between": {[]Loss{Broken, Refused, Silent, Refused}, []int{0, 100, 200, 300}, false},
		"silence alone":                    {[]Loss{Silent, Silent, Silent}, []int{0, 1000, 2000}, false},
	} {
		var n Node
		n.Start(at(0))
		for i, l := range c.losses {
			n.Lost(l, at(c.ms[i]))
		}
		if n.Gone() != c.gone || n.Judge("r", at(0), time.Second).Gone != c.gone {
			t.Errorf("%s: gone %v", name, n.Gone())
		}
		if n.Replied("r", at(9000)); n.Gone() {
			t.Errorf("%s: gone though it answers", name)
		}
	}
}

// A process that is known not to exist stays so, and nothing is held against the
// next one at its address.
func TestDeadProcess(t *testing.T) {
	const after = 10 * time.Second
	t0 := time.Unix(1000, 0)
	var n Node
	n.Start(t0)
	n.Died()
	if n.Dead() || n.Judge("", t0, after).Dead {
		t.Error("a node that was never heard is dead")
	}
	n.Replied("run-1", t0)
	n.Died()
	if v := n.Judge("run-1", t0, after); !v.Dead || v.Down {
		t.Errorf("the process that died: %+v", v)
	}
	if v := n.Judge("run-0", t0, after); v.Dead {
		t.Errorf("another process: %+v", v)
	}
	n.Replied("run-2", t0)
	if v := n.Judge("run-2", t0, after); v.Dead || v.Down {
		t.Errorf("the next process: %+v", v)
	}
}
