package backend_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"holdfast/backend"
	"holdfast/backend/netio/freeport"
	"holdfast/conf"
)

// run runs a node until it ends by itself and returns why.
func run(t *testing.T, flags ...string) error {
	t.Helper()
	return runLogged(t, io.Discard, flags...)
}

// runLogged is run of a node that logs to w.
func runLogged(t *testing.T, w io.Writer, flags ...string) error {
	t.Helper()
	port, control := freeport.Port(t), freeport.Port(t)
	settings, err := conf.New[conf.NodeConfig](append([]string{"--port", strconv.Itoa(port), "--control-port", strconv.Itoa(control),
		"--bind", "127.0.0.1", "--save", ""}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := backend.New(settings, slog.New(slog.NewTextHandler(w, nil)))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = n.Run(ctx)
	if err == nil && ctx.Err() != nil {
		t.Error("the node did not end")
	}
	return err
}

// left waits for a node to end that was told to.
func (p *process) left() {
	p.t.Helper()
	if err := <-p.done; err != nil {
		p.t.Errorf("the node ended with %v", err)
	}
	p.end = nil
	p.data.Close()
	p.ctl.Close()
}

func TestShutdownSavesAndStartLoads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags []string
		end   string // a command; empty: a signal
		saved bool
	}{
		"signal without save points": {saved: false},
		"signal with save points":    {flags: []string{"--save", "3600 1"}, saved: true},
		"shutdown":                   {flags: []string{"--save", "3600 1"}, end: "SHUTDOWN", saved: true},
		"shutdown save":              {end: "SHUTDOWN SAVE", saved: true},
		"shutdown nosave":            {flags: []string{"--save", "3600 1"}, end: "SHUTDOWN NOSAVE", saved: false},
		"save":                       {end: "SAVE", saved: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := begin(t, dir, c.flags...)
			work(p, 0)
			p.must("SET gone x PX 1")
			await(t, "the key is gone", func() bool { return p.must("EXISTS gone").Int == 0 })
			digest := p.must("DEBUG DIGEST").Text
			switch c.end {
			case "":
				p.stop()
			case "SAVE":
				p.must("SAVE")
				p.stop()
			default:
				w := p.wire()
				w.command(c.end)
				w.ended()
				p.left()
			}
			q := begin(t, dir)
			await(t, "the data is loaded", func() bool { _, err := ask(t, q.data, "GET", "a"); return err == nil })
			if got := q.must("DEBUG DIGEST").Text; (got == digest) != c.saved {
				t.Errorf("the same data after the restart: %v, want %v", got == digest, c.saved)
			}
			if files, _ := filepath.Glob(filepath.Join(dir, "temp-*")); len(files) > 0 {
				t.Errorf("left behind: %v", files)
			}
		})
	}
}

// A restarted master that saved goes on with its history: its replicas need no
// full resync, and it can become a replica of one of them without one.
func TestHistorySurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m, r := begin(t, dir), begin(t, t.TempDir())
	r.follows(m)
	work(m, 0)
	equal(t, m, r)
	w := m.wire()
	w.command("SHUTDOWN SAVE")
	w.ended()
	m.left()
	m = begin(t, dir)
	await(t, "the data is loaded", func() bool { _, err := ask(t, m.data, "GET", "a"); return err == nil })
	m.must("SET k v")
	r.must(fmt.Sprintf("REPLICAOF 127.0.0.1 %d", m.port))
	r.inSync()
	equal(t, m, r)
	if got := m.must("INFO stats").Text; field(got, "sync_full") != "0" {
		t.Errorf("sync_full is %s", field(got, "sync_full"))
	}
	dir2 := t.TempDir()
	x := begin(t, dir2)
	x.follows(m)
	x.must("SAVE")
	x.stop()
	m.must("SET later 1")
	x = begin(t, dir2, "--replicaof", fmt.Sprintf("127.0.0.1 %d", m.port))
	x.inSync()
	equal(t, m, x)
	if got := m.must("INFO stats").Text; field(got, "sync_full") != "1" {
		t.Errorf("the replica that saved needed a full resync: sync_full is %s", field(got, "sync_full"))
	}
}

// A managed node comes back with data and position, but without a role. That it
// saved at a clean end proves what it holds, so that it keeps its incarnation.
func TestManagedNodeComesBackWithItsPosition(t *testing.T) {
	t.Parallel()
	all := found(t, 2, 1)
	m, r := all[0], all[1]
	m.must("SET k v")
	dir, before := r.dir, ""
	await(t, "the replica has it", func() bool { return r.must("GET k").Text == "v" })
	before = r.fact("g 1 1 1", "offset")
	was := r.fact("g 1 1 1", "incarnation")
	w := r.wire()
	w.command("SHUTDOWN SAVE")
	w.ended()
	r.left()
	r = begin(t, dir, "--managed", "yes")
	await(t, "it is loaded", func() bool { return r.fact("g 1 1 1", "loading") == "0" })
	if got := r.fact("g 1 1 1", "offset"); got < before {
		t.Errorf("offset %s, was %s", got, before)
	}
	if role, epoch := r.fact("g 1 1 1", "role"), r.fact("g 1 1 1", "data-epoch"); role != "none" || epoch != "1" {
		t.Errorf("role %s, data epoch %s", role, epoch)
	}
	if got := r.fact("g 1 1 1", "incarnation"); got != was {
		t.Error("the incarnation changed")
	}
	r.group("", fmt.Sprintf("FOLLOW g 1 127.0.0.1 %d", m.port))
	await(t, "it follows", func() bool { return r.fact("g 1 1 1", "link") == "up" })
	if got := m.must("INFO stats").Text; field(got, "sync_full") != "1" { // that of the beginning
		t.Errorf("sync_full is %s", field(got, "sync_full"))
	}
}

func TestBackgroundSave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir)
	if got := p.must("BGSAVE").Text; got != "Background saving started" {
		t.Error(got)
	}
	saved := func() bool { return field(p.must("INFO persistence").Text, "rdb_bgsave_in_progress") == "0" }
	await(t, "it is saved", saved)
	if _, err := os.Stat(filepath.Join(dir, "dump.rdb")); err != nil {
		t.Error(err)
	}
	p.must("SET a 1")
	if got := field(p.must("INFO persistence").Text, "rdb_changes_since_last_save"); got != "1" {
		t.Errorf("changes since the last save: %s", got)
	}
	last := p.must("LASTSAVE").Int
	if _, err := ask(t, p.data, "CONFIG", "SET", "save", "1 1"); err != nil {
		t.Fatal(err)
	}
	await(t, "the save point is reached", func() bool { return field(p.must("INFO persistence").Text, "rdb_changes_since_last_save") == "0" })
	if got := p.must("LASTSAVE").Int; got < last {
		t.Errorf("LASTSAVE fell from %d to %d", last, got)
	}
}

// A node that cannot save says so, refuses writes, and recovers.
func TestSaveFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir, "--save", "3600 1000")
	p.must("SET a 1")
	if err := os.Mkdir(filepath.Join(dir, "dump.rdb"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, p.data, "SAVE"); err == nil {
		t.Error("SAVE onto a directory succeeded")
	}
	p.must("SET a 1") // who asked for that file knows
	p.must("BGSAVE")
	await(t, "the snapshot fails", func() bool { return field(p.must("INFO persistence").Text, "rdb_last_bgsave_status") == "err" })
	if _, err := ask(t, p.data, "SET", "a", "2"); err == nil || !strings.HasPrefix(err.Error(), "MISCONF ") {
		t.Errorf("a write after that: %v", err)
	}
	w := p.wire()
	w.command("SHUTDOWN", "GET a")
	w.expect("-ERR Errors trying to SHUTDOWN. Check logs.\r\n$1\r\n1\r\n")
	if err := os.Remove(filepath.Join(dir, "dump.rdb")); err != nil {
		t.Fatal(err)
	}
	p.must("SAVE")
	p.must("SET a 2")
}

// A file that cannot be read ends the node: it must not pass for an empty one.
func TestBrokenSnapshot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "dump.rdb")
	p := begin(t, dir)
	work(p, 0)
	p.must("SAVE")
	p.stop()
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)/2] ^= 0x55
	for name, content := range map[string][]byte{"empty": nil, "foreign": []byte("hello"), "cut off": whole[:len(whole)/2], "damaged": flipped} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		if err := runLogged(t, &log, "--dir", dir); err == nil || !strings.Contains(err.Error(), "cannot load "+file) {
			t.Errorf("with an %s file: %v", name, err)
		}
		if !strings.Contains(log.String(), "Terminating server after rdb file reading failure.") {
			t.Errorf("with an %s file it logs %s", name, log.String())
		}
	}
}

// While the file is loaded commands on data wait outside, and a group cannot
// take the node for one without data.
func TestLoading(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir)
	p.must("SET a 1")
	p.must("SAVE")
	p.stop()
	file := filepath.Join(dir, "dump.rdb")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A pipe in its place gives the bytes when the test likes.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := mkfifo(file); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	pipe, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	q := begin(t, dir, "--managed", "yes")
	if _, err := ask(t, q.data, "GET", "a"); err == nil || err.Error() != "LOADING Redis is loading the dataset in memory" {
		t.Errorf("GET while loading: %v", err)
	}
	if got := q.must("INFO persistence").Text; field(got, "loading") != "1" || field(got, "loading_start_time") == "" {
		t.Errorf("INFO while loading: %s", got)
	}
	if got := q.fact("g 1 1 0", "loading"); got != "1" {
		t.Errorf("PROBE says loading %s", got)
	}
	q.group("LOADING", "SEAL g 1")
	if _, err := pipe.Write(whole); err != nil {
		t.Fatal(err)
	}
	await(t, "it is loaded", func() bool { return q.fact("g 1 1 0", "loading") == "0" })
	q.group("", "SEAL g 1")
	if got := q.must("GET a").Text; got != "1" {
		t.Errorf("GET after loading: %q", got)
	}
	_ = os.Remove(file) // a pipe with the name of the file would be loaded again
}

func TestShutdownWaitsForReplicas(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir())
	r.follows(m)
	slow := r.wire()
	slow.command("DEBUG SLEEP 0.5")
	await(t, "the replica sleeps", func() bool {
		m.must("SET k v")
		return field(m.must("INFO replication").Text, "master_repl_offset") > "0"
	})
	w, late := m.wire(), m.wire()
	w.command("SHUTDOWN")
	w.ended()
	late.Close()
	m.left()
	if got := r.must("GET k").Text; got != "v" {
		t.Errorf("the replica has %q", got)
	}
}

func TestShutdownOptions(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	w.command("SHUTDOWN maybe", "SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT", "MULTI", "SHUTDOWN", "RESET")
	w.expect("-ERR syntax error\r\n-ERR syntax error\r\n-ERR No shutdown in progress.\r\n+OK\r\n-ERR Command not allowed inside a transaction\r\n+RESET\r\n")
}

// What FLUSHALL has removed does not come back after a crash.
func TestFlushAllReplacesTheSnapshot(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--save", "3600 1")
	p.must("SET k v")
	p.must("SAVE")
	w := p.wire()
	w.send("SET other v\r\nFLUSHALL\r\nPING\r\n")
	w.expect("+OK\r\n+OK\r\n+PONG\r\n")
	if info := p.must("INFO persistence").Text; !strings.Contains(info, "rdb_changes_since_last_save:0\r\n") {
		t.Errorf("changes are not saved:\n%s", info)
	}
	file, err := os.ReadFile(filepath.Join(p.dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	crashed := t.TempDir()
	if err := os.WriteFile(filepath.Join(crashed, "dump.rdb"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	again := begin(t, crashed)
	await(t, "the file is loaded", func() bool { return strings.Contains(again.must("INFO persistence").Text, "loading:0\r\n") })
	if got := again.must("DBSIZE").Int; got != 0 {
		t.Errorf("%d keys came back", got)
	}
	w.command("SET k v", "MULTI", "FLUSHALL", "EXEC", "DBSIZE")
	w.expect("+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n:0\r\n")
}

// INFO tells how far a snapshot under way is, and how much of it had to be encoded
// before its turn because commands changed what it is of.
func TestSnapshotProgress(t *testing.T) {
	t.Parallel()
	const keys = 500
	p := begin(t, t.TempDir(), "--enable-debug-command", "yes")
	figure := func(name string) int {
		n, err := strconv.Atoi(field(p.must("INFO persistence").Text, name))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	p.must(fmt.Sprintf("DEBUG POPULATE %d k 100", keys))
	for file, name := range map[string]string{"BGSAVE": "rdb_last_cow_size", "BGREWRITEAOF": "aof_last_cow_size"} {
		p.must("CONFIG SET rdb-key-save-delay 30000000")
		p.must(file)
		await(t, "the snapshot has begun", func() bool { return figure("current_save_keys_total") == keys })
		early := figure("current_cow_size")
		for i := range keys {
			p.must(fmt.Sprintf("APPEND k:%d x", i))
		}
		if n := figure("current_save_keys_processed"); n != keys || field(p.must("INFO persistence").Text, "current_fork_perc") != "100.00" {
			t.Errorf("%s: %d keys are done once all were changed", file, n)
		}
		ahead := figure("current_cow_size")
		if early != 0 || ahead < keys/2*100 || ahead > keys*200 {
			t.Errorf("%s: %d bytes were encoded ahead, and %d before anything was changed", file, ahead, early)
		}
		p.must("CONFIG SET rdb-key-save-delay 0")
		await(t, "the snapshot is over", func() bool { return figure("current_save_keys_total") == 0 })
		if now, last := figure("current_cow_size"), figure(name); now != 0 || last != ahead {
			t.Errorf("%s: %d bytes now and %d in the last one, want 0 and %d", file, now, last, ahead)
		}
	}
}
