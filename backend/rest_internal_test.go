package backend

import (
	"io"
	"log/slog"
	"testing"

	"holdfast/conf"
)

// atRest is a node that was made and not started: the test alone uses it.
func atRest(t testing.TB, flags ...string) *Node {
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

// Nothing is confirmed while a loop has yet to close the clients of a history that
// ended, whatever the next one says.
func TestNothingIsConfirmedWhileClientsAreDropped(t *testing.T) {
	n := atRest(t)
	n.seen.Store(&standing{role: roleReplica})
	n.sight.Store(100)
	n.dropping.Store(1)
	if got := n.confirmed(); got != 0 {
		t.Errorf("%d is confirmed", got)
	}
	n.dropping.Store(0)
	if got := n.confirmed(); got != 100 {
		t.Errorf("%d is confirmed when they are closed, want 100", got)
	}
}
