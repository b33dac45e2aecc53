package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/netio/freeport"
	"holdfast/backend/resp"
	"holdfast/cmd/internal/drill"
	"holdfast/cmd/internal/up"
	"holdfast/cmd/internal/view"
)

// drillRuns is how often each drill is repeated; the full series is run by hand
// with -drill.runs 10.
var drillRuns = flag.Int("drill.runs", 2, "runs of each drill")

// drillSlack widens the promised pauses, and only them: a machine that also
// builds and tests other things stops processes for seconds. What is promised
// is measured by hand on a quiet machine with -drill.slack 1.
var drillSlack = flag.Float64("drill.slack", 5, "factor on the promised pauses")

// program is the real binary, built once for all tests.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "holdfast-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = os.Getenv(programInHub)
	status := 1
	if out, err := build(filepath.Join(dir, "holdfast")); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
	} else {
		status = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(status)
}

// build makes the program, if there is none yet.
func build(at string) (said []byte, err error) {
	if program != "" {
		return nil, nil
	}
	program = at
	return exec.Command("go", "build", "-o", program, ".").CombinedOutput()
}

// require skips the test when the machine lacks something, with the reason;
// where HOLDFAST_REQUIRE names it, lacking it is a failure.
func require(t *testing.T, what string, lack error) {
	t.Helper()
	switch {
	case lack == nil:
	case slices.Contains(strings.Split(os.Getenv("HOLDFAST_REQUIRE"), ","), what):
		t.Fatalf("%s is required here: %v", what, lack)
	default:
		t.Skipf("skipped, because this machine lacks %s: %v", what, lack)
	}
}

func requireRedis(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		_, err := exec.LookPath(p)
		require(t, "redis", err)
	}
}

// cluster is a group that `holdfast up` runs.
type cluster struct {
	t    *testing.T
	opts up.Options
	cmd  *exec.Cmd
	out  *safeBuffer
	done chan struct{}
	stop func()
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// fast are settings under which a failure is judged within a second, and nobody
// gives up where the machine is too busy to get over it soon.
const fast = "--down-after-milliseconds 1000 --restart-after 1s --hold-timeout 60s --write-acks-timeout 60s "

// startCluster runs `holdfast up` on free ports, waits until it is ready, and
// at the end of the test stops it and sees that no process is left.
func startCluster(t *testing.T, args string) *cluster {
	t.Helper()
	return startClusterIn(t, t.TempDir(), clusterPorts(t), args)
}

func startClusterIn(t *testing.T, dir, ports, args string) *cluster {
	t.Helper()
	all := append([]string{"--dir", dir}, strings.Fields(ports+" "+args)...)
	opts, err := up.Parse(all)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, opts: opts, out: new(safeBuffer), done: make(chan struct{})}
	c.cmd = exec.Command(program, append([]string{"up"}, all...)...)
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		c.cmd.Wait()
		close(c.done)
	}()
	c.stop = sync.OnceFunc(c.stopAndCheck)
	t.Cleanup(c.stop)
	await(t, 30*time.Second, "the group is ready", func() error {
		select {
		case <-c.done:
			t.Fatalf("up ended:\n%s", c.out)
		default:
		}
		if !strings.Contains(c.out.String(), "ready:") { // up.json may be a killed one's until then
			return errors.New("it has not said so")
		}
		return nil
	})
	return c
}

func (c *cluster) stopAndCheck() {
	state, _ := up.ReadState(c.opts.Dir)
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(time.Minute):
		c.cmd.Process.Kill()
		<-c.done
		c.t.Errorf("up did not stop within a minute:\n%s", c.out)
	}
	if state != nil {
		c.noneLeft(state)
	}
	if c.t.Failed() {
		c.t.Logf("up said:\n%s", c.out)
		c.keepLogs()
	}
}

// noneLeft sees that every process of the group is gone.
func (c *cluster) noneLeft(s *up.State) {
	c.t.Helper()
	for _, p := range slices.Concat(s.Nodes, s.Sentinels, s.Proxies) {
		await(c.t, 5*time.Second, fmt.Sprintf("process %d at %s is gone", p.PID, p.Addr), func() error {
			if p.PID != 0 && isAlive(p.PID) {
				return errors.New("it is there")
			}
			return nil
		})
	}
}

// isAlive tells whether the process runs; a zombie does not.
func isAlive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// keepLogs prints the ends of all logs of a failed test.
func (c *cluster) keepLogs() {
	logs, _ := filepath.Glob(filepath.Join(c.opts.Dir, "*", "log"))
	for _, file := range logs {
		b, _ := os.ReadFile(file)
		c.t.Logf("%s:\n%s", file, b[max(0, len(b)-4000):])
	}
}

func (c *cluster) state() *up.State {
	c.t.Helper()
	s, err := up.ReadState(c.opts.Dir)
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

func (c *cluster) proxy() string { return local(c.opts.ProxyPort) }

// master is the process of the group's master.
func (c *cluster) master() up.Process {
	c.t.Helper()
	s := c.state()
	var sentinels []string
	for _, p := range s.Sentinels {
		sentinels = append(sentinels, p.Addr)
	}
	var master up.Process
	await(c.t, 10*time.Second, "a sentinel tells the master", func() error {
		topo, err := view.AskTopology(c.t.Context(), sentinels, up.Group)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(s.Nodes, func(p up.Process) bool { return p.Addr == topo.Master.Addr })
		if at < 0 {
			return fmt.Errorf("the master %q is none of %v", topo.Master.Addr, s.Nodes)
		}
		master = s.Nodes[at]
		return nil
	})
	return master
}

func (c *cluster) kill(p up.Process) {
	c.t.Helper()
	if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
		c.t.Fatalf("killing %v: %v", p, err)
	}
}

// awaitWhole waits until every part stands where it belongs.
func (c *cluster) awaitWhole() {
	c.t.Helper()
	await(c.t, 60*time.Second, "the group is whole", func() error { return drill.Whole(c.t.Context(), c.opts.Dir) })
}

// drill runs `holdfast drill` and returns what each run showed.
func (c *cluster) drill(kind, flags string) []drill.Outcome {
	c.t.Helper()
	args := append([]string{"drill", kind, "--json", "--dir", c.opts.Dir}, strings.Fields(flags)...)
	out, stderr, status := execute(c.t, 5*time.Minute, args...)
	var all []drill.Outcome
	for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
		var o drill.Outcome
		if err := dec.Decode(&o); err != nil {
			c.t.Fatalf("%v in %s", err, out)
		}
		c.t.Logf("%s %s: pause %.0f ms, slowest %.0f ms, whole after %.1f s, %d writes, %d reads, errors %v, lost %d, doubled %d, unknown %d (%d applied), stale %d",
			kind, o.Target, o.Pause, o.Slowest, o.Whole/1000, o.Writes, o.Reads, o.Errors, o.Lost, o.Doubled, o.Unknown, o.UnknownApplied, o.Stale)
		all = append(all, o)
	}
	if status != 0 || len(all) == 0 {
		c.t.Fatalf("drill %s: status %d: %s%s", kind, status, out, stderr)
	}
	return all
}

// execute runs the program to its end.
func execute(t *testing.T, limit time.Duration, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	return executeProgram(t, limit, program, args...)
}

func executeProgram(t *testing.T, limit time.Duration, name string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%s %v took longer than %v:\n%s%s", name, args, limit, &out, &errs)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// do sends one command on a connection of its own.
func do(t *testing.T, limit time.Duration, addr string, args ...string) (resp.Value, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	conn, err := client.Dial(ctx, addr, client.Options{})
	if err != nil {
		return resp.Value{}, err
	}
	defer conn.Close()
	return conn.Do(ctx, args...)
}

func mustDo(t *testing.T, addr string, args ...string) string {
	t.Helper()
	v, err := do(t, time.Minute, addr, args...)
	if err != nil {
		t.Fatalf("%v at %s: %v", args, addr, err)
	}
	if v.Kind == ':' {
		return strconv.FormatInt(v.Int, 10)
	}
	return v.Text
}

// awaitValue waits until a key that was set is read so through a proxy. A replica
// may answer that has not come to the write: only the connection that wrote is
// certain to see it at once.
func awaitValue(t *testing.T, proxy, key, want string) {
	t.Helper()
	await(t, 20*time.Second, "GET "+key+" says "+want, func() error {
		if got := mustDo(t, proxy, "GET", key); got != want {
			return fmt.Errorf("it says %q", got)
		}
		return nil
	})
}

// patience stretches what is waited for: a deadline costs time only where the
// test fails anyway, and a machine may be slow or busy with other tests.
const patience = 3

func await(t *testing.T, limit time.Duration, what string, amiss func() error) {
	t.Helper()
	limit *= patience
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		err := amiss()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain until %s: %v", limit, what, err)
		}
	}
}

// clusterPorts are flags with free ports for a group of up to 5 parts of each
// kind.
func clusterPorts(t *testing.T) string {
	base := freeport.Range(t, 25)
	return fmt.Sprintf("--node-port %d --sentinel-port %d --raft-port %d --proxy-port %d --admin-port %d",
		base, base+5, base+10, base+15, base+20)
}

// ports are the flags of a group that comes back where this one was.
func (c *cluster) ports() string {
	o := &c.opts
	return fmt.Sprintf("--node-port %d --sentinel-port %d --raft-port %d --proxy-port %d --admin-port %d",
		o.NodePort, o.SentinelPort, o.RaftPort, o.ProxyPort, o.AdminPort)
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
