package main_test

import (
	"strconv"
	"testing"
)

func (k *killable) follow(master *killable) {
	k.t.Helper()
	mustDo(k.t, k.addr(), "REPLICAOF", "127.0.0.1", strconv.Itoa(master.port))
}

// A master that comes back with its append-only file goes on with the history
// that its replica knows. Where the replica had all that the file has, and no
// more, nothing is sent twice; killed under load, the master may have sent
// what it had not written yet, and then the replica has to begin anew.
func TestReplicasGoOnBehindARestartedMaster(t *testing.T) {
	t.Parallel()
	rnd := crashRandom(t)
	// Without PINGs of its own, which nobody waits for, all that it streams is in the
	// file when the writers have their answers.
	master := newKillable(t, "--appendonly yes --appendfsync always --repl-ping-replica-period 3600")
	master.start("")
	replica := newKillable(t, "--appendonly yes")
	replica.start("")
	replica.follow(master)
	replica.awaitLink(master)
	ws := newWriters(t, rnd, 6)
	partial := 0
	for round := range *crashRounds {
		quiet := round%2 == 0
		strike := func() {}
		if !quiet {
			strike = master.kill
		}
		ws.strike(master.addr(), 50+rnd.IntN(3000), strike)
		if quiet {
			replica.awaitLink(master)
			master.kill()
		}
		master.start(logForms[round%len(logForms)])
		replica.awaitLink(master)
		switch full, part := master.info("sync_full"), master.info("sync_partial_ok"); {
		case full == "0" && part == "1":
			partial++
		case quiet || full != "1":
			t.Fatalf("round %d, quiet %v: %s full and %s partial resyncs", round, quiet, full, part)
		}
		ws.audit(master.addr(), ws.floors())
		replica.sameData(master)
	}
	t.Logf("%d kills, half of them under load: %d partial resyncs, %d full; %d operations acknowledged, none lost; digests equal",
		*crashRounds, partial, *crashRounds-partial, ws.acked)
}

// With write-acks 1 the replica of a killed master has all that was
// acknowledged, whether or not anything is on disk.
func TestFailoverByHandLosesNothing(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]string{"in memory": "", "with files": "--appendonly yes"} {
		t.Run(name, func(t *testing.T) {
			rnd := crashRandom(t)
			master := newKillable(t, "--write-acks 1 "+args)
			master.start("")
			replica := newKillable(t, "--write-acks 1 "+args)
			replica.start("")
			replica.follow(master)
			replica.awaitLink(master)
			ws := newWriters(t, rnd, 6)
			failovers := (*crashFailovers + 1) / 2
			for range failovers {
				ws.strike(master.addr(), 50+rnd.IntN(3000), master.kill)
				mustDo(t, replica.addr(), "REPLICAOF", "NO", "ONE")
				master, replica = replica, master
				replica.start("")
				replica.follow(master)
				replica.awaitLink(master)
				ws.audit(master.addr(), ws.floors()) // with write-acks its replies wait for the new replica
				replica.sameData(master)
			}
			t.Logf("%d failovers: %d operations acknowledged, none lost; of %d in doubt %d took effect", failovers, ws.acked, ws.inDoubt, ws.found)
		})
	}
}
