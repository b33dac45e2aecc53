package load

import (
	"context"
	"testing"
	"time"

	"holdfast/backend/resp"
)

func TestJudge(t *testing.T) {
	outcomes := []Outcome{Acknowledged, Unknown, Refused, Acknowledged}
	for _, tc := range []struct {
		name string
		list []int
		want Audit
	}{
		{"all well", []int{0, 3}, Audit{Acknowledged: 2, Unknown: 1}},
		{"unknown applied", []int{0, 1, 3}, Audit{Acknowledged: 2, Unknown: 1, UnknownApplied: 1}},
		{"lost", []int{3}, Audit{Acknowledged: 2, Unknown: 1, Lost: 1}},
		{"doubled", []int{0, 0, 3}, Audit{Acknowledged: 2, Unknown: 1, Doubled: 1}},
		{"refused applied", []int{0, 2, 3}, Audit{Acknowledged: 2, Unknown: 1, RefusedApplied: 1}},
		{"out of order", []int{3, 0}, Audit{Acknowledged: 2, Unknown: 1, Reordered: 1}},
		{"never sent", []int{0, 3, 9}, Audit{Acknowledged: 2, Unknown: 1, Doubled: 1}},
	} {
		l := &ledger{elements: outcomes}
		var got Audit
		got.judge(l, tc.list, 0)
		got.Examples = nil
		if got.String() != tc.want.String() {
			t.Errorf("%s: %v, want %v", tc.name, &got, &tc.want)
		}
	}
}

func TestJudgeCounter(t *testing.T) {
	for _, tc := range []struct {
		value               int64
		lost, doubled, open int64
	}{{10, 0, 0, 0}, {11, 0, 0, 1}, {12, 0, 0, 2}, {13, 0, 1, 2}, {7, 3, 0, 0}} {
		l := new(ledger)
		l.counter.acknowledged, l.counter.unknown = 10, 2
		var a Audit
		a.judge(l, nil, tc.value)
		if a.Lost != tc.lost || a.Doubled != tc.doubled || a.UnknownApplied != tc.open {
			t.Errorf("counter %d after 10 acknowledged and 2 unknown: %v", tc.value, &a)
		}
	}
}

func TestOutcomes(t *testing.T) {
	for text, want := range map[string]Outcome{
		"+OK\r\n":                         Acknowledged,
		"-UNKNOWN outcome of SET: …\r\n":  Unknown,
		"-NOACKS 0 of 1\r\n":              Unknown,
		"-APPLIED reply lost\r\n":         Acknowledged,
		"-UNAVAILABLE no master\r\n":      Refused,
		"-READONLY You can't write\r\n":   Refused,
		"-OOM command not allowed … \r\n": Refused,
	} {
		if got := outcomeOf([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// verify runs a short verified load on a server with that fault and audits it.
func verify(t *testing.T, fault func(*server, []string) []byte) (*VerifiedResult, *Audit) {
	t.Helper()
	s, addr := startServer(t, fault)
	v, err := StartVerified(t.Context(), VerifiedOptions{Addrs: []string{addr}, Clients: 4, Reads: 0.5, Prefix: "drill"})
	if err != nil {
		t.Fatal(err)
	}
	for v.Written() < 500 {
		time.Sleep(time.Millisecond)
	}
	res := v.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	audit, err := v.Audit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Clean(ctx); err != nil || len(s.strings)+len(s.lists) != 0 {
		t.Errorf("%d strings and %d lists are left behind: %v", len(s.strings), len(s.lists), err)
	}
	return res, audit
}

func TestVerifiedFindsNothingOnAGoodServer(t *testing.T) {
	res, audit := verify(t, nil)
	if !audit.Clean() || audit.Acknowledged == 0 || res.Reads == 0 || len(res.Errors) != 0 {
		t.Errorf("%+v, %v", res, audit)
	}
}

// once returns a fault that strikes the n-th command of that name.
func once(name string, n int, strike func(s *server, args []string) []byte) func(*server, []string) []byte {
	return func(s *server, args []string) []byte {
		if args[0] != name {
			return nil
		}
		if n--; n != 0 {
			return nil
		}
		return strike(s, args)
	}
}

// onceWritten is once for the n-th of those commands whose key was set before.
func onceWritten(name string, n int, strike func(s *server, args []string) []byte) func(*server, []string) []byte {
	nth := once(name, n, strike)
	return func(s *server, args []string) []byte {
		if len(args) < 2 || s.strings[args[1]] == "" {
			return nil
		}
		return nth(s, args)
	}
}

func TestVerifiedFindsEveryKindOfFault(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault func(*server, []string) []byte
		found func(*Audit) int64
	}{
		{"lost push", once("RPUSH", 50, func(*server, []string) []byte { return resp.AppendInt(nil, 1) }),
			func(a *Audit) int64 { return a.Lost }},
		{"lost increment", once("INCR", 50, func(*server, []string) []byte { return resp.AppendInt(nil, 1<<30) }),
			func(a *Audit) int64 { return a.Lost }},
		{"doubled push", once("RPUSH", 50, func(s *server, args []string) []byte { s.apply(args); return nil }),
			func(a *Audit) int64 { return a.Doubled }},
		{"doubled increment", once("INCR", 50, func(s *server, args []string) []byte { s.apply(args); return nil }),
			func(a *Audit) int64 { return a.Doubled }},
		{"refused and applied", once("RPUSH", 50, func(s *server, args []string) []byte {
			s.apply(args)
			return resp.AppendError(nil, "UNAVAILABLE no master")
		}), func(a *Audit) int64 { return a.RefusedApplied }},
		{"unknown and applied", once("RPUSH", 50, func(s *server, args []string) []byte {
			s.apply(args)
			return resp.AppendError(nil, "UNKNOWN outcome of RPUSH")
		}), func(a *Audit) int64 { return a.UnknownApplied }},
		{"connection cut", once("INCR", 50, func(*server, []string) []byte { return hangUp }),
			func(a *Audit) int64 { return a.Unknown }},
		{"stale read", onceWritten("GET", 50, func(*server, []string) []byte { return resp.AppendBulkString(nil, "0") }),
			func(a *Audit) int64 { return a.Stale }},
	} {
		_, audit := verify(t, tc.fault)
		if n := tc.found(audit); n != 1 {
			t.Errorf("%s: found %d times, want once: %v", tc.name, n, audit)
		}
	}
}
