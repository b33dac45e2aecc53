package main_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
)

// A node that its file puts into the background stays so when it rewrites that
// file, as it does at every change of its role.
func TestDaemon(t *testing.T) {
	t.Parallel()
	port, dir := freeport.Port(t), t.TempDir()
	file, pidFile := filepath.Join(dir, "redis.conf"), filepath.Join(dir, "pid")
	text := fmt.Sprintf("# in the background\ndaemonize yes\nport %d\ncontrol-port %d\nbind 127.0.0.1\ndir %s\npidfile %s\nsave \"\"\n",
		port, freeport.Port(t), dir, pidFile)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, stderr, status := execute(t, time.Minute, "node", file); status != 0 || out+stderr != "" {
		t.Fatalf("status %d: %s%s", status, out, stderr)
	}
	addr := local(port)
	await(t, 20*time.Second, "the node answers", func() error {
		_, err := do(t, 5*time.Second, addr, "PING")
		return err
	})
	t.Cleanup(func() {
		b, err := os.ReadFile(pidFile)
		if pid, _ := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && pid > 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it is still there: the test failed
		}
	})
	if v, err := do(t, 5*time.Second, addr, "CONFIG", "GET", "daemonize"); err != nil || len(v.Elems) != 2 || v.Elems[1].Text != "yes" {
		t.Errorf("CONFIG GET daemonize: %v, %v", v.Elems, err)
	}
	mustDo(t, addr, "CONFIG", "SET", "maxmemory-samples", "7")
	mustDo(t, addr, "CONFIG", "REWRITE")
	if b, err := os.ReadFile(file); err != nil || string(b) != text+"maxmemory-samples 7\n" {
		t.Errorf("the file became %q, %v", b, err)
	}
	_, _ = do(t, 5*time.Second, addr, "SHUTDOWN", "NOSAVE")
	await(t, 20*time.Second, "the node ends", func() error {
		if _, err := os.Stat(pidFile); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("its pidfile is there: %v", err)
		}
		return nil
	})
}

// Its configuration can be read from standard input once only.
func TestDaemonOfStandardInput(t *testing.T) {
	t.Parallel()
	out, stderr, status := execute(t, time.Minute, "node", "-", "--daemonize", "yes")
	if status != 1 || !strings.Contains(stderr, "put it into a file") {
		t.Errorf("status %d: %s%s", status, out, stderr)
	}
}
