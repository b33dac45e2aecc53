package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBackup: the file is whole, loads, and has what was asked for.
func TestBackup(t *testing.T) {
	addr := node(t)
	c, out := with(t, Options{Addr: addr})
	library := "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
	for _, args := range [][]string{{"SET", "greeting", "hello there"}, {"FUNCTION", "LOAD", library}} {
		if err := c.Do(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	for _, functionsOnly := range []bool{false, true} {
		out.Reset()
		name := filepath.Join(t.TempDir(), "backup.rdb")
		if err := c.Backup(t.Context(), name, functionsOnly); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "REDIS") || !strings.Contains(string(text), "register_function") {
			t.Errorf("no snapshot with functions: %.60q", text)
		}
		if got := strings.Contains(string(text), "hello there"); got == functionsOnly {
			t.Errorf("functions alone: %v; the key is there: %v", functionsOnly, got)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*")); len(left) != 1 {
			t.Errorf("files left: %q", left)
		}
		if !strings.Contains(out.String(), "Transfer finished with success after ") {
			t.Errorf("said %q", out)
		}
	}
}

// TestBackupKeepsTheOldFile: what was not taken whole replaces nothing.
func TestBackupKeepsTheOldFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "backup.rdb")
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := with(t, Options{Addr: node(t), User: "nobody", Password: "wrong"})
	if err := c.Backup(t.Context(), name, false); err == nil {
		t.Error("no error without a snapshot")
	}
	if text, _ := os.ReadFile(name); string(text) != "old" {
		t.Errorf("the old file is now %q", text)
	}
}

// TestReplica prints commands as they are sent.
func TestReplica(t *testing.T) {
	addr := node(t)
	writer, _ := with(t, Options{Addr: addr})
	c, out := with(t, Options{Addr: addr})
	seen := make(lines, 64)
	c.out = seen
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Replica(ctx) }()
	deadline := time.After(time.Minute)
	for found := false; !found; {
		if err := writer.Do(t.Context(), "SET", "k", "a \"b\""); err != nil {
			t.Fatal(err)
		}
		select {
		case line := <-seen:
			found = line == `"SET","k","a \"b\""`+"\n"
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("the command was not shown: %q", out)
		}
	}
	cancel()
	for {
		select {
		case <-seen:
			continue
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
}

// lines is a writer that hands on what is written to it.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}
