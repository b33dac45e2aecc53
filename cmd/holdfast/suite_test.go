package main_test

import (
	"bufio"
	"context"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// leastPassed is how many tests of Redis's suite a node passes: redis-server
// 7.2.5 itself passes 2,105 of them in this mode.
var leastPassed = flag.Int("suite.least", 2050, "tests of Redis's own suite that must pass")

// TestRedisSuite runs Redis's own test suite against a node, as an external
// server. HOLDFAST_REDIS_SUITE names a checkout of Redis 7.2 that has been
// built (the suite wants redis-cli and redis-benchmark); the suite's scratch
// files go there.
func TestRedisSuite(t *testing.T) {
	checkout := os.Getenv("HOLDFAST_REDIS_SUITE")
	if checkout == "" {
		t.Skip("skipped, because HOLDFAST_REDIS_SUITE names no built checkout of Redis 7.2")
	}
	for _, program := range []string{"runtest", "src/redis-cli", "src/redis-benchmark"} {
		if _, err := os.Stat(filepath.Join(checkout, program)); err != nil {
			t.Fatalf("HOLDFAST_REDIS_SUITE must name a built checkout of Redis: %v", err)
		}
	}
	addr := startServer(t, exec.Command(program, "node", "--managed", "no", "--enable-debug-command", "yes", "--enable-protected-configs", "yes"))
	passed, failed := runSuite(t, checkout, addr)
	t.Logf("%d tests passed, %d failed", passed, len(failed))
	for _, f := range failed {
		t.Log(f)
	}
	if passed < *leastPassed {
		t.Errorf("only %d tests passed, expected at least %d", passed, *leastPassed)
	}
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// runSuite runs the whole suite and returns how many tests passed, and the
// lines of those that did not.
func runSuite(t *testing.T, checkout, addr string) (passed int, failed []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	host, port, _ := strings.Cut(addr, ":")
	cmd := exec.CommandContext(ctx, "./runtest", "--host", host, "--port", port, "--tags", "-slow", "--clients", "1", "--timeout", "300")
	cmd.Dir = checkout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the script's children end with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch line := colours.ReplaceAllString(lines.Text(), ""); {
		case strings.HasPrefix(line, "[ok]"):
			passed++
		case strings.HasPrefix(line, "[err]"), strings.HasPrefix(line, "[exception]"), strings.HasPrefix(line, "[TIMEOUT]"):
			failed = append(failed, line)
		}
	}
	_, _ = io.Copy(io.Discard, out) // a line was too long to be looked at
	_ = cmd.Wait()                  // fails when a test does
	return passed, failed
}
