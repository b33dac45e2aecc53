package backend_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/internal/aof/disktest"
)

// With write-acks-durable a replica confirms what its disk has, and not before.
func TestDurableConfirmations(t *testing.T) {
	t.Parallel()
	disk := disktest.New()
	m := begin(t, t.TempDir(), "--write-acks-timeout", "60s")
	r := beginOn(t, disk, t.TempDir(), "--dir", "/data", "--appendonly", "yes", "--appendfsync", "always", "--write-acks-durable", "yes").loaded()
	r.follows(m)
	r.rewritten()
	m.must("CONFIG SET write-acks 1")
	m.must("SET a 1")
	m.must("CONFIG SET write-acks-timeout 200")
	disk.Slow(3 * time.Second)
	if _, err := ask(t, m.data, "SET", "a", "2"); err == nil || !strings.HasPrefix(err.Error(), "NOACKS") {
		t.Errorf("a write that is on no disk was answered with %v", err)
	}
	disk.Slow(0)
	await(t, "the disk is quick again", func() bool { _, err := ask(t, m.data, "SET", "a", "3"); return err == nil })
	next := disk.Crash(nil)
	r.abandon()
	if got := beginOn(t, next, t.TempDir(), "--dir", "/data", "--appendonly", "yes").loaded().must("GET a").Text; got != "3" {
		t.Errorf("the confirmed write is %q on the replica's disk", got)
	}
}

// A replica without a file that is synced confirms nothing with
// write-acks-durable, and does as soon as it has one.
func TestDurableConfirmationsNeedADisk(t *testing.T) {
	t.Parallel()
	m := begin(t, t.TempDir(), "--write-acks-timeout", "200")
	r := begin(t, t.TempDir(), "--write-acks-durable", "yes", "--appendfsync", "no").loaded()
	r.follows(m)
	m.must("CONFIG SET write-acks 1")
	unconfirmed := func(with string) {
		t.Helper()
		if _, err := ask(t, m.data, "SET", "a", "1"); err == nil || !strings.HasPrefix(err.Error(), "NOACKS") {
			t.Errorf("%s: a write that is on no disk was answered with %v", with, err)
		}
	}
	unconfirmed("without a file")
	r.must("CONFIG SET appendonly yes")
	r.rewritten()
	unconfirmed("without syncs")
	r.must("CONFIG SET appendfsync always")
	await(t, "writes are confirmed", func() bool { _, err := ask(t, m.data, "SET", "a", "2"); return err == nil })
	r.must("CONFIG SET appendonly no")
	await(t, "they are not any more", func() bool { _, err := ask(t, m.data, "SET", "a", "3"); return err != nil })
	r.must("CONFIG SET write-acks-durable no")
	await(t, "they are again", func() bool { _, err := ask(t, m.data, "SET", "a", "4"); return err == nil })
}

// Whatever a master that keeps nothing itself has acknowledged is on the disk of
// its replica, whenever that loses its power.
func TestPowerCutsOfAReplicaLoseNothingConfirmed(t *testing.T) {
	t.Parallel()
	luck := rand.New(rand.NewPCG(5, 6))
	disk, a := disktest.New(), &acked{words: make(map[string]int64)}
	m := begin(t, t.TempDir())
	found := func() *process {
		return beginOn(t, disk, t.TempDir(), "--dir", "/data", "--appendonly", "yes", "--appendfsync", "always", "--write-acks-durable", "yes").loaded()
	}
	for round := range *cuts {
		r := found()
		a.check(t, r, round) // before it hears of its master
		r.follows(m)
		r.rewritten()
		m.must("CONFIG SET write-acks 1")
		disk.Slow(2 * time.Millisecond) // there is always something that is not on it yet
		before := a.count()
		var clients sync.WaitGroup
		conns := make([]*client.Conn, 4)
		for i := range conns {
			c := m.dial(m.port)
			conns[i] = c
			clients.Go(func() { a.write(c, t, fmt.Sprintf("%d-%d", round, i)) })
		}
		if round%3 == 1 {
			r.must("BGREWRITEAOF")
		}
		await(t, "something is confirmed", func() bool { return a.count() > before })
		a.wait(time.Duration(luck.IntN(20)) * time.Millisecond)
		disk = disk.Crash(luck)
		r.abandon()
		for _, c := range conns {
			c.Close() // their last writes are never confirmed
		}
		clients.Wait()
		m.must("CONFIG SET write-acks 0")
	}
	a.check(t, found(), *cuts)
	t.Logf("%d power cuts, %d writes acknowledged, none lost", *cuts, a.count())
}

// count is how many writes were acknowledged.
func (a *acked) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.words)
}
