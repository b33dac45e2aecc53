package group

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"holdfast/election/topology"
)

var t0 = time.Unix(1_000_000, 0).UTC()

// story applies commands one after the other and keeps what they said.
type story struct {
	t      *testing.T
	s      *State
	events []string
}

func newStory(t *testing.T) *story { return &story{t: t, s: NewState()} }

func (s *story) try(c Command) error {
	next, events, err := s.s.Apply(Encode("m", t0, c))
	before := s.s
	s.s = next
	for _, e := range events {
		s.events = append(s.events, e.Name+" "+e.Text)
	}
	if err != nil && (next != before || len(events) > 0) {
		s.t.Errorf("a refused %s changed something", KindOf(c))
	}
	return err
}

func (s *story) do(commands ...Command) *Group {
	s.t.Helper()
	for _, c := range commands {
		if err := s.try(c); err != nil {
			s.t.Fatalf("%s: %v", KindOf(c), err)
		}
	}
	return s.s.Groups["m"]
}

func (s *story) said() []string {
	said := s.events
	s.events = nil
	return said
}

var create = &Create{Name: "m", ID: "id", Master: "h:1", Nodes: []string{"h:2", "h:3"}, Settings: Settings{Quorum: 2, WriteAcks: 1}}

// born is a group whose first master serves.
func born(t *testing.T) *story {
	s := newStory(t)
	s.do(create, &Seal{Epoch: 1, Cause: ForBirth, Prefer: "h:1"},
		&Choose{Epoch: 1, Addr: "h:1", RunID: "r1", N: 1, Members: []string{"i3", "i2"}},
		&Open{Epoch: 1, RunID: "r1", Holders: 1, ReplID: "x", Synced: []string{"h:2", "h:3"}})
	return s
}

func TestFailoverInRedisWords(t *testing.T) {
	s := born(t)
	s.said()
	g := s.do(
		&Judge{RunID: "r1", Down: map[string]bool{"s1": true, "s2": true}},
		&Seal{From: 1, Epoch: 2, Cause: ForODown, Votes: 2},
		&Choose{Epoch: 2, Addr: "h:3", RunID: "r3", Offset: 40, N: 1, Members: []string{"i2"}},
		&Open{Epoch: 2, RunID: "r3", Holders: 2, ReplID: "y", Synced: []string{"h:2"}})
	want := []string{
		"+odown master m h 1 #quorum 2/2",
		"+new-epoch 2",
		"+try-failover master m h 1",
		"+elected-leader master m h 1",
		"+failover-state-select-slave master m h 1",
		"+selected-slave slave h:3 h 3 @ m h 1",
		"+failover-state-send-slaveof-noone slave h:3 h 3 @ m h 1",
		"+failover-state-wait-promotion slave h:3 h 3 @ m h 1",
		"+promoted-slave slave h:3 h 3 @ m h 1",
		"+failover-state-reconf-slaves master m h 1",
		"+slave-reconf-sent slave h:2 h 2 @ m h 1",
		"+slave-reconf-inprog slave h:2 h 2 @ m h 1",
		"+slave-reconf-done slave h:2 h 2 @ m h 1",
		"-odown master m h 1",
		"+failover-end master m h 1",
		"+switch-master m h 1 h 3",
		"+slave slave h:2 h 2 @ m h 3",
		"+slave slave h:1 h 1 @ m h 3", // the old master last
	}
	if got := s.said(); !reflect.DeepEqual(got, want) {
		t.Errorf("said\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if g.Phase != Stable || g.Epoch != 2 || g.Holders.Version != 2 || !g.Holders.Has("i2") || g.Holders.Has("i3") || len(g.Old) != 1 || g.Old[0] != "r3" {
		t.Errorf("the group is %+v", g)
	}
	if want := (Start{Epoch: 2, RunID: "r3", Addr: "h:3", ReplID: "y", Offset: 40}); g.Starts[1] != want {
		t.Errorf("epoch 2 starts at %+v", g.Starts[1])
	}
	if len(g.Verdicts) != 0 {
		t.Errorf("verdicts on the old master are left: %v", g.Verdicts)
	}
}

// Every command that was decided upon another state is refused and changes
// nothing.
func TestStaleCommandsAreRefused(t *testing.T) {
	sealing := func(s *story) { s.do(&Seal{From: 1, Epoch: 2, Cause: ForODown, Votes: 2}) }
	promoting := func(s *story) {
		sealing(s)
		s.do(&Choose{Epoch: 2, Addr: "h:2", RunID: "r2", N: 1, Members: []string{"i3"}})
	}
	changing := func(s *story) { s.do(&Change{Epoch: 1, RunID: "r1", Version: 1, N: 1, Members: []string{"i2"}}) }
	stable := func(*story) {}
	for name, c := range map[string]struct {
		in func(*story)
		do Command
	}{
		"seal from an older epoch":              {stable, &Seal{From: 0, Epoch: 2, Cause: ForODown}},
		"seal the same epoch":                   {stable, &Seal{From: 1, Epoch: 1, Cause: ForODown}},
		"seal for a switch that is over":        {stable, &Seal{From: 1, Epoch: 2, Cause: ForSwitch}},
		"choose without a sealing":              {stable, &Choose{Epoch: 1, Addr: "h:2", RunID: "r2"}},
		"choose twice":                          {promoting, &Choose{Epoch: 2, Addr: "h:3", RunID: "r3"}},
		"choose for another epoch":              {sealing, &Choose{Epoch: 3, Addr: "h:3", RunID: "r3"}},
		"open without a choice":                 {sealing, &Open{Epoch: 2, RunID: "r2", Holders: 2}},
		"open with other holders":               {promoting, &Open{Epoch: 2, RunID: "r2", Holders: 1}},
		"open for another process":              {promoting, &Open{Epoch: 2, RunID: "r9", Holders: 2}},
		"open twice":                            {stable, &Open{Epoch: 1, RunID: "r1", Holders: 1}},
		"a verdict on another process":          {stable, &Judge{RunID: "r9", Down: map[string]bool{"s1": true}}},
		"switch while the holders change":       {changing, &Switch{Epoch: 1, Candidate: Master{Addr: "h:2"}}},
		"switch while sealing":                  {sealing, &Switch{Epoch: 2, Candidate: Master{Addr: "h:2"}}},
		"change while sealing":                  {sealing, &Change{Epoch: 2, RunID: "r1", Version: 1, N: 1, Members: []string{"i2"}}},
		"change with a version that was used":   {changing, &Change{Epoch: 1, RunID: "r1", Version: 1, N: 1, Members: []string{"i3"}}},
		"change to fewer members than N":        {stable, &Change{Epoch: 1, RunID: "r1", Version: 1, N: 2, Members: []string{"i2"}}},
		"adopt what was cancelled by a sealing": {func(s *story) { changing(s); sealing(s) }, &Adopt{Epoch: 1, RunID: "r1", Version: 2}},
		"adopt another version":                 {changing, &Adopt{Epoch: 1, RunID: "r1", Version: 3}},
		"explain another epoch":                 {sealing, &Explain{Epoch: 1, Reason: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := born(t)
			c.in(s)
			s.said()
			if err := s.try(c.do); err == nil {
				t.Error("it was applied")
			} else if !errors.Is(err, ErrStale) && !strings.Contains(err.Error(), "holders") {
				t.Errorf("refused with %v", err)
			}
		})
	}
}

// Versions of the holders rise for ever, also past those that were cancelled:
// a node must never be told two pairs under one version.
func TestHolderVersionsAreUsedOnce(t *testing.T) {
	s := born(t)
	g := s.do(&Change{Epoch: 1, RunID: "r1", Version: 1, N: 1, Members: []string{"i2"}},
		&Change{Epoch: 1, RunID: "r1", Version: 2, N: 1, Members: []string{"i3"}})
	if g.Next.Version != 3 || g.Holders.Version != 1 {
		t.Fatalf("next %+v, in force %+v", g.Next, g.Holders)
	}
	g = s.do(&Seal{From: 1, Epoch: 2, Cause: ForODown}, &Choose{Epoch: 2, Addr: "h:2", RunID: "r2", N: 1, Members: []string{"i3"}})
	if g.Next.Version != 4 || g.Holders.Version != 1 {
		t.Errorf("after a cancelled change: next %+v, in force %+v", g.Next, g.Holders)
	}
	// A further failover uses the old pair and knows every old master.
	g = s.do(&Seal{From: 2, Epoch: 3, Cause: ForRetry}, &Choose{Epoch: 3, Addr: "h:3", RunID: "r3", N: 1, Members: []string{"i2"}})
	if g.Holders.Version != 1 || g.Next.Version != 5 || !reflect.DeepEqual(g.Old, []string{"r1", "r2", "r3"}) {
		t.Errorf("after a retry: %+v %+v, old %v", g.Holders, g.Next, g.Old)
	}
}

func TestTopology(t *testing.T) {
	s := newStory(t)
	if got := s.do(create).Topology(); got.Epoch != 0 || got.Phase != topology.Failover || got.Master.Addr != "h:1" || got.Master.Up || len(got.Replicas) != 2 {
		t.Errorf("before the first master: %+v", got)
	}
	s = born(t)
	first := s.s.Groups["m"].Topology()
	if first.Epoch != 1 || first.Phase != topology.Stable || !first.Master.Up || !first.Replicas[0].Up || first.WriteAcks != 1 {
		t.Errorf("stable: %+v", first)
	}
	same := s.do(&Judge{RunID: "r1", Down: map[string]bool{"s1": true}}).Topology()
	if same.Version != first.Version {
		t.Error("a verdict gave the topology a new version")
	}
	switching := s.do(&Switch{Epoch: 1, Candidate: Master{Addr: "h:2", RunID: "r2"}}).Topology()
	if switching.Phase != topology.Switching || !switching.Newer(first) || switching.Epoch != 1 {
		t.Errorf("switching: %+v", switching)
	}
	sealed := s.do(&Seal{From: 1, Epoch: 2, Cause: ForSwitch, Prefer: "h:2"}).Topology()
	if sealed.Phase != topology.Failover || sealed.Epoch != 1 || sealed.Master.Up || !sealed.Newer(switching) {
		t.Errorf("sealing: %+v", sealed)
	}
	opened := s.do(&Choose{Epoch: 2, Addr: "h:2", RunID: "r2", N: 1, Members: []string{"i3"}}, &Open{Epoch: 2, RunID: "r2", Holders: 2}).Topology()
	if opened.Epoch != 2 || opened.Master.Addr != "h:2" || !opened.Newer(sealed) || opened.Replicas[0].Addr != "h:1" {
		t.Errorf("opened: %+v", opened)
	}
}

func TestForgetKeepsWhatMayHoldWrites(t *testing.T) {
	s := born(t)
	s.do(&See{Nodes: []Node{{Addr: "h:2", RunID: "r2", Incarnation: "i2"}, {Addr: "h:4", RunID: "r4", Incarnation: "i4"}}})
	if said := strings.Join(s.said(), "\n"); !strings.Contains(said, "+slave slave h:4 h 4 @ m h 1") {
		t.Errorf("a new replica was not announced: %s", said)
	}
	g := s.do(&Forget{Addrs: []string{"h:1", "h:2", "h:3", "h:4", "h:5"}})
	if got := g.Addrs(); !reflect.DeepEqual(got, []string{"h:1", "h:2", "h:3"}) {
		t.Errorf("left are %v", got)
	}
}

func TestSnapshotAndDeterminism(t *testing.T) {
	s := born(t)
	s.do(&Join{Sentinel: Sentinel{ID: "s1", Addr: "h:26379", RunID: "q"}}, &Change{Epoch: 1, RunID: "r1", Version: 1, N: 1, Members: []string{"i2"}})
	b, err := s.s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Unmarshal(b)
	if err != nil || !reflect.DeepEqual(again, s.s) {
		t.Errorf("the state changed on its way through a snapshot (%v):\n%+v\n%+v", err, again.Groups["m"], s.s.Groups["m"])
	}
	other := born(t)
	other.do(&Join{Sentinel: Sentinel{ID: "s1", Addr: "h:26379", RunID: "q"}}, &Change{Epoch: 1, RunID: "r1", Version: 1, N: 1, Members: []string{"i2"}})
	if !reflect.DeepEqual(other.s, s.s) || !reflect.DeepEqual(other.events, s.events) {
		t.Error("the same entries made another state")
	}
}

func TestUnreadableEntries(t *testing.T) {
	s := NewState()
	for _, entry := range []string{"", "{", `{"kind":"nosuch","body":{}}`, `{"kind":"seal","group":"m","body":{"epoch":"x"}}`, `{"kind":"seal","group":"m","body":{}}`} {
		if next, _, err := s.Apply([]byte(entry)); err == nil || next != s {
			t.Errorf("%q was applied", entry)
		}
	}
	for kind, fresh := range kinds {
		if KindOf(fresh()) != kind {
			t.Errorf("kind %s has two names", kind)
		}
	}
}

// Fewer confirmations than are asked for are said when they are in force, once,
// and so is that they are enough again.
func TestDegradedIsSaid(t *testing.T) {
	s := born(t)
	s.said()
	g := s.do(&Change{Epoch: 1, RunID: "r1", Version: 1})
	if said := s.said(); len(said) > 0 || g.Degraded || !g.Leased() || g.Topology().WriteAcks != 1 {
		t.Errorf("before it is in force: %v, %+v", said, g)
	}
	g = s.do(&Adopt{Epoch: 1, RunID: "r1", Version: 2})
	if said := s.said(); !reflect.DeepEqual(said, []string{"+write-acks-degraded master m h 1 #write-acks 0/1"}) || !g.Degraded || !g.Topology().Degraded {
		t.Errorf("said %v, degraded %v", said, g.Degraded)
	}
	s.do(&Change{Epoch: 1, RunID: "r1", Version: 2, Members: []string{"i2"}}, &Adopt{Epoch: 1, RunID: "r1", Version: 3})
	if said := s.said(); len(said) > 0 {
		t.Errorf("said again: %v", said)
	}
	g = s.do(&Change{Epoch: 1, RunID: "r1", Version: 3, N: 1, Members: []string{"i2"}}, &Adopt{Epoch: 1, RunID: "r1", Version: 4})
	if said := s.said(); !reflect.DeepEqual(said, []string{"-write-acks-degraded master m h 1 #write-acks 1/1"}) || g.Degraded || g.Leased() {
		t.Errorf("said %v, degraded %v", said, g.Degraded)
	}
	g = s.do(&Set{Options: []Option{{"write-acks", "2"}}})
	want := []string{"+set master m h 1 write-acks 2", "+write-acks-degraded master m h 1 #write-acks 1/2"}
	if said := s.said(); !reflect.DeepEqual(said, want) || !g.Degraded || g.Holders.N != 1 || g.Next != nil {
		t.Errorf("said %v; the pair in force is %+v, next %+v: SET may only ask for another one", said, g.Holders, g.Next)
	}
}

// A longer lease counts as soon as it is committed, a shorter one when those
// granted before are over: with the next epoch.
func TestLongestLease(t *testing.T) {
	s := newStory(t)
	s.do(&Create{Name: "m", ID: "id", Master: "h:1", Settings: Settings{Quorum: 2, Lease: 2 * time.Second}})
	lease := func(ms string) time.Duration {
		return s.do(&Set{Options: []Option{{"lease-milliseconds", ms}}}).LongestLease
	}
	if long, short := lease("5000"), lease("1000"); long != 5*time.Second || short != 5*time.Second {
		t.Errorf("%v, then %v", long, short)
	}
	g := s.do(&Seal{Epoch: 1, Cause: ForBirth}, &Choose{Epoch: 1, Addr: "h:1", RunID: "r1"}, &Open{Epoch: 1, RunID: "r1", Holders: 1})
	if g.LongestLease != time.Second {
		t.Errorf("%v in a new epoch", g.LongestLease)
	}
}
