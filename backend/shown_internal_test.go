package backend

import (
	"slices"
	"strings"
	"testing"

	"holdfast/backend/command"
)

// Which replies wait for more than the keys they name, and which for nothing
// although they are about keys, is a list that a new command must not get on, or
// miss, by accident.
func TestScopesOfReplies(t *testing.T) {
	var all, nothing []string
	for _, c := range command.All {
		for _, c := range append([]*command.Command{c}, c.Subs...) {
			about := c.HasKeys() || c.Flags&(command.ReadOnly|command.Write) != 0
			switch got := scopeOf(c); {
			case got == showsAll:
				all = append(all, c.Full)
			case got == showsNothing && about:
				nothing = append(nothing, c.Full)
			case got == showsKeys && !c.HasKeys():
				t.Errorf("%s has no keys to wait for", c.Full)
			}
		}
	}
	slices.Sort(all)
	slices.Sort(nothing)
	const wantAll = "copy dbsize eval eval_ro evalsha evalsha_ro fcall fcall_ro flushall flushdb function|delete function|dump " +
		"function|flush function|list function|load function|restore keys migrate move randomkey scan sort sort_ro swapdb"
	if got := strings.Join(all, " "); got != wantAll {
		t.Errorf("replies that show any key: %s\nwant %s", got, wantAll)
	}
	if got := strings.Join(nothing, " "); got != "lolwut watch" {
		t.Errorf("replies that show no key: %s", got)
	}
}

func TestFootprints(t *testing.T) {
	f := &footprints{kept: true}
	a, b := []byte("a"), []byte("b")
	f.touch(0, a)
	if f.pending(0) {
		t.Error("a unit that has not ended is waited for")
	}
	f.land(10)
	if f.of(0, a) != 10 || f.of(0, b) != 0 || f.of(1, a) != 0 || f.latest != 10 {
		t.Errorf("after a change of a: %d, %d, in another database %d", f.of(0, a), f.of(0, b), f.of(1, a))
	}
	f.settle(5)
	if f.settled != 5 || !f.pending(9) || f.pending(10) {
		t.Errorf("settled at %d", f.settled)
	}
	f.settle(1 << 60)
	if f.settled != 10 || f.pending(0) || f.unsettled(10) != 0 {
		t.Errorf("what does not exist yet is settled: %d", f.settled)
	}
	f.settle(0) // the replica left
	if f.pending(0) {
		t.Error("what was confirmed is waited for again")
	}
	f.kept = false
	f.touch(0, b)
	f.land(20)
	if f.of(0, a) != 20 {
		t.Errorf("nobody asked for confirmations, and a unit ended at 20: a waits for %d", f.of(0, a))
	}
	f.kept = true
	for range len(f.open) + 1 {
		f.touch(0, a)
	}
	f.land(30)
	if f.of(0, b) != 30 {
		t.Errorf("a unit that changed more than can be kept ended at 30: b waits for %d", f.of(0, b))
	}
	f.inherit(40, 1)
	if f.of(3, a) != 40 || !f.pending(39) {
		t.Errorf("inherited: %d", f.of(3, a))
	}
	if f.inherit(50, 0); f.pending(0) {
		t.Error("what nobody confirms is waited for")
	}
}

// Waiting for what is shown costs no allocation either, while much of it is not
// confirmed.
func TestShownDoesNotAllocate(t *testing.T) {
	n := atRest(t, "--write-acks", "1")
	s := &session{node: n, proto: 2, authed: true}
	for _, line := range []string{"SET key value", "GET key", "GET nosuch", "MGET key other", "HSET h f v", "DBSIZE", "EXISTS key h", "ZCOUNT nosuch 1 2"} {
		var args [][]byte
		for _, w := range strings.Fields(line) {
			args = append(args, []byte(w))
		}
		run := func() {
			n.x.Out, n.x.Proto, s.batch = n.x.Out[:0], s.proto, batch{}
			n.settleShown()
			n.exec(s, &n.x, args)
			n.unit.publish()
		}
		for range 100 { // buffers find their size
			run()
		}
		// A chunk of the replication stream now and then is allowed.
		if a := testing.AllocsPerRun(1000, run); a > 0.1 {
			t.Errorf("%s: %v allocations", line, a)
		}
		if waits := s.batch.gate > 0; waits == strings.Contains(line, "nosuch") {
			t.Errorf("%s waits for %d", line, s.batch.gate)
		}
	}
}
