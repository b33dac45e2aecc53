package drill

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"holdfast/cmd/internal/view"
)

func TestInPlace(t *testing.T) {
	const master = "h:1"
	for _, tc := range []struct {
		name string
		node view.Node
		want string // in the error; empty: in place
	}{
		{"the master", view.Node{Addr: master, Role: "master"}, ""},
		{"a linked replica", view.Node{Addr: "h:2", Role: "slave", Master: master, LinkUp: true}, ""},
		{"a dead node", view.Node{Addr: "h:2", Err: errors.New("refused")}, "refused"},
		{"a second master", view.Node{Addr: "h:2", Role: "master"}, "instead of a replica"},
		{"a replica of another", view.Node{Addr: "h:2", Role: "slave", Master: "h:3", LinkUp: true}, "instead of a replica"},
		{"a cut replica", view.Node{Addr: "h:2", Role: "slave", Master: master}, "no link"},
		{"a master that does not know it", view.Node{Addr: master, Role: "slave"}, "says it is a slave"},
	} {
		err := inPlace(tc.node, master)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestReport(t *testing.T) {
	all := []*Outcome{
		{Run: 1, Target: "h:1", Pause: 900, Whole: 6000, Acknowledged: 10, Errors: map[string]int64{"UNKNOWN outcome": 2}, Worst: 1},
		{Run: 2, Target: "h:2", Pause: 1100, Whole: 6000, Acknowledged: 10, Lost: 1, Examples: []string{"client 3: gone"}},
	}
	var out bytes.Buffer
	PrintHead(&out)
	for _, o := range all {
		PrintRow(&out, o)
	}
	PrintSummary(&out, all)
	for _, want := range []string{
		"2 UNKNOWN outcome (1)", "client 3: gone", "2 runs: pause 900 to 1100 ms, median 1000", "20 acknowledged unique writes: 1 lost, 0 doubled",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if all[1].Clean() || !all[0].Clean() {
		t.Error("a lost write is clean, or a clean run is not")
	}
}

func TestRunRefusesNonsense(t *testing.T) {
	for _, o := range []Options{
		{Fault: "nonesuch", Writers: 1, Runs: 1},
		{Fault: "kill-master", Writers: 0, Runs: 1},
		{Fault: "kill-master", Writers: 1, Runs: 1, Reads: 2},
		{Fault: "kill-master", Writers: 1, Runs: 1, Dir: t.TempDir(), Deadline: time.Hour}, // no group runs there
	} {
		if _, err := Run(t.Context(), o, func(*Outcome) {}); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
