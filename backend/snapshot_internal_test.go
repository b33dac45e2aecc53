package backend

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/store"
)

// A snapshot that is given up in the moment in which it begins does not stand in
// the way of the next.
func TestSnapshotGivenUpAtItsBeginning(t *testing.T) {
	n := atRest(t)
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
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	if err := n.snapshot(ctx, n.place, io.Discard); err != nil {
		t.Errorf("the third ended with %v", err)
	}
}

// A walk leaves the engine to commands as far as they use it, and to nobody when
// the replicas that wait for it cannot wait much longer.
func TestWalkPause(t *testing.T) {
	const held = time.Millisecond
	for _, c := range []struct {
		name     string
		busy     float64
		feeds    bool
		pressure float64
		want     time.Duration
	}{
		{"nobody else", 0, false, 0, 0},
		{"some commands", walkFull / 24, false, 0, held},
		{"a loop at its limit", walkFull, false, 0, walkRest * held},
		{"several loops", 0.9, false, 0, walkRest * held},
		{"a replica that waits", walkFull, true, 0, walkRestFeed * held},
		{"its stream growing", walkFull, true, 0.25, walkRestFeed * held / 2},
		{"replicas about to be dropped", walkFull, true, 0.5, 0},
		{"replicas past their limit", walkFull, true, 1, 0},
	} {
		if got := walkPause(held, c.busy, c.feeds, c.pressure); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// While the receiver of a snapshot takes nothing, commands go on, and what they
// add to the snapshot is bounded.
func TestSnapshotIsGivenUpWhenItsReceiverIsTooSlow(t *testing.T) {
	n := atRest(t)
	const keys, size = 40, walkPending / 32
	value := make([]byte, size)
	for i := range keys {
		if err := n.store.DB(0).Set([]byte{byte(i)}, value, store.NoExpire); err != nil {
			t.Fatal(err)
		}
	}
	s := walker{n: n, enc: rdb.NewWriter(false)}
	if err := s.begin(context.Background(), n.place); err != nil {
		t.Fatal(err)
	}
	for i := range keys { // nobody comes for what these leave in the snapshot
		if err := n.store.DB(0).Set([]byte{byte(i)}, []byte("new"), store.NoExpire); err != nil {
			t.Fatal(err)
		}
	}
	if s.pending > walkPending+2*size {
		t.Errorf("%d bytes of the snapshot wait, beyond the bound of %d", s.pending, walkPending)
	}
	if _, err := s.next(); err == nil {
		t.Error("the snapshot goes on")
	}
}
