package backend_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/aof/disktest"
)

// The full series are run by hand: -cuts 100 -cuts.second 50.
var (
	cuts       = flag.Int("cuts", 10, "power cuts of a replica that confirms what is on its disk")
	secondCuts = flag.Int("cuts.second", 1, "power cuts of a node that syncs every second")
)

// loaded waits until the node has its data.
func (p *process) loaded() *process {
	p.t.Helper()
	await(p.t, "the data is loaded", func() bool { _, err := ask(p.t, p.data, "GET", "a"); return err == nil })
	return p
}

// rewritten waits until no rewrite is under way or to come.
func (p *process) rewritten() {
	p.t.Helper()
	await(p.t, "the rewrite is over", func() bool {
		info := p.must("INFO persistence").Text
		return field(info, "aof_rewrite_in_progress") == "0" && field(info, "aof_rewrite_scheduled") == "0"
	})
	if got := field(p.must("INFO persistence").Text, "aof_last_bgrewrite_status"); got != "ok" {
		p.t.Errorf("the rewrite ended with %s", got)
	}
}

// abandon ends a node whose disk is gone.
func (p *process) abandon() {
	p.end()
	p.end = nil
	<-p.done
	p.data.Close()
	p.ctl.Close()
}

func TestLogSurvivesARestart(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"as it is":      {},
		"commands only": {"--aof-use-rdb-preamble", "no", "--aof-timestamp-enabled", "yes"},
		"always":        {"--appendfsync", "always"},
		"never synced":  {"--appendfsync", "no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			flags := append([]string{"--appendonly", "yes"}, flags...)
			p := begin(t, dir, flags...).loaded()
			for round := range 3 {
				work(p, round)
				if round == 1 {
					p.must("BGREWRITEAOF")
					p.rewritten()
				}
				digest := p.must("DEBUG DIGEST").Text
				p.must("DEBUG LOADAOF")
				if got := p.must("DEBUG DIGEST").Text; got != digest {
					t.Fatalf("round %d: other data after DEBUG LOADAOF", round)
				}
				p.stop()
				if p = begin(t, dir, flags...).loaded(); p.must("DEBUG DIGEST").Text != digest {
					t.Fatalf("round %d: other data after the restart", round)
				}
			}
		})
	}
}

// Switched on at run time, the file begins with a snapshot; switched off, it
// stays as it is.
func TestLogSwitchedOnAndOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir)
	work(p, 0)
	p.must("CONFIG SET appendonly yes")
	work(p, 1)
	p.rewritten()
	if got := p.must("WAITAOF 1 0 50000"); got.Elems[0].Int != 1 {
		t.Errorf("WAITAOF answered %v", got)
	}
	digest := p.must("DEBUG DIGEST").Text
	p.must("CONFIG SET appendonly no")
	p.must("SET lost x")
	p.stop()
	if q := begin(t, dir, "--appendonly", "yes").loaded(); q.must("DEBUG DIGEST").Text != digest {
		t.Error("other data after the restart")
	}
}

// Rewrites that were stopped because the file was switched off have not failed, and
// the file that was switched on next gets its base at once.
func TestLogSwitchedOnAgainAndAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir, "--appendonly", "yes").loaded()
	p.must("SET a 1")
	p.must("CONFIG SET rdb-key-save-delay 30000000")
	for range rewritesBeforeRest {
		p.must("CONFIG SET appendonly no")
		p.must("CONFIG SET appendonly yes")
		await(t, "the next rewrite is under way", func() bool {
			return field(p.must("INFO persistence").Text, "aof_rewrite_in_progress") == "1"
		})
	}
	if got := field(p.must("INFO persistence").Text, "aof_rewrites_consecutive_failures"); got != "0" {
		t.Errorf("%s rewrites have failed", got)
	}
	p.must("CONFIG SET rdb-key-save-delay 0")
	p.rewritten()
	p.must("SET b 2")
	p.must("WAITAOF 1 0 50000")
	p.must("CONFIG SET appendonly no")
	p.must("SET lost x")
	p.stop()
	if q := begin(t, dir, "--appendonly", "yes").loaded(); q.must("DBSIZE").Int != 2 {
		t.Errorf("after the restart there are %d keys", q.must("DBSIZE").Int)
	}
}

// rewritesBeforeRest are more than may fail in a row before those that nobody asked for
// rest.
const rewritesBeforeRest = 5

// A file whose beginning is not written yet keeps the node up, unless the end is
// forced: then nobody waits for it.
func TestEndBeforeALogBegins(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("SET a 1")
	p.must("CONFIG SET rdb-key-save-delay 30000000")
	p.must("CONFIG SET appendonly yes")
	w := p.wire()
	w.command("SHUTDOWN NOSAVE")
	w.expect("-ERR Errors trying to SHUTDOWN. Check logs.\r\n")
	w.command("SHUTDOWN NOSAVE FORCE")
	w.ended()
	p.left()
}

// Once the file is switched off no write waits for it, also while its end is on the
// way to the disk.
func TestWritesDoNotWaitForALogThatIsOff(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--appendfsync", "always")
	for range 3 {
		p.must("CONFIG SET appendonly yes")
		work(p, 1)
		p.must("CONFIG SET appendonly no")
		for range 300 {
			p.must("SET a 1")
		}
	}
}

// A restarted node goes on where its file ends: neither its replica nor its
// master sends everything again.
func TestLogKeepsTheHistory(t *testing.T) {
	t.Parallel()
	for name, preamble := range map[string]string{"snapshot": "yes", "commands": "no"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := []string{"--appendonly", "yes", "--aof-use-rdb-preamble", preamble}
			m, r := begin(t, t.TempDir(), flags...).loaded(), begin(t, t.TempDir(), flags...).loaded()
			r.follows(m)
			work(m, 0)
			m.must("SELECT 2")
			m.must("SET in two")
			equal(t, m, r)
			r.rewritten() // what it copied
			r.must("BGREWRITEAOF")
			r.rewritten()
			m.must("SET in more")
			equal(t, m, r)

			addr := fmt.Sprint(m.port)
			r.stop()
			m.must("SET while away")
			r = begin(t, r.dir, append(flags, "--replicaof", "127.0.0.1 "+addr)...)
			r.loaded()
			r.inSync()
			equal(t, m, r)
			if got := field(m.must("INFO stats").Text, "sync_partial_ok"); got != "1" {
				t.Errorf("the restarted replica continued %s times", got)
			}

			m.stop()
			m = begin(t, m.dir, flags...).loaded()
			m.must("SET k v")
			r.must(fmt.Sprintf("REPLICAOF 127.0.0.1 %d", m.port))
			r.inSync()
			equal(t, m, r)
			if got := field(m.must("INFO stats").Text, "sync_full"); got != "0" {
				t.Errorf("the restarted master sent everything %s times", got)
			}
		})
	}
}

// beat is the step of acked's clock.
const beat = time.Millisecond

// acked is what clients were told that it was done, and when by a clock that
// stands still while the machine lets nothing of this process run, which is no
// time in which the node could have written anything.
type acked struct {
	clock atomic.Int64 // in beats
	mu    sync.Mutex
	words map[string]int64
}

// wait lets so much of the clock's time go by.
func (a *acked) wait(d time.Duration) {
	tick := time.NewTicker(beat) // drops the beats that nobody was there to hear
	defer tick.Stop()
	for range d / beat {
		<-tick.C
		a.clock.Add(1)
	}
}

// write pushes unique elements until the node does not answer OK any more.
func (a *acked) write(c *client.Conn, t *testing.T, name string) {
	for i := 0; ; i++ {
		word := name + "-" + strconv.Itoa(i)
		if _, err := c.Do(t.Context(), "RPUSH", "list", word); err != nil {
			return
		}
		a.mu.Lock()
		a.words[word] = a.clock.Load()
		a.mu.Unlock()
	}
}

// crashUnderLoad cuts the power while clients write, and returns the disk as it
// is found afterwards.
func crashUnderLoad(t *testing.T, disk *disktest.Disk, a *acked, luck *rand.Rand, round int, after time.Duration, flags ...string) *disktest.Disk {
	t.Helper()
	p := beginOn(t, disk, t.TempDir(), append([]string{"--dir", "/data", "--appendonly", "yes"}, flags...)...).loaded()
	a.check(t, p, round)
	var clients sync.WaitGroup
	for i := range 4 {
		c := p.dial(p.port)
		clients.Go(func() { a.write(c, t, fmt.Sprintf("%d-%d", round, i)) })
	}
	if round%3 == 1 {
		p.must("BGREWRITEAOF")
	}
	a.wait(after)
	next := disk.Crash(luck)
	end := make(chan struct{})
	go func() { // others go on: the end of a node takes its time
		defer close(end)
		p.abandon()
		clients.Wait()
	}()
	t.Cleanup(func() { <-end })
	return next
}

func (p *process) elements() map[string]bool {
	found := make(map[string]bool)
	for _, v := range p.must("LRANGE list 0 -1").Elems {
		found[v.Text] = true
	}
	return found
}

// With appendfsync always no power cut loses what a client was told.
func TestPowerCutsLoseNothingAcknowledged(t *testing.T) {
	t.Parallel()
	luck := rand.New(rand.NewPCG(1, 2))
	disk, a := disktest.New(), &acked{words: make(map[string]int64)}
	for round := range 100 {
		disk = crashUnderLoad(t, disk, a, luck, round, time.Duration(luck.IntN(10))*time.Millisecond, "--appendfsync", "always")
	}
	a.check(t, beginOn(t, disk, t.TempDir(), "--dir", "/data", "--appendonly", "yes").loaded(), 100)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.words) < 100 {
		t.Errorf("only %d writes were acknowledged", len(a.words))
	}
}

// check holds that a node has all that was acknowledged.
func (a *acked) check(t *testing.T, p *process, round int) {
	t.Helper()
	found := p.elements()
	a.mu.Lock()
	defer a.mu.Unlock()
	for word := range a.words {
		if !found[word] {
			t.Fatalf("round %d: %s was acknowledged and is lost", round, word)
		}
	}
}

// With everysec at most the last second is lost.
func TestPowerCutsLoseASecond(t *testing.T) {
	t.Parallel()
	luck := rand.New(rand.NewPCG(3, 4))
	acks, lost, oldest := 0, 0, time.Duration(0)
	for round := range *secondCuts {
		a := &acked{words: make(map[string]int64)}
		disk := crashUnderLoad(t, disktest.New(), a, luck, round, 2*time.Second+time.Duration(luck.IntN(1000))*time.Millisecond)
		p := beginOn(t, disk, t.TempDir(), "--dir", "/data", "--appendonly", "yes").loaded()
		found := p.elements()
		a.mu.Lock()
		acks += len(a.words)
		old, cut := 0, a.clock.Load()
		for word, at := range a.words {
			if found[word] {
				continue
			}
			lost++
			age := time.Duration(cut-at) * beat
			oldest = max(oldest, age)
			if age > 1100*time.Millisecond { // a tenth for the file's own pace
				old++
			}
		}
		if old > 0 || len(found) == 0 {
			t.Errorf("round %d: %d elements found; %d acknowledged ones older than a second are lost", round, len(found), old)
		}
		a.mu.Unlock()
		p.stop()
	}
	t.Logf("%d power cuts: of %d writes acknowledged %d lost, the oldest %v before the cut", *secondCuts, acks, lost, oldest)
}

// Without any sync, what a client is told is in the file: the end of the process
// cannot take it back.
func TestWrittenBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"1", "3"} {
		t.Run(loops+" loops", func(t *testing.T) {
			t.Parallel()
			disk := disktest.New()
			p := beginOn(t, disk, t.TempDir(), "--dir", "/data", "--appendonly", "yes", "--appendfsync", "no", "--event-loops", loops).loaded()
			const file = "/data/appendonlydir/appendonly.aof.1.incr.aof"
			p.must("SET begin 1")
			await(t, "the file has begun", func() bool { return strings.Contains(string(disk.Read(file)), "begin") })
			holds := func(word string) {
				if !strings.Contains(string(disk.Read(file)), word) {
					t.Errorf("%s was answered and is not in the file", word)
				}
			}
			var clients sync.WaitGroup
			for c := range 4 {
				conn := p.dial(p.port)
				clients.Go(func() {
					for i := range 100 {
						word := fmt.Sprintf("key-%d-%d-", c, i)
						if _, err := conn.Do(t.Context(), "SET", word, "1"); err != nil {
							t.Error(err)
							return
						}
						holds(word)
					}
				})
			}
			popper, pusher := p.dial(p.port), p.dial(p.port)
			clients.Go(func() {
				for i := range 100 {
					if v, err := popper.Do(t.Context(), "BLMOVE", "queue", "done", "LEFT", "LEFT", "60"); err != nil || v.Null {
						t.Errorf("moved %q, %v", v.Text, err)
						return
					}
					if got := strings.Count(string(disk.Read(file)), "LMOVE"); got < i+1 {
						t.Errorf("%d elements were moved, of which the file knows %d", i+1, got)
					}
				}
			})
			clients.Go(func() {
				for range 100 {
					if _, err := pusher.Do(t.Context(), "RPUSH", "queue", "element"); err != nil {
						t.Error(err)
						return
					}
				}
			})
			clients.Wait()
		})
	}
}

// A full disk is an error to the client, whatever the policy; the file stays
// loadable, and writing goes on when there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"always", "everysec"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			disk := disktest.New()
			p := beginOn(t, disk, t.TempDir(), "--dir", "/data", "--appendonly", "yes", "--appendfsync", policy).loaded()
			p.must("SET a 1")
			p.must("WAITAOF 1 0 50000")
			disk.Limit(5)
			await(t, "writes are refused", func() bool {
				_, err := ask(t, p.data, "SET", "b", "2")
				return err != nil && strings.HasPrefix(err.Error(), "MISCONF Errors writing to the AOF file: no space left on device")
			})
			if got := field(p.must("INFO persistence").Text, "aof_last_write_status"); got != "err" {
				t.Errorf("aof_last_write_status is %s", got)
			}
			dir, err := aof.OpenDir(aof.DirConfig{Disk: disk, Root: "/data", Dir: "appendonlydir", Name: "appendonly.aof"})
			if err != nil {
				t.Fatal(err)
			}
			if text := disk.Read("/data/appendonlydir/" + dir.Manifest().Incr[0].Name); strings.Contains(string(text), "b") {
				t.Errorf("the file ends in %q", text)
			}
			disk.Limit(-1)
			await(t, "writes go on", func() bool { _, err := ask(t, p.data, "SET", "c", "3"); return err == nil })
			p.must("WAITAOF 1 0 50000")
			next := disk.Crash(nil)
			p.abandon()
			if got := beginOn(t, next, t.TempDir(), "--dir", "/data", "--appendonly", "yes").loaded().must("MGET a b c"); got.Elems[0].Text != "1" || got.Elems[1].Text != "2" || got.Elems[2].Text != "3" {
				t.Errorf("after the crash there is %v", got)
			}
		})
	}
}

// After a sync that failed nothing that was written is believed before a
// rewrite: the next sync may succeed for want of anything to write.
func TestFailedSync(t *testing.T) {
	t.Parallel()
	disk := disktest.New()
	p := beginOn(t, disk, t.TempDir(), "--dir", "/data", "--appendonly", "yes", "--appendfsync", "always").loaded()
	p.must("SET a 1")
	disk.FailSyncs(true)
	if _, err := ask(t, p.data, "SET", "b", "2"); err == nil || !strings.HasPrefix(err.Error(), "MISCONF") {
		t.Errorf("a write that is not on disk was answered with %v", err)
	}
	disk.FailSyncs(false)
	await(t, "writes go on", func() bool { _, err := ask(t, p.data, "SET", "c", "3"); return err == nil })
	next := disk.Crash(nil)
	p.abandon()
	if got := beginOn(t, next, t.TempDir(), "--dir", "/data", "--appendonly", "yes").loaded().must("MGET a b c"); got.Elems[0].Text != "1" || got.Elems[1].Text != "2" || got.Elems[2].Text != "3" {
		t.Errorf("after the crash there is %v", got)
	}
}

// One sync serves all clients of a batch.
func TestSyncsAreShared(t *testing.T) {
	t.Parallel()
	disk := disktest.New()
	disk.Slow(5 * time.Millisecond)
	p := beginOn(t, disk, t.TempDir(), "--dir", "/data", "--appendonly", "yes", "--appendfsync", "always").loaded()
	before := disk.Syncs()
	const clients, writes = 20, 10
	var all sync.WaitGroup
	for range clients {
		c := p.dial(p.port)
		all.Go(func() {
			for range writes {
				if _, err := c.Do(t.Context(), "INCR", "n"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := disk.Syncs() - before; got > clients*writes/4 {
		t.Errorf("%d syncs for %d writes of %d clients", got, clients*writes, clients)
	}
}

// Redis loads what a node wrote, and a node what Redis wrote.
func TestLogInterop(t *testing.T) {
	t.Parallel()
	for name, preamble := range map[string]string{"snapshot": "yes", "commands": "no"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			flags := []string{"--appendonly", "yes", "--aof-use-rdb-preamble", preamble}
			p := begin(t, dir, append(flags, "--aof-timestamp-enabled", "yes")...).loaded()
			p.fill()
			work(p, 0)
			p.must("BGREWRITEAOF")
			p.rewritten()
			work(p, 1)
			churn(p, 1)
			digest := p.must("DEBUG DIGEST").Text
			p.stop()
			r := redis(t, append([]string{"--dir", dir}, flags...)...).loaded()
			if got := r.must("DEBUG DIGEST").Text; got != digest {
				t.Fatal("Redis has other data than the node that wrote it")
			}
			work(r, 2)
			r.must("BGREWRITEAOF")
			r.rewritten()
			work(r, 3)
			churn(r, 3)
			digest = r.must("DEBUG DIGEST").Text
			w := r.wire()
			w.command("SHUTDOWN NOSAVE")
			w.ended()
			if got := begin(t, dir, flags...).loaded().must("DEBUG DIGEST").Text; got != digest {
				t.Error("the node has other data than the Redis that wrote it")
			}
		})
	}
}

// streams leaves what only streams remember: IDs that are gone, groups and what
// they wait for.
func streams(p *process) {
	for _, line := range []string{
		"XADD s 1-1 a 1 b 2", "XADD s 2-1 a 3 b 4", "XADD s 3-1 c 5", "XADD s 9-9 c 6", "XDEL s 9-9",
		"XGROUP CREATE s g 0", "XGROUP CREATECONSUMER s g idle", "XREADGROUP GROUP g one COUNT 2 STREAMS s >",
		"XACK s g 1-1", "XADD gone 5-5 x y", "XTRIM gone MAXLEN 0", "XGROUP CREATE none g $ MKSTREAM",
	} {
		p.must(line)
	}
}

// A base of commands builds streams again, in either server, as a snapshot does.
func TestStreamsInALog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flags := []string{"--appendonly", "yes", "--aof-use-rdb-preamble", "no"}
	p := begin(t, dir, flags...).loaded()
	streams(p)
	p.must("BGREWRITEAOF")
	p.rewritten()
	digest := p.must("DEBUG DIGEST").Text
	p.must("DEBUG LOADAOF")
	if got := p.must("DEBUG DIGEST").Text; got != digest {
		t.Error("other data after DEBUG LOADAOF")
	}
	p.stop()
	r := redis(t, append([]string{"--dir", dir}, flags...)...).loaded()
	if got := r.must("DEBUG DIGEST").Text; got != digest {
		t.Error("Redis has other data than the node that wrote it")
	}
	if got := r.must("XINFO GROUPS s").Elems[0].Elems; got[5].Int != 1 || got[7].Text != "2-1" {
		t.Errorf("the group came out as %v", got)
	}
}

func TestWaitForDisks(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir(), "--appendonly", "yes", "--appendfsync", "no").loaded(), begin(t, t.TempDir(), "--appendonly", "yes").loaded()
	counts := func(line string, want ...int64) {
		t.Helper()
		if got := m.must(line).Elems; got[0].Int != want[0] || got[1].Int != want[1] {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
	m.must("SET a 1")
	counts("WAITAOF 1 0 20", 0, 0)
	m.must("CONFIG SET appendfsync always")
	counts("WAITAOF 1 0 50000", 1, 0)
	r.follows(m)
	r.rewritten()
	m.must("SET a 2")
	counts("WAITAOF 1 1 50000", 1, 1)
	r.must("CONFIG SET appendonly no")
	m.must("SET a 3")
	counts("WAITAOF 1 1 20", 1, 0)
	for line, want := range map[string]string{
		"WAITAOF 2 0 0": "ERR value is out of range, value must between 0 and 1", "WAITAOF 0 -1 0": "ERR value is out of range, must be positive",
		"WAITAOF x 0 0": "ERR value is not an integer or out of range", "WAITAOF 0 x 0": "ERR value is not an integer or out of range",
		"WAITAOF 0 0 -1": "ERR timeout is negative", "WAITAOF 0 0 x": "ERR timeout is not an integer or out of range",
	} {
		if _, err := ask(t, m.data, strings.Fields(line)...); err == nil || err.Error() != want {
			t.Errorf("%s: %v", line, err)
		}
	}
	m.must("CONFIG SET appendonly no")
	if _, err := ask(t, m.data, "WAITAOF", "1", "0", "0"); err == nil || !strings.HasPrefix(err.Error(), "ERR WAITAOF cannot be used when numlocal is set") {
		t.Errorf("without an append-only file: %v", err)
	}
	m.must("SET a 4")
	counts("WAITAOF 0 0 0", 0, 0)
	counts("WAITAOF 0 1 20", 0, 0)
}

// The epochs of a group stand in the file: who led and who followed both come
// back with the position they had, without a role, and go on from there.
func TestLogKeepsTheEpoch(t *testing.T) {
	t.Parallel()
	flags := []string{"--managed", "yes", "--appendonly", "yes", "--appendfsync", "always"}
	all := found(t, 2, 1, flags[2:]...)
	m, r := all[0], all[1]
	m.must("SET k v1")
	for _, p := range all {
		p.group("", "SEAL g 2")
	}
	r.group("", fmt.Sprintf("PROMOTE g 2 %s 2 1 %s", r.fact("g 2 2 0", "run-id"), m.fact("g 2 2 0", "incarnation")))
	m.group("", fmt.Sprintf("FOLLOW g 2 127.0.0.1 %d", r.port))
	await(t, "the barrier is confirmed", func() bool { return r.fact("g 2 2 0", "holders-ready") == "1" })
	await(t, "the new master serves", func() bool { return r.fact("g 2 2 2", "serving") == "1" })
	r.must("SELECT 3")
	r.must("SET k v2")
	await(t, "both have it", func() bool { return m.fact("g 2 2 2", "offset") == r.fact("g 2 2 2", "offset") })
	want, id := r.fact("g 2 2 2", "offset"), r.fact("g 2 2 2", "replid")
	for i, p := range all {
		p.stop()
		all[i] = begin(t, p.dir, flags...)
		await(t, "it is loaded", func() bool { return all[i].fact("g 2 2 2", "loading") == "0" })
		probe := func(name string) string { return all[i].fact("g 2 2 2", name) }
		if probe("offset") != want || probe("replid") != id || probe("data-epoch") != "2" || probe("role") != "none" {
			t.Errorf("node %d came back at offset %s of %s in epoch %s as %s, want %s of %s", i, probe("offset"), probe("replid"), probe("data-epoch"), probe("role"), want, id)
		}
	}
	m, r = all[0], all[1]
	m.group("", fmt.Sprintf("PROMOTE g 3 %s 3 1 %s", m.fact("g 2 2 0", "run-id"), r.fact("g 2 2 0", "incarnation")))
	r.group("", fmt.Sprintf("FOLLOW g 3 127.0.0.1 %d", m.port))
	await(t, "the barrier is confirmed", func() bool { return m.fact("g 3 3 0", "holders-ready") == "1" })
	if got := field(m.must("INFO stats").Text, "sync_full"); got != "0" {
		t.Errorf("after the restart of both, everything was sent %s times", got)
	}
}

// A broken file or manifest is said by name, and nothing is served.
func TestBrokenLog(t *testing.T) {
	t.Parallel()
	for want, write := range map[string]func(dir string) (name, text string){
		"Invalid AOF manifest file format": func(string) (string, string) { return "appendonly.aof.manifest", "!!!\n" },
		"appendonly.aof.1.incr.aof doesn't exist": func(string) (string, string) {
			return "appendonly.aof.manifest", "file appendonly.aof.1.incr.aof seq 1 type i\n"
		},
		"Bad file format reading the append only file appendonly": func(string) (string, string) { return "appendonly.aof", "*1\r\n$4\r\nPING\r\n!!!" },
		"Unknown command 'bla' reading the append only file":      func(string) (string, string) { return "appendonly.aof", "*1\r\n$3\r\nbla\r\n" },
		"database 99 does not exist here": func(string) (string, string) {
			return "appendonly.aof", "*2\r\n$6\r\nSELECT\r\n$2\r\n99\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n"
		},
		"Unexpected end of file reading the append only file": func(string) (string, string) { return "appendonly.aof", "*1\r\n$3\r\nse" },
	} {
		dir := t.TempDir()
		name, text := write(dir)
		at := filepath.Join(dir, "appendonlydir")
		if name == "appendonly.aof" {
			at = dir
		}
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := run(t, "--dir", dir, "--appendonly", "yes", "--aof-load-truncated", "no"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// A file that was cut behind a unit looks whole; that the next one does not go on
// where it ends shows that a part is missing.
func TestHoleBetweenFiles(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--appendonly", "yes")
	await(t, "it is loaded", func() bool { return p.info("loading") == "0" })
	for i := range 20 {
		p.must(fmt.Sprintf("SET filler:%d x", i))
	}
	p.must("SET before 1")
	p.must("CONFIG SET rdb-key-save-delay 30000000")
	p.must("BGREWRITEAOF")
	first, second := filepath.Join(p.dir, "appendonlydir", "appendonly.aof.1.incr.aof"), filepath.Join(p.dir, "appendonlydir", "appendonly.aof.2.incr.aof")
	await(t, "another file is begun", func() bool { _, err := os.Stat(second); return err == nil })
	p.must("SET behind 1")
	p.stop()
	text, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndex(text, []byte("*3"))
	if err := os.WriteFile(first, text[:last], 0o644); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%d bytes of the stream are missing", len(text)-last)
	if err := run(t, "--dir", p.dir, "--appendonly", "yes"); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "appendonly.aof.2.incr.aof") {
		t.Errorf("got %v, want %q", err, want)
	}
	if err := os.WriteFile(first, text, 0o644); err != nil {
		t.Fatal(err)
	}
	p = begin(t, p.dir, "--appendonly", "yes")
	await(t, "it is loaded", func() bool { return p.info("loading") == "0" })
	if p.must("GET before").Text != "1" || p.must("GET behind").Text != "1" {
		t.Error("the whole files do not load")
	}
}

// TestLogKeepsReplacedFilesWhileAsked: aof-disable-auto-gc keeps them, listed as
// history, and they go once it is taken back.
func TestLogKeepsReplacedFilesWhileAsked(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--appendonly", "yes", "--aof-disable-auto-gc", "yes").loaded()
	files := filepath.Join(p.dir, "appendonlydir")
	listed := func(kind string) (n int) {
		text, err := os.ReadFile(filepath.Join(files, "appendonly.aof.manifest"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), " type "+kind+"\n")
	}
	there := func() int {
		entries, err := os.ReadDir(files)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries) - 1 // without the manifest
	}
	for range 2 {
		p.must("SET a 1")
		p.must("BGREWRITEAOF")
		p.rewritten()
	}
	if b, i, h, n := listed("b"), listed("i"), listed("h"), there(); b != 1 || i != 1 || h != 4 || n != 6 {
		t.Errorf("%d base, %d incremental and %d history files are listed, %d there", b, i, h, n)
	}
	p.must("CONFIG SET aof-disable-auto-gc no")
	await(t, "the history is gone", func() bool { return listed("h") == 0 && there() == 2 })
	p.must("BGREWRITEAOF")
	p.rewritten()
	await(t, "nothing is kept any more", func() bool { return listed("h") == 0 && there() == 2 })
}
