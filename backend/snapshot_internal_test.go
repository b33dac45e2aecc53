package backend

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"holdfast/backend/internal/rdb"
	"holdfast/conf"
)

// A snapshot that is given up in the moment in which it begins does not stand in
// the way of the next.
func TestSnapshotGivenUpAtItsBeginning(t *testing.T) {
	settings, err := conf.New[conf.NodeConfig]("--dir", t.TempDir(), "--save", "")
	if err != nil {
		t.Fatal(err)
	}
	n, err := New(settings, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	s := &session{node: n, proto: 2, authed: true}
	n.exec(s, &n.x, [][]byte{[]byte("SET"), []byte("key"), []byte("value")})
	ctx, giveUp := context.WithCancel(context.Background())
	begun := func() rdb.Info { giveUp(); return n.place() }
	if err := n.snapshot(ctx, begun, io.Discard); !errors.Is(err, context.Canceled) {
		t.Fatalf("the first ended with %v", err)
	}
	if err := n.snapshot(ctx, func() rdb.Info { t.Error("a walk that nobody waits for was begun"); return rdb.Info{} }, io.Discard); !errors.Is(err, context.Canceled) {
		t.Fatalf("the second ended with %v", err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	if err := n.snapshot(ctx, n.place, io.Discard); err != nil {
		t.Errorf("the third ended with %v", err)
	}
}
