package backend

import (
	"io"
	"log/slog"
	"testing"

	"holdfast/conf"
)

// atRest is a node that was made and not started: the test alone uses it.
func atRest(t *testing.T, flags ...string) *Node {
	t.Helper()
	settings, err := conf.New[conf.NodeConfig](append([]string{"--dir", t.TempDir(), "--save", ""}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := New(settings, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}
