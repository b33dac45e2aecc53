package netio

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestClientsWithin(t *testing.T) {
	for _, c := range []struct {
		limit                 uint64
		clients, others, want int
	}{
		{1024, 10_000, 0, 896},
		{1024, 500, 0, 500},
		{1024, 10_000, 96, 800},
		{1024, 10_000, 1000, 448},
		{128, 10_000, 0, 0},
	} {
		if got := clientsWithin(c.limit, c.clients, c.others); got != c.want {
			t.Errorf("%d files, %d clients and %d others: %d fit, not %d", c.limit, c.clients, c.others, got, c.want)
		}
	}
}

// A low hard limit lowers maxclients, says so, and ends a start that makes no
// sense. It cannot be raised again, so a process of its own is asked.
func TestFitFileLimit(t *testing.T) {
	if os.Getenv("FIT_FILE_LIMIT") == "" {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestFitFileLimit$", "-test.v")
		cmd.Env = append(os.Environ(), "FIT_FILE_LIMIT=yes")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestFitFileLimit") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	lower := func(limit uint64) {
		t.Helper()
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			t.Fatal(err)
		}
	}
	lower(400)
	if fit, err := FitFileLimit(200, 0, log); fit != 200 || err != nil || said.Len() > 0 {
		t.Errorf("%d, %v, %s", fit, err, said.String())
	}
	fit, err := FitFileLimit(10_000, 0, log)
	if fit != 272 || err != nil || !strings.Contains(said.String(), "maxclients has been reduced to 272") {
		t.Errorf("%d, %v, %s", fit, err, said.String())
	}
	lower(100)
	if fit, err := FitFileLimit(10_000, 0, log); err == nil || !strings.Contains(err.Error(), "at least 10128") {
		t.Errorf("%d, %v", fit, err)
	}
}
