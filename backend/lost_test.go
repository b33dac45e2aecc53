package backend_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/backend/internal/aof"
)

// replace makes b the master of epoch 2 in the place of m, which does not know
// it: it goes on, and its holders have sealed.
func replace(t *testing.T, m, b *process) {
	t.Helper()
	holder := m.fact("g 1 1 0", "incarnation")
	b.group("", "SEAL g 2")
	b.group("", fmt.Sprintf("PROMOTE g 2 %s 2 0 %s", b.fact("g 1 2 0", "run-id"), holder))
	await(t, "the new master serves", func() bool { return b.fact("g 1 2 2", "serving") == "1" })
	b.group("", fmt.Sprintf("PROBE g 1 2 2 %s 3600000", b.fact("g 1 2 2", "nonce"))) // a lease
}

// wrote sends a write that nobody confirms and waits until it is executed.
func (p *process) wrote(line string) {
	p.t.Helper()
	before := p.fact("g 1 1 1", "offset")
	p.wire().command(line)
	await(p.t, "the write is executed", func() bool { return p.fact("g 1 1 1", "offset") != before })
}

func (p *process) info(field string) string {
	p.t.Helper()
	for line := range strings.Lines(p.must("INFO everything").Text) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	p.t.Fatalf("INFO has no field %s", field)
	return ""
}

// lostWrites reads a lost file of a node: its head, and its commands with their
// databases.
func lostWrites(t *testing.T, p *process, name string) (head string, writes []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if line[0] != '#' {
			break
		}
		head += string(line)
	}
	err = aof.Units(bytes.NewReader(text), 0, func(u *aof.Unit) error {
		for _, c := range u.Commands {
			writes = append(writes, fmt.Sprintf("%d:%s", c.DB, bytes.Join(c.Args, []byte(" "))))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s cannot be loaded: %v", name, err)
	}
	return head, writes
}

func lostFiles(t *testing.T, p *process) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "*lost*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	return files
}

func (p *process) followed(t *testing.T, m *process) {
	t.Helper()
	p.group("", fmt.Sprintf("FOLLOW g 2 127.0.0.1 %d", m.port))
	await(t, "the old master has followed", func() bool {
		return p.fact("g 1 2 2", "data-epoch") == "2" && p.fact("g 1 2 2", "link") == "up" &&
			p.must("DEBUG DIGEST").Text == m.must("DEBUG DIGEST").Text
	})
}

// An old master that runs on has written what its successor does not have. It
// keeps exactly that before a full resync takes its place.
func TestOldMasterKeepsWhatItGivesUp(t *testing.T) {
	t.Parallel()
	all := found(t, 2, 1)
	m, b := all[0], all[1]
	m.must("SET both 1")
	m.must("SELECT 3")
	m.must("RPUSH list a b")
	m.must("SELECT 0")
	await(t, "the replica has all", func() bool { return b.fact("g 1 1 1", "offset") == m.fact("g 1 1 1", "offset") })
	replace(t, m, b)
	m.wrote("SET only old") // database 0, after 3 was selected in the stream
	m.wrote("INCR counter")
	m.wire().command("MULTI", "SELECT 5", "SET in five", "INCR counter", "EXEC")
	await(t, "the transaction is executed", func() bool { return strings.Contains(m.must("INFO keyspace").Text, "db5") })
	b.must("SET only new")

	m.followed(t, b)
	want := []string{"0:SET only old", "0:INCR counter", "5:SET in five", "5:INCR counter"}
	head, got := lostWrites(t, m, "lost-1.aof")
	if !slices.Equal(got, want) {
		t.Errorf("the lost file has %q, want %q", got, want)
	}
	if !strings.Contains(head, "epoch=1 ") || !strings.Contains(head, "complete=yes") {
		t.Errorf("the file says of itself:\n%s", head)
	}
	if files := lostFiles(t, m); len(files) != 1 {
		t.Errorf("files %q", files)
	}
	for field, want := range map[string]string{"lost_writes_total": "3", "lost_acked_writes_total": "0", "lost_file": "lost-1.aof"} {
		if got := m.info(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if got := m.must("GET only").Text; got != "new" {
		t.Errorf("the old master has %q", got)
	}
	if full := b.info("sync_full"); full != "1" {
		t.Errorf("%s full resyncs", full)
	}
}

// With write-acks 0 what an old master has answered may be lost, and is counted.
func TestAnsweredWritesThatAreGivenUpAreCounted(t *testing.T) {
	t.Parallel()
	all := found(t, 2, 0)
	m, b := all[0], all[1]
	m.lease(1, time.Hour)
	m.must("SET both 1")
	await(t, "the replica has all", func() bool { return b.fact("g 1 1 1", "offset") == m.fact("g 1 1 1", "offset") })
	replace(t, m, b)
	m.must("SET only old")
	m.must("SET only older")
	m.followed(t, b)
	if got := m.info("lost_acked_writes_total"); got != "2" {
		t.Errorf("lost_acked_writes_total is %s", got)
	}
}

// So they are when it was restarted, by what its file tells of who had to confirm.
func TestAnsweredWritesAreCountedAfterARestart(t *testing.T) {
	t.Parallel()
	for acks, want := range map[int]string{0: "2", 1: "0"} {
		t.Run(fmt.Sprint("write-acks ", acks), func(t *testing.T) {
			t.Parallel()
			all := found(t, 2, acks, "--appendonly", "yes")
			m, b := all[0], all[1]
			if acks == 0 {
				m.lease(1, time.Hour)
			}
			m.must("SET both 1")
			await(t, "the replica has all", func() bool { return b.fact("g 1 1 1", "offset") == m.fact("g 1 1 1", "offset") })
			replace(t, m, b)
			m.wrote("SET only old")
			m.wrote("SET only older")
			m.stop()
			m = begin(t, m.dir, "--appendonly", "yes")
			await(t, "it is loaded", func() bool { return m.fact("g 0 0 0", "loading") == "0" })
			m.followed(t, b)
			if writes, acked := m.info("lost_writes_total"), m.info("lost_acked_writes_total"); writes != "2" || acked != want {
				t.Errorf("%s writes are given up, %s of them were answered, want 2 and %s", writes, acked, want)
			}
		})
	}
}

// What an old master has past its successor's beginning may change no data: then
// nothing is kept, and what it has not may still be sent as a part.
func TestOldMasterThatLostNothingGoesOn(t *testing.T) {
	t.Parallel()
	all := found(t, 2, 1)
	m, b := all[0], all[1]
	m.must("SET both 1")
	await(t, "the replica has all", func() bool { return b.fact("g 1 1 1", "offset") == m.fact("g 1 1 1", "offset") })
	replace(t, m, b)
	b.must("SET only new")
	m.followed(t, b)
	if files := lostFiles(t, m); len(files) != 0 {
		t.Errorf("files %q", files)
	}
	if full, part := b.info("sync_full"), b.info("sync_partial_ok"); full != "0" || part != "1" {
		t.Errorf("%s full and %s partial resyncs", full, part)
	}
}

// Records and keepalives at the end of a stream, which no replica got any more, are
// no reason for a full resync; one write is.
func TestOldMasterGoesBackOverRecords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags     []string
		more      string
		full, own string // resyncs; what the old master counts as given up
	}{
		"in memory":              {own: "0", full: "0"},
		"with appendonly":        {flags: []string{"--appendonly", "yes"}, own: "0", full: "0"},
		"with a write behind it": {more: "SET only old", own: "1", full: "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := found(t, 2, 1, c.flags...)
			m, b := all[0], all[1]
			m.must("SET both 1")
			await(t, "the replica has all", func() bool { return b.fact("g 1 1 1", "offset") == m.fact("g 1 1 1", "offset") })
			replace(t, m, b)
			at, strong := m.fact("g 1 1 1", "offset"), m.wire()
			strong.command("HOLDFAST HELLO 1 PROXY STRONG")
			strong.command("GET both") // puts a record into the stream, and waits in vain
			await(t, "a record stands in the old master's stream", func() bool { return m.fact("g 1 1 1", "offset") != at })
			if c.more != "" {
				m.wrote(c.more)
			}
			b.must("SET only new")
			m.followed(t, b)
			if full := b.info("sync_full"); full != c.full {
				t.Errorf("%s full resyncs, want %s", full, c.full)
			}
			if got := m.info("lost_writes_total"); got != c.own {
				t.Errorf("%s writes are given up, want %s", got, c.own)
			}
			await(t, "what the new master has is shown", func() bool { return m.must("GET only").Text == "new" })
			b.must("SET later 1")
			await(t, "it goes on", func() bool { return m.must("GET later").Text == "1" })
		})
	}
}

// A backlog that does not reach back to where the histories part is said so, in
// the name and in the file.
func TestTooSmallABacklogIsSaid(t *testing.T) {
	t.Parallel()
	all := found(t, 2, 1, "--repl-backlog-size", "16kb")
	m, b := all[0], all[1]
	replace(t, m, b)
	for i := range 60 {
		m.wrote(fmt.Sprintf("SET key:%d %s", i, strings.Repeat("x", 1000)))
	}
	m.followed(t, b)
	head, got := lostWrites(t, m, "lost-1-incomplete.aof")
	if !strings.Contains(head, "complete=no") || !strings.Contains(head, "NOT ALL OF THEM ARE HERE") {
		t.Errorf("the file says of itself:\n%s", head)
	}
	if len(got) == 0 || len(got) >= 60 || !strings.HasPrefix(got[len(got)-1], "0:SET key:59 ") {
		t.Errorf("%d writes, the last is %.20q", len(got), got[max(0, len(got)-1)])
	}
}

// A killed master that comes back with its append-only file cuts it where its
// successor began, keeps what it cut off, and takes only what it lacks.
func TestRestartedMasterCutsItsFile(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string]string{"snapshot as base": "yes", "commands as base": "no"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := found(t, 2, 1, "--appendonly", "yes", "--aof-use-rdb-preamble", flags)
			m, b := all[0], all[1]
			m.must("SET both 1")
			m.must("BGREWRITEAOF")
			await(t, "the file is rewritten", func() bool { return m.info("aof_rewrite_in_progress") == "0" && m.info("aof_rewrites") == "1" })
			m.must("SELECT 3")
			m.must("RPUSH list a b")
			m.must("SELECT 0")
			if _, err := ask(t, m.data, "FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function{function_name='f', callback=function() return 1 end, flags={'no-writes'}}"); err != nil {
				t.Fatal(err)
			}
			await(t, "the replica has all", func() bool { return b.fact("g 1 1 1", "offset") == m.fact("g 1 1 1", "offset") })
			replace(t, m, b)
			m.wrote("SET only old")
			m.wrote("INCR counter")
			m.stop()
			b.must("SET only new")

			m = begin(t, m.dir, "--appendonly", "yes", "--aof-use-rdb-preamble", flags)
			await(t, "it is loaded", func() bool { return m.fact("g 0 0 0", "loading") == "0" })
			m.followed(t, b)
			if full, part := b.info("sync_full"), b.info("sync_partial_ok"); full != "0" || part != "1" {
				t.Errorf("%s full and %s partial resyncs", full, part)
			}
			_, got := lostWrites(t, m, "lost-1.aof")
			if want := []string{"0:SET only old", "0:INCR counter"}; !slices.Equal(got, want) {
				t.Errorf("the lost file has %q, want %q", got, want)
			}
			if got := m.info("lost_writes_total"); got != "2" {
				t.Errorf("lost_writes_total is %s", got)
			}
			if v := m.must("FCALL_RO f 0"); v.Int != 1 {
				t.Errorf("the function answers %v", v)
			}
			b.must("SET later 1")
			await(t, "it goes on", func() bool { return m.must("GET later").Text == "1" })

			// The file is what the data is, also for the next start.
			digest := m.must("DEBUG DIGEST").Text
			offset := m.fact("g 1 2 2", "offset")
			m.stop()
			m = begin(t, m.dir, "--appendonly", "yes")
			await(t, "it is loaded", func() bool { return m.fact("g 0 0 0", "loading") == "0" })
			if m.must("DEBUG DIGEST").Text != digest || m.fact("g 1 2 2", "offset") != offset || m.fact("g 1 2 2", "data-epoch") != "2" {
				t.Errorf("after another restart: offset %s of %s, epoch %s", m.fact("g 1 2 2", "offset"), offset, m.fact("g 1 2 2", "data-epoch"))
			}
			m.followed(t, b)
			if files := lostFiles(t, m); len(files) != 1 {
				t.Errorf("files %q", files)
			}
		})
	}
}

// Where the lost file cannot be written nothing is given up.
func TestNothingIsGivenUpThatCannotBeKept(t *testing.T) {
	t.Parallel()
	all := found(t, 2, 1)
	m, b := all[0], all[1]
	replace(t, m, b)
	m.wrote("SET only old")
	// In the place of the file stands what is none.
	if err := os.MkdirAll(filepath.Join(m.dir, "temp-lost-1.aof", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	m.group("", fmt.Sprintf("FOLLOW g 2 127.0.0.1 %d", b.port))
	await(t, "it has tried more than once", func() bool { return b.info("sync_full") >= "2" })
	if m.fact("g 1 2 2", "data-epoch") != "1" {
		t.Fatal("it gave up what it could not keep")
	}
	if err := os.RemoveAll(filepath.Join(m.dir, "temp-lost-1.aof")); err != nil {
		t.Fatal(err)
	}
	m.followed(t, b)
	if _, err := os.Stat(filepath.Join(m.dir, "lost-1.aof")); errors.Is(err, fs.ErrNotExist) {
		t.Error("there is no lost file")
	}
}
