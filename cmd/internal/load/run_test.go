package load

import (
	"context"
	"strings"
	"testing"
	"time"

	"holdfast/backend/resp"
)

func TestTemplateTakesOpsInTurnWithKeysBelowTheKeyspace(t *testing.T) {
	ops, err := FindOps([]string{"set", "get"})
	if err != nil {
		t.Fatal(err)
	}
	tpl := newTemplate(&Options{Ops: ops, Pipeline: 3, DataSize: 2, Keyspace: 10}, 0)
	var sent string
	for range 4 {
		b, _ := tpl.take(3)
		sent += string(b)
	}
	var in resp.Requests
	buf := []byte(sent)
	for i := 0; len(buf) > 0; i++ {
		args, n, err := in.Next(buf)
		if err != nil || n == 0 {
			t.Fatalf("request %d of %q: %v", i, sent, err)
		}
		if want := ops[i%2].args[0]; string(args[0]) != want {
			t.Errorf("request %d is %s, want %s", i, args[0], want)
		}
		if key := string(args[1]); len(key) != len("key:")+keyWidth || !strings.HasPrefix(key, "key:00000000000") {
			t.Errorf("request %d has the key %q, want one below 10 in %d digits", i, key, keyWidth)
		}
		buf = buf[n:]
	}
}

func TestFindOps(t *testing.T) {
	for _, tc := range []struct {
		names string
		want  int
	}{{"set,get", 2}, {"ping", 2}, {"LRANGE", 4}, {"lrange_100", 1}, {"nonesuch", 0}} {
		ops, err := FindOps(strings.Split(tc.names, ","))
		if len(ops) != tc.want || (err != nil) != (tc.want == 0) {
			t.Errorf("FindOps(%s): %d ops, %v; want %d", tc.names, len(ops), err, tc.want)
		}
	}
}

func options(addr string) Options {
	ops, _ := FindOps([]string{"set", "get"})
	return Options{Addrs: []string{addr}, Conns: 3, Pipeline: 4, Requests: 1000, Ops: ops, DataSize: 3, Keyspace: 100, Timeout: time.Minute}
}

func TestClosedLoopSendsExactlyTheRequests(t *testing.T) {
	s, addr := startServer(t, nil)
	res, err := Run(t.Context(), options(addr))
	if err != nil {
		t.Fatal(err)
	}
	if s.commands != 1000 || res.Sent != 1000 || res.Succeeded != 1000 || res.Latency.TotalCount() != 1000 {
		t.Errorf("server saw %d, result %+v; want 1000 of each", s.commands, res)
	}
}

func TestErrorsAreCountedByKindAndConnectionsComeBack(t *testing.T) {
	_, addr := startServer(t, func(s *server, args []string) []byte {
		switch s.commands {
		case 100:
			return resp.AppendError(nil, "UNKNOWN outcome of SET")
		case 200:
			return resp.AppendError(nil, "OOM command not allowed")
		case 300:
			return hangUp
		}
		return nil
	})
	res, err := Run(t.Context(), options(addr))
	if err != nil {
		t.Fatal(err)
	}
	if res.Errors["UNKNOWN outcome"] != 1 || res.Errors["OOM"] != 1 || res.Errors[KindLost] == 0 {
		t.Errorf("errors %v; want one UNKNOWN outcome, one OOM, and lost ones", res.Errors)
	}
	if got := res.Succeeded + res.Failed(); got != 1000 {
		t.Errorf("%d succeeded + %d failed; want 1000 together", res.Succeeded, res.Failed())
	}
}

func TestWhatIsSentWhileALoadSettlesIsNotCounted(t *testing.T) {
	s, addr := startServer(t, nil)
	o := options(addr)
	o.Requests, o.Settle, o.Duration = 0, 300*time.Millisecond, 500*time.Millisecond
	began := time.Now()
	res, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if res.Sent == 0 || res.Sent >= int64(s.commands) || res.Succeeded != res.Sent {
		t.Errorf("of %d commands %d were counted as sent and %d as answered", s.commands, res.Sent, res.Succeeded)
	}
	if res.Elapsed < o.Duration || res.Elapsed > time.Since(began)-o.Settle {
		t.Errorf("it took %v, settling left out", res.Elapsed)
	}
}

// A stall of the server must be charged with every request that was due in it.
func TestOpenLoopChargesAStallWithAllRequestsItDelayed(t *testing.T) {
	const stall = time.Second
	_, addr := startServer(t, func(s *server, args []string) []byte {
		if s.commands == 100 {
			time.Sleep(stall)
		}
		return nil
	})
	o := options(addr)
	o.Rate, o.Requests = 1000, 600
	res, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if res.Succeeded != 600 {
		t.Fatalf("%d of 600 succeeded: %v", res.Succeeded, res.Errors)
	}
	// Due evenly within the stall, a third of all 600 waited 100 ms and more.
	if p := res.Percentile(70); p < 50*time.Millisecond {
		t.Errorf("the 70th percentile is %v; the stall was not charged", p)
	}
	if res.Pause < stall/2 { // the answer before it may have been read late
		t.Errorf("pause %v, want about %v", res.Pause, stall)
	}
	if res.Elapsed < 550*time.Millisecond {
		t.Errorf("600 requests at 1000/s took %v", res.Elapsed)
	}
}

func TestRunEndsWithItsContextAndRefusesNonsense(t *testing.T) {
	_, addr := startServer(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	o := options(addr)
	o.Requests = 0
	if _, err := Run(ctx, o); err != nil {
		t.Error(err)
	}
	o.Conns = 0
	if _, err := Run(t.Context(), o); err == nil {
		t.Error("a load of no connections was accepted")
	}
	o = options("127.0.0.1:1")
	if _, err := Run(t.Context(), o); err == nil {
		t.Error("an address nobody listens at was accepted")
	}
}
