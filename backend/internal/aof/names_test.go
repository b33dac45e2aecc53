package aof_test

import (
	"errors"
	"fmt"
	"testing"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/aof/disktest"
)

// When the sync of the directory fails nobody knows which manifest a crash
// leaves. Neither may name a file that has become another one since.
func TestNamesAreNotUsedTwice(t *testing.T) {
	d := disktest.New()
	bad := &dirSyncs{Disk: d}
	dir, err := aof.OpenDir(aof.DirConfig{Disk: bad, Root: "/data", Dir: "aof", Name: "a.aof", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{} // what each name of a manifest ever held
	look := func() {
		t.Helper()
		m, err := aof.ParseManifest(d.Read("/data/aof/a.aof.manifest"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range append(m.Incr, *m.Base) {
			text := string(d.Read("/data/aof/" + p.Name))
			if before, known := seen[p.Name]; known && before != text {
				t.Errorf("%s was %q and is %q", p.Name, before, text)
			}
			seen[p.Name] = text
		}
	}
	for round := range 6 {
		incr, err := dir.TempIncr()
		if err != nil {
			t.Fatal(err)
		}
		base, err := dir.NewBase()
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range []aof.File{incr, base} {
			if _, err := f.Write(commands(fmt.Sprintf("SET round %d-%d", round, i))); err != nil {
				t.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
		}
		bad.failFrom = 2 - round%2*2 // at the manifest's, or at none
		if err := dir.Commit(0, false, dir.FileID()); (err == nil) != (bad.failFrom == 0) {
			t.Fatalf("round %d: %v", round, err)
		}
		bad.failFrom = 0
		look()
	}
}

// dirSyncs fails at the failFrom-th sync of a directory; 0: at none.
type dirSyncs struct {
	*disktest.Disk
	failFrom int
}

func (d *dirSyncs) SyncDir(dir string) error {
	if d.failFrom > 0 {
		if d.failFrom--; d.failFrom == 0 {
			d.failFrom = -1
			return errDirSync
		}
	}
	return d.Disk.SyncDir(dir)
}

var errDirSync = errors.New("the directory cannot be synced")
