package up

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
	"holdfast/backend/resp"
)

// The test binary plays every part: called with a part's command line it
// answers SET, GET and DEL at --port, or fails when its settings say so.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && partNames[os.Args[1]] != 0 {
		playPart(os.Args[1:])
	}
	os.Exit(m.Run())
}

func playPart(args []string) {
	value := func(key string) string {
		if i := slices.Index(args, "--"+key); i >= 0 {
			return args[i+1]
		}
		return ""
	}
	if value("maxclients") == "13" { // the first node fails, and without it the rest never serves
		if args[0] != "node" {
			time.Sleep(time.Hour)
		}
		fmt.Println("1:M now # the setting makes no sense")
		os.Exit(3)
	}
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", value("port")))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("1:M now # Warning: here I am at", value("port")) // words of its own: the same ones are shown once
	for {
		c, err := ln.Accept()
		if err != nil {
			os.Exit(1)
		}
		go answer(c)
	}
}

func answer(c net.Conn) {
	defer c.Close()
	var set string
	for in, buf := new(resp.Requests), bufio.NewReader(c); ; {
		buf.Peek(1)
		b, _ := buf.Peek(buf.Buffered())
		args, n, err := in.Next(b)
		if err != nil || n == 0 {
			return
		}
		reply := "+OK\r\n"
		switch string(args[0]) {
		case "SET":
			set = string(args[2])
		case "GET":
			reply = string(resp.AppendBulkString(nil, set))
		}
		buf.Discard(n)
		c.Write([]byte(reply))
	}
}

// output is what the user sees.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// options of a group of 2 nodes, 1 sentinel and 1 proxy on free ports.
func testOptions(t *testing.T, extra string) Options {
	t.Helper()
	base := freeport.Range(t, 7)
	o, err := Parse(strings.Fields(fmt.Sprintf("--nodes 2 --sentinels 1 --node-port %d --sentinel-port %d --raft-port %d --proxy-port %d --admin-port %d %s",
		base, base+2, base+3, base+4, base+5, extra)))
	if err != nil {
		t.Fatal(err)
	}
	o.Dir = t.TempDir()
	return o
}

// startGroup runs a group until the test ends, and waits until it is ready.
func startGroup(t *testing.T, o Options) (s *Supervisor, out *output, stop func()) {
	t.Helper()
	out = new(output)
	s, err := New(o, os.Args[0], out)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	await(t, "it is ready", func() bool { return strings.Contains(out.String(), "ready:") || len(done) > 0 })
	return s, out, stop
}

func TestAGroupRunsUntilItIsStopped(t *testing.T) {
	o := testOptions(t, "")
	os.WriteFile(filepath.Join(o.Dir, StateFile), []byte("stale"), 0o600)
	_, out, stop := startGroup(t, o)
	state, err := ReadState(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(state.Nodes) != 2 || len(state.Sentinels) != 1 || len(state.Proxies) != 1 ||
		state.Nodes[1].Addr != local(o.NodePort+1) || state.Nodes[0].Dir != filepath.Join(o.Dir, "n1") {
		t.Errorf("%+v", state)
	}
	if !strings.Contains(out.String(), fmt.Sprintf("redis-cli -p %d", o.ProxyPort)) {
		t.Errorf("it does not say what to type next:\n%s", out)
	}
	stop()
	for _, p := range slices.Concat(state.Nodes, state.Sentinels, state.Proxies) {
		if syscall.Kill(p.PID, 0) == nil {
			t.Errorf("process %d is left", p.PID)
		}
	}
	if _, err := ReadState(o.Dir); err == nil {
		t.Error("up.json is left")
	}
}

func TestADeadPartIsStartedAgain(t *testing.T) {
	o := testOptions(t, "--restart-after 100ms")
	_, out, _ := startGroup(t, o)
	before, err := ReadState(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(before.Nodes[0].PID, syscall.SIGKILL)
	await(t, "up.json has the new process", func() bool {
		now, err := ReadState(o.Dir)
		return err == nil && now.Nodes[0].PID != 0 && now.Nodes[0].PID != before.Nodes[0].PID
	})
	await(t, "its warning is shown", func() bool {
		return strings.Contains(out.String(), fmt.Sprint("n1: Warning: here I am at ", o.NodePort))
	})
	if !strings.Contains(out.String(), "n1: ended (signal: killed); starting it again in 100ms") {
		t.Errorf("the end is not told:\n%s", out)
	}
}

func TestADeadPartStaysDeadWithoutRestartAfter(t *testing.T) {
	o := testOptions(t, "--restart-after 0")
	_, out, _ := startGroup(t, o)
	before, err := ReadState(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(before.Nodes[1].PID, syscall.SIGKILL)
	await(t, "up.json shows it", func() bool {
		now, err := ReadState(o.Dir)
		return err == nil && now.Nodes[1].PID == 0
	})
	await(t, "it is told", func() bool {
		return strings.Contains(out.String(), "n2: ended (signal: killed); it is not started again")
	})
}

// The parts of a group that was killed may still hold its ports for a moment.
func TestAGroupWaitsForAKilledOne(t *testing.T) {
	o := testOptions(t, "")
	os.WriteFile(filepath.Join(o.Dir, StateFile), []byte("stale"), 0o600)
	dying, err := net.Listen("tcp", local(o.ProxyPort))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { dying.Close() })
	startGroup(t, o)
	if _, err := ReadState(o.Dir); err != nil {
		t.Error(err)
	}
}

func TestFailuresToStart(t *testing.T) {
	taken := testOptions(t, "")
	ln, err := net.Listen("tcp", local(taken.ProxyPort))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	fails := testOptions(t, "--maxclients 13")
	notADir := testOptions(t, "")
	notADir.Dir = filepath.Join(notADir.Dir, "file")
	os.WriteFile(notADir.Dir, nil, 0o600)

	for _, tc := range []struct {
		name string
		o    Options
		want []string
	}{
		{"a port is taken", taken, []string{fmt.Sprint("port ", taken.ProxyPort), "proxy p1", "--proxy-port"}},
		{"a part ends", fails, []string{"ended before the group was ready", "exit status 3", "the setting makes no sense"}},
		{"dir is a file", notADir, []string{"cannot be made"}},
	} {
		s, err := New(tc.o, os.Args[0], new(output))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err = s.Run(ctx)
		for _, want := range tc.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", tc.name, err, want)
			}
		}
		for _, r := range s.parts {
			if r.pid() != 0 {
				t.Errorf("%s: %s is left", tc.name, r.Name)
			}
		}
	}
}

func TestOneGroupPerDirectory(t *testing.T) {
	o := testOptions(t, "")
	startGroup(t, o)
	second := testOptions(t, "")
	second.Dir = o.Dir
	s, err := New(second, os.Args[0], new(output))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "another group runs in") {
		t.Errorf("a second group in the same directory: %v", err)
	}
	if _, err := ReadState(o.Dir); err != nil {
		t.Errorf("the first group's up.json is gone: %v", err)
	}
}

func TestNewsShowsAWarningOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	tail := &tailer{shown: make(map[string]time.Time), at: make(map[string]int64)}
	now := time.Now()
	for _, step := range []struct {
		add  string
		want string
	}{
		{"1:X t * quiet\n1:X t # +sdown master a\n1:X t # unfin", "+sdown master a"},
		{"ished\n1:X t # +sdown master a\n", "unfinished"},
		{"panic: no\n", "panic: no"},
	} {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(step.add)
		f.Close()
		if got := strings.Join(tail.news("s1", file, now), "; "); got != step.want {
			t.Errorf("after %q: %q, want %q", step.add, got, step.want)
		}
	}
}
