package backend_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// life starts a node of a group on a directory, loaded.
func life(t *testing.T, dir string, flags ...string) *process {
	t.Helper()
	p := begin(t, dir, flags...)
	await(t, "it is loaded", func() bool { return p.fact("g 0 0 0", "loading") == "0" })
	return p
}

func (p *process) incarnation() string { return p.fact("g 0 0 0", "incarnation") }

// crashed is the directory as a crash at this moment leaves it.
func crashed(t *testing.T, dir string) string {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return copied
}

// grown makes a node of a group with data of its own.
func grown(t *testing.T, flags ...string) *process {
	t.Helper()
	p := life(t, t.TempDir(), append([]string{"--managed", "yes"}, flags...)...)
	p.group("", "SEAL g 1")
	p.group("", "PROMOTE g 1 "+p.fact("g 1 1 0", "run-id")+" 1 0")
	await(t, "it serves", func() bool { return p.fact("g 1 1 1", "serving") == "1" })
	p.lease(1, 3600e9)
	p.must("SET k v")
	return p
}

// A clean end that saved proves what the node holds, once.
func TestIncarnationOutlivesACleanEnd(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"snapshot":         {"--save", "3600 1000"},
		"append-only file": {"--appendonly", "yes"},
		"both":             {"--appendonly", "yes", "--save", "3600 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := grown(t, flags...)
			first := p.incarnation()
			if other := life(t, crashed(t, p.dir), flags...); other.incarnation() == first {
				t.Error("it survived a crash")
			}
			p.stop()
			p = life(t, p.dir, flags...)
			if p.incarnation() != first {
				t.Error("it did not survive a clean end")
			}
			if other := life(t, crashed(t, p.dir), flags...); other.incarnation() == first {
				t.Error("a crash after the clean end was proven by that")
			}
			p.stop()
			p = life(t, p.dir, flags...)
			if p.incarnation() != first {
				t.Error("it did not survive a second clean end")
			}
		})
	}
}

// What proves nothing: an end without a save, and data that is not what was saved.
func TestIncarnationOfOtherData(t *testing.T) {
	t.Parallel()
	p := grown(t, "--save", "3600 1000")
	first := p.incarnation()
	p.must("SAVE")
	old := crashed(t, p.dir)
	p.must("SET k w")
	p.stop()
	proof, err := os.ReadFile(filepath.Join(p.dir, "incarnation"))
	if err != nil {
		t.Fatal(err)
	}
	older := crashed(t, p.dir)
	dump, err := os.ReadFile(filepath.Join(old, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{"dump.rdb": dump} {
		if err := os.WriteFile(filepath.Join(older, file), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if other := life(t, older); other.incarnation() == first {
		t.Error("an older snapshot was taken for what was held")
	}
	gone := crashed(t, p.dir)
	if err := os.Remove(filepath.Join(gone, "dump.rdb")); err != nil {
		t.Fatal(err)
	}
	if other := life(t, gone); other.incarnation() == first {
		t.Error("nothing was taken for what was held")
	}
	broken := crashed(t, p.dir)
	if err := os.WriteFile(filepath.Join(broken, "incarnation"), proof[:len(proof)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if other := life(t, broken); other.incarnation() == first {
		t.Error("half a proof was believed")
	}
	unsaved := life(t, crashed(t, p.dir), "--save", "")
	if unsaved.incarnation() != first {
		t.Error("the proof was not believed")
	}
	unsaved.stop()
	if other := life(t, unsaved.dir, "--save", ""); other.incarnation() == first {
		t.Error("an end without a save proved something")
	}
}

// With everything on disk before it is confirmed, a crash loses nothing: the proof
// stands until one of the settings is switched off.
func TestIncarnationOutlivesACrashWhereAllIsOnDisk(t *testing.T) {
	t.Parallel()
	flags := []string{"--appendonly", "yes", "--appendfsync", "always", "--write-acks-durable", "yes"}
	p := grown(t, flags...)
	p.stop() // its group came after its start
	p = life(t, p.dir, flags...)
	first := p.incarnation()
	for range 3 {
		p = life(t, crashed(t, p.dir), flags...)
		if p.incarnation() != first {
			t.Fatal("it did not survive a crash")
		}
	}
	lost := crashed(t, p.dir)
	if err := os.RemoveAll(filepath.Join(lost, "appendonlydir")); err != nil {
		t.Fatal(err)
	}
	if other := life(t, lost, flags...); other.incarnation() == first {
		t.Error("no data was taken for all")
	}
	for setting, off := range map[string]string{"appendfsync": "everysec", "write-acks-durable": "no", "appendonly": "no"} {
		q := life(t, crashed(t, p.dir), flags...)
		q.must("CONFIG SET " + setting + " " + off)
		if other := life(t, crashed(t, q.dir), flags...); other.incarnation() == first {
			t.Errorf("a crash was survived after %s was set to %s", setting, off)
		}
	}
	// Another start without the settings consumes the proof.
	q := life(t, crashed(t, p.dir), "--appendonly", "yes")
	if q.incarnation() != first {
		t.Error("it did not survive a crash into other settings")
	}
	if other := life(t, crashed(t, q.dir), flags...); other.incarnation() == first {
		t.Error("the proof was not consumed")
	}
}

func TestUnfinishedSnapshotsAreSwept(t *testing.T) {
	t.Parallel()
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	stay := []string{"temp-1.rdb", "temp-x.rdb", "temp--1.rdb", "temp-0.rdb", "other-5.rdb"}
	gone := "temp-" + strconv.Itoa(dead.Process.Pid) + ".rdb"
	for _, name := range append(stay, gone) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	begin(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "*-*.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	if left := strings.Join(files, " "); len(files) != len(stay) || strings.Contains(left, gone) {
		t.Errorf("left are %s", left)
	}
}
