package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The forms of the append-only file take turns, and every second round
// rewrites it all the time.
var logForms = []string{"", "--aof-use-rdb-preamble no", "--aof-timestamp-enabled yes"}

// slowSnapshots makes a snapshot of the filled node take some 30 ms and more.
const slowSnapshots = "--rdb-key-save-delay 200"

// A node that syncs always loses nothing that it acknowledged, and nothing
// comes twice or out of order, whenever it is killed.
func TestKilledNodesKeepWhatTheyAcknowledged(t *testing.T) {
	t.Parallel()
	rnd := crashRandom(t)
	k := newKillable(t, "--appendonly yes --appendfsync always "+slowSnapshots)
	ws := newWriters(t, rnd, 6)
	inRewrite := 0
	for round := range *crashRounds {
		k.start(logForms[round%len(logForms)])
		ws.audit(k.addr(), ws.floors())
		if round == 0 {
			k.fill(150)
		}
		rewrites := closedChannel
		if round%2 == 1 {
			rewrites = k.repeat(nil, "BGREWRITEAOF")
		}
		ws.strike(k.addr(), 50+rnd.IntN(5000), k.kill)
		<-rewrites
		if os.Remove(filepath.Join(k.dir, "appendonlydir", "temp-rewriteaof-bg.aof")) == nil {
			inRewrite++
		}
	}
	k.start("")
	ws.audit(k.addr(), ws.floors())
	t.Logf("%d kills, %d of them during a rewrite: %d operations acknowledged, none lost; of %d in doubt %d took effect",
		*crashRounds, inRewrite, ws.acked, ws.inDoubt, ws.found)
}

var closedChannel = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

// What is acknowledged while no sync runs is in the file: with appendfsync no, and
// with everysec in the first second after a start, nothing is lost by a kill.
func TestKilledNodesHaveWrittenWhatTheyAcknowledged(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--appendfsync no", "--appendfsync no --event-loops 3", "--appendfsync everysec"} {
		t.Run(args, func(t *testing.T) {
			rnd := crashRandom(t)
			k := newKillable(t, "--appendonly yes --auto-aof-rewrite-percentage 0 "+args)
			ws := newWriters(t, rnd, 6)
			floors := ws.floors()
			synced := 0
			for round := range *crashRounds {
				began := time.Now()
				k.start(logForms[round%len(logForms)])
				ws.audit(k.addr(), floors)
				ws.strike(k.addr(), 50+rnd.IntN(2000), k.kill)
				if floors = ws.floors(); strings.Contains(args, "everysec") && time.Since(began) > time.Second {
					clear(floors) // a sync may have run when it was killed
					synced++
				}
			}
			k.start("")
			ws.audit(k.addr(), floors)
			t.Logf("%d kills, %d of them perhaps during a sync: %d operations acknowledged, none lost of the others; of %d in doubt %d took effect",
				*crashRounds, synced, ws.acked, ws.inDoubt, ws.found)
		})
	}
}

// A node that syncs every second may lose what it acknowledged during a sync, or
// while a rewrite began, if it is killed just then: of the last second, and nothing
// older, unless its disk holds it up for longer: then INFO says how much is not
// written. Every second round rewrites the file all the time.
func TestKilledNodesLoseAtMostASecond(t *testing.T) {
	t.Parallel()
	rnd := crashRandom(t)
	k := newKillable(t, "--appendonly yes --appendfsync everysec "+slowSnapshots)
	ws := newWriters(t, rnd, 4)
	floors := ws.floors()
	lost, oldest := [2]int{}, [2]time.Duration{} // without and with rewrites
	rounds := max(2, *crashRounds/5)
	for round := range rounds {
		k.start(logForms[round%len(logForms)])
		ws.audit(k.addr(), floors)
		if round == 0 {
			k.fill(150)
		}
		rewrites := closedChannel
		if round%2 == 1 {
			rewrites = k.repeat(nil, "BGREWRITEAOF")
		}
		var killed time.Time
		ws.strike(k.addr(), 50+rnd.IntN(2000), func() {
			time.Sleep(time.Duration(rnd.IntN(500)) * time.Millisecond)
			floors = ws.floors()
			end, _ := k.offset()
			time.Sleep(time.Second)
			k.awaitWritten(end)
			killed = time.Now()
			k.kill()
		})
		<-rewrites
		acked := ws.floors()
		k.start("")
		ws.audit(k.addr(), floors)
		for i, w := range ws.all {
			if w.sent >= acked[i] {
				continue
			}
			lost[round%2] += acked[i] - w.sent
			first, _ := slices.BinarySearchFunc(w.acks, w.sent+1, func(a ackedAt, n int) int { return a.acked - n })
			oldest[round%2] = max(oldest[round%2], killed.Sub(w.acks[first].at))
		}
		floors = ws.floors()
		k.kill()
	}
	t.Logf("%d kills: of %d operations acknowledged %d were lost, the oldest %v before the kill; where nothing was rewritten, %d, the oldest %v",
		rounds, ws.acked, lost[0]+lost[1], max(oldest[0], oldest[1]), lost[0], oldest[0])
}

// A node with snapshots alone comes back with the last one or a newer: a state
// that was.
func TestKilledNodesLoadTheirSnapshot(t *testing.T) {
	t.Parallel()
	rnd := crashRandom(t)
	k := newKillable(t, slowSnapshots)
	ws := newWriters(t, rnd, 6)
	floors := ws.floors()
	inSnapshot, saves := 0, 0
	for round := range *crashRounds {
		k.start("")
		ws.audit(k.addr(), floors)
		if round == 0 {
			k.fill(30)
			mustDo(t, k.addr(), "SAVE")
		}
		mustDo(t, k.addr(), "CONFIG", "SET", "save", "1 1")
		floors = ws.floors()
		var saved atomic.Pointer[[]int] // what was acknowledged when the last whole SAVE began
		saved.Store(&floors)
		kind := []string{"SAVE", "BGSAVE"}[round%2]
		snapshots := k.repeat(func() func() {
			now := ws.floors()
			return func() {
				if kind == "SAVE" { // BGSAVE answers before there is anything
					saved.Store(&now)
					saves++
				}
			}
		}, kind)
		ws.strike(k.addr(), 1000+rnd.IntN(30000), k.kill)
		<-snapshots
		floors = *saved.Load()
		if left, _ := filepath.Glob(filepath.Join(k.dir, "temp-*.rdb")); len(left) > 0 {
			inSnapshot++
			os.Remove(left[0])
		}
	}
	k.start("")
	ws.audit(k.addr(), floors)
	t.Logf("%d kills, %d of them during a snapshot, %d times SAVE: each start found a state of the past, and no older than the last SAVE", *crashRounds, inSnapshot, saves)
}
