package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Wherever a file of an append-only file is cut, a node loads what is whole or
// says at which byte it is not, check-aof says the same, and either mends what
// can be mended: the last file.
func TestCutsAreFoundAndMended(t *testing.T) {
	t.Parallel()
	rnd := crashRandom(t)
	k := newKillable(t, "--appendonly yes --appendfsync always "+slowSnapshots)
	ws := newWriters(t, rnd, 3)
	k.start("")
	k.fill(150)
	rewrites := k.repeat(nil, "BGREWRITEAOF") // killed in one of them, it leaves two incremental files
	ws.strike(k.addr(), 500+rnd.IntN(500), k.kill)
	<-rewrites
	sent := make([]int, len(ws.all))
	for i, w := range ws.all {
		sent[i] = w.sent
	}
	manifest, files := logFiles(t, k.dir)
	refused, loaded, unseen := 0, 0, 0
	for round := range *crashCuts {
		c := &killable{t: t, port: k.port, dir: t.TempDir(), args: k.args, out: new(safeBuffer)}
		at := filepath.Join(c.dir, "appendonlydir")
		if err := os.CopyFS(at, os.DirFS(filepath.Join(k.dir, "appendonlydir"))); err != nil {
			t.Fatal(err)
		}
		which := min(rnd.IntN(len(files)+1), len(files)-1) // the last one more often
		file := filepath.Join(at, files[which])
		stat, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		cut := rnd.Int64N(stat.Size() + 1)
		if err := os.Truncate(file, cut); err != nil {
			t.Fatal(err)
		}
		last := which == len(files)-1
		fix := round%2 == 0 // else the node is to mend, as it does by default
		switch broken := c.judge(filepath.Join(at, manifest), cut, last, fix); {
		case broken:
			refused++
		case !last && cut < stat.Size():
			unseen++ // behind a whole unit, and nothing says that there was more
		}
		if !last {
			continue
		}
		loaded++
		// What was cut off may be anything that was acknowledged, but what is
		// left is a state that was.
		c.start("")
		for i, w := range ws.all {
			w.sent = sent[i]
		}
		ws.audit(c.addr(), make([]int, len(ws.all)))
		c.kill()
	}
	t.Logf("%d cuts: %d broke a file, and node and check-aof named the same place; %d of the last file, each loaded as a state of the past; %d behind a whole unit of another file, which nobody can see",
		*crashCuts, refused, loaded, unseen)
}

// logFiles names the manifest and the files that it lists, in order.
func logFiles(t *testing.T, dir string) (manifest string, files []string) {
	t.Helper()
	manifest = "appendonly.aof.manifest"
	text, err := os.ReadFile(filepath.Join(dir, "appendonlydir", manifest))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); words[5] != "h" {
			files = append(files, words[1])
		}
	}
	if len(files) < 2 {
		t.Fatalf("the manifest lists %q", files)
	}
	return manifest, files
}

var atOffset = regexp.MustCompile(`(?:at|reading) offset (\d+)`)

// faultPlace is the first offset that a message names, "" without one.
func faultPlace(message string) string {
	if found := atOffset.FindStringSubmatch(message); found != nil {
		return found[1]
	}
	return ""
}

// judge starts a node that does not mend by itself, and check-aof, on files one
// of which was cut, and tells whether they refuse them: both or neither. In the
// latter case all units before the cut are whole. With fix the last file is
// mended.
func (c *killable) judge(manifest string, cut int64, last, fix bool) (refused bool) {
	c.t.Helper()
	c.launch("--aof-load-truncated no")
	var loads bool
	await(c.t, 20*time.Second, "the node has loaded or given up", func() error {
		if !c.p.Running() {
			return nil
		}
		_, err := do(c.t, 5*time.Second, c.addr(), "PING")
		loads = err == nil
		return err
	})
	if loads {
		c.kill()
	}
	_, fault, status := execute(c.t, 20*time.Second, "check-aof", manifest)
	if loads != (status == 0) {
		c.t.Fatalf("cut at %d, the node loads the files: %v; check-aof exits with %d: %s\n%s", cut, loads, status, fault, c.out)
	}
	if loads {
		return false
	}
	if c.p.Err() == nil {
		c.t.Errorf("cut at %d, the node gave up with status 0", cut)
	}
	own, other := faultPlace(c.out.String()), faultPlace(fault)
	if own == "" || own != other {
		c.t.Fatalf("cut at %d, the node and check-aof say %q and %q: %s\n%s", cut, own, other, fault, c.out)
	}
	if !fix {
		return true
	}
	_, fault, status = execute(c.t, 20*time.Second, "check-aof", "--fix", manifest)
	if mends := status == 0; mends != last {
		c.t.Fatalf("cut at %d, in the last file: %v; check-aof --fix exits with %d: %s", cut, last, status, fault)
	}
	if !last {
		return true
	}
	if _, fault, status = execute(c.t, 20*time.Second, "check-aof", manifest); status != 0 {
		c.t.Fatalf("cut at %d, mended, check-aof exits with %d: %s", cut, status, fault)
	}
	return true
}
