package main_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/cmd/internal/drill"
	"holdfast/cmd/internal/up"
	"holdfast/cmd/internal/view"
)

// The first minute of a new user: one command, one endpoint, a write, a read
// that a replica served, and nothing left behind.
func TestUpServesAtOnceAndLeavesNothing(t *testing.T) {
	start := time.Now()
	c := startCluster(t, "")
	if took := time.Since(start); took > time.Duration(10**drillSlack)*time.Second {
		t.Errorf("ready after %v; promised are 10 s, and %v times that passes here", took, *drillSlack)
	}
	mustDo(t, c.proxy(), "SET", "abc", "hahahahah")
	awaitValue(t, c.proxy(), "abc", "hahahahah")
	c.awaitWhole()
	await(t, 10*time.Second, "the metrics show a read served by a replica", func() error {
		mustDo(t, c.proxy(), "GET", "abc")
		if proxyReads(t, c, "replica") == 0 {
			return fmt.Errorf("no read went to a replica")
		}
		return nil
	})
	out, _, status := execute(t, time.Minute, "status", "--dir", c.opts.Dir)
	if status != 0 || !strings.Contains(out, "master "+local(c.opts.NodePort)) || strings.Count(out, "replica") < 2 {
		t.Errorf("status %d:\n%s", status, out)
	}
	for _, port := range []int{c.opts.ProxyPort, c.opts.NodePort, c.opts.SentinelPort} {
		if _, stderr, status := execute(t, time.Minute, "health", local(port)); status != 0 {
			t.Errorf("health of %d: %s", port, stderr)
		}
	}
	c.stop()
	if _, _, status := execute(t, time.Minute, "health", c.proxy()); status != 1 {
		t.Errorf("health of a stopped proxy: status %d, want 1", status)
	}
	if _, err := os.Stat(filepath.Join(c.opts.Dir, up.StateFile)); err == nil {
		t.Error("up.json is left")
	}
}

// proxyReads is how many reads the proxy's metrics say nodes of that role served.
func proxyReads(t *testing.T, c *cluster, role string) int {
	t.Helper()
	return proxyMetric(t, c, `holdfast_proxy_reads_total{role="`+role+`"}`)
}

// proxyMetric is a figure of the proxy's metrics, 0 where it is not among them.
func proxyMetric(t *testing.T, c *cluster, name string) int {
	t.Helper()
	res, err := http.Get("http://" + local(c.opts.AdminPort) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)`).FindSubmatch(body)
	if line == nil {
		return 0
	}
	n, err := strconv.ParseFloat(string(line[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func TestPartsDieWithAKilledUp(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "")
	state := c.state()
	c.cmd.Process.Signal(syscall.SIGKILL)
	<-c.done
	c.noneLeft(state)
	// What it left behind does not hinder the next one.
	next := startClusterIn(t, c.opts.Dir, c.ports(), "")
	if got := mustDo(t, next.proxy(), "SET", "k", "v"); got != "OK" {
		t.Errorf("SET after a restart: %q", got)
	}
}

func TestDataIsTiedToItsPorts(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--nodes 1 --sentinels 1")
	c.stop()
	out, err := exec.Command(program, append([]string{"up", "--dir", c.opts.Dir, "--nodes", "1", "--sentinels", "1"},
		strings.Fields(clusterPorts(t)+" --node-port 9")...)...).CombinedOutput()
	if want := fmt.Sprintf("--node-port %d", c.opts.NodePort); err == nil || !strings.Contains(string(out), want) {
		t.Errorf("%v\n%s\nshould name %s", err, out, want)
	}
}

func TestBadInputIsNamed(t *testing.T) {
	t.Parallel()
	busy := startCluster(t, "--nodes 1 --sentinels 1")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	busyPort := strconv.Itoa(busy.opts.ProxyPort)
	for _, tc := range []struct {
		name string
		args []string
		want []string
	}{
		{"a taken port, up", append(strings.Fields("up --dir "+t.TempDir()+" "+clusterPorts(t)), "--proxy-port", busyPort), []string{busyPort, "--proxy-port"}},
		{"a taken port, node", []string{"node", "--dir", t.TempDir(), "--port", busyPort, "--control-port", "0"}, []string{busyPort, "address already in use"}},
		{"a taken port, proxy", []string{"proxy", "--port", busyPort, "--master", "127.0.0.1:1"}, []string{busyPort, "address already in use"}},
		{"a directory that cannot be", []string{"node", "--port", "0", "--dir", file}, []string{file}},
		{"an unknown key", []string{"node", "--maxmemry", "1gb"}, []string{"maxmemry", "maxmemory"}},
		{"a key of another part", []string{"proxy", "--appendonly", "yes"}, []string{"appendonly", "node"}},
		{"a wrong value", []string{"node", "--port", "many"}, []string{"port"}},
		{"a sentinel that does not list itself", []string{"sentinel", "--dir", t.TempDir(), "--raft.id", "s9",
			"--raft.members", "s1=127.0.0.1:1 s2=127.0.0.1:2 s3=127.0.0.1:3"}, []string{"s9"}},
		{"a sentinel alone", []string{"sentinel", "--dir", t.TempDir()}, []string{"members"}},
		{"an unknown command", []string{"nod"}, []string{"nod"}},
		{"an unknown drill", []string{"drill", "kill-everyone"}, []string{"kill-everyone"}},
		{"no group", []string{"status", "--dir", t.TempDir()}, []string{"holdfast up"}},
	} {
		out, stderr, status := execute(t, time.Minute, tc.args...)
		if status == 0 {
			t.Errorf("%s: status 0", tc.name)
		}
		for _, want := range tc.want {
			if !strings.Contains(out+stderr, want) {
				t.Errorf("%s: no %q in %q", tc.name, want, out+stderr)
			}
		}
		if strings.Contains(stderr, "goroutine ") {
			t.Errorf("%s: a stack trace: %s", tc.name, stderr)
		}
	}
	if got := mustDo(t, busy.proxy(), "PING"); got != "PONG" {
		t.Errorf("the group that held the port: %q", got)
	}
}

// One requirepass is enough: up gives every part what it needs to log in to the
// others, and status and drill log in with it.
func TestUpWithAPassword(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--requirepass secret")
	if _, err := do(t, time.Minute, c.proxy(), "GET", "k"); err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
		t.Errorf("a client without a password: %v", err)
	}
	ctx := view.WithPassword(t.Context(), "secret")
	await(t, 60*time.Second, "the group is whole", func() error { return drill.Whole(ctx, c.opts.Dir) })
	out, stderr, status := execute(t, time.Minute, "status", "--dir", c.opts.Dir, "-a", "secret")
	if status != 0 || strings.Contains(out, "down") || strings.Contains(out, "NOAUTH") {
		t.Errorf("status %d: %s%s", status, out, stderr)
	}
	out, stderr, status = execute(t, time.Minute, "drill", "switchover", "--dir", c.opts.Dir, "-a", "secret", "--duration", "200ms")
	if status != 0 || !strings.Contains(out, "0") {
		t.Errorf("drill %d: %s%s", status, out, stderr)
	}
	out, stderr, status = execute(t, time.Minute, "status", "--dir", c.opts.Dir)
	if status != 1 || !strings.Contains(out+stderr, "NOAUTH") {
		t.Errorf("status without the password %d: %s%s", status, out, stderr)
	}
}
