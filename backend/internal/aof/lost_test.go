package aof_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/aof/disktest"
)

var about = aof.LostAbout{ID: strings.Repeat("a", 40), Epoch: 6, From: 100, To: 900, Master: "the master at here:1, of epoch 7,"}

// give passes commands, one unit each, to a lost file.
func give(t *testing.T, l *aof.Lost, lines ...string) {
	t.Helper()
	if err := aof.Units(bytes.NewReader(commands(lines...)), 0, l.Unit); err != nil {
		t.Fatal(err)
	}
}

func keep(t *testing.T, l *aof.Lost, want string) {
	t.Helper()
	if name, err := l.Keep(); err != nil || name != want {
		t.Fatalf("kept as %q, %v; want %q", name, err, want)
	}
}

func TestLostFileHasWhatChangesData(t *testing.T) {
	d := disktest.New()
	l := aof.NewLost(d, "/data", about, 100)
	give(t, l, "SELECT 2", "SET a 1", "PING", "SELECT 3", "PING hf:epoch:6:x", "MULTI", "SET b 2", "SELECT 4", "INCR c", "EXEC",
		"REPLCONF GETACK *", "INCR c", "SELECT 2", "DEL a")
	keep(t, l, "lost-6.aof")
	if l.Writes != 4 {
		t.Errorf("%d writes", l.Writes)
	}
	var s story
	after := d.Crash(nil)
	if err := aof.Read(bytes.NewReader(after.Read("/data/lost-6.aof")), &s); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(s.told, "|"), "|2:SET a 1||3:SET b 2;4:INCR c|4:INCR c||2:DEL a"; got != want {
		t.Errorf("it has %q, want %q", got, want)
	}
	if names := after.Names(); len(names) != 1 {
		t.Errorf("left are %q", names)
	}
}

func TestLostFileCountsWhatWasAnswered(t *testing.T) {
	units := commands("SET a 1", "SET b 2", "SET c 3")
	a := about
	a.Answered = 100 + uint64(len(units))*2/3
	l := aof.NewLost(disktest.New(), "/data", a, 100)
	give(t, l, "SET a 1", "SET b 2", "SET c 3")
	if l.Writes != 3 || l.Acked != 2 {
		t.Errorf("%d writes, %d answered", l.Writes, l.Acked)
	}
}

func TestLostFilesDoNotReplaceEachOther(t *testing.T) {
	d := disktest.New()
	lost := func(from uint64, missing, key string) *aof.Lost {
		a := about
		a.From, a.Missing = from, missing
		l := aof.NewLost(d, "/data", a, from)
		if key != "" {
			give(t, l, "SET "+key+" 1")
		}
		return l
	}
	keep(t, lost(100, "", "a"), "lost-6.aof")
	keep(t, lost(300, "", "b"), "lost-6-2.aof")
	keep(t, lost(100, "", "a"), "lost-6.aof") // the same again, after a crash
	keep(t, lost(100, "", ""), "")
	keep(t, lost(100, "gone", ""), "lost-6-incomplete.aof")
	if text := string(d.Read("/data/lost-6-incomplete.aof")); !strings.Contains(text, "NOT ALL OF THEM ARE HERE: gone.") || !strings.Contains(text, "complete=no") {
		t.Errorf("the file says\n%s", text)
	}
	if len(d.Names()) != 3 {
		t.Errorf("left are %q", d.Names())
	}
}

func TestLostFileThatCannotBeWritten(t *testing.T) {
	d := disktest.New()
	d.Limit(100)
	l := aof.NewLost(d, "/data", about, 100)
	give(t, l, "SET a "+strings.Repeat("x", 200))
	if name, err := l.Keep(); err == nil {
		t.Fatalf("kept as %q on a full disk", name)
	}
	if len(d.Names()) != 0 {
		t.Errorf("left are %q", d.Names())
	}
}

// cutFiles are a base and two incremental files.
func cutFiles(t *testing.T) (*disktest.Disk, *aof.Dir) {
	t.Helper()
	d := disktest.New()
	d.Put("/data/aof/a.aof.1.base.aof", commands("SET base 1"))
	d.Put("/data/aof/a.aof.1.incr.aof", commands("SET a 1", "SET b 2"))
	d.Put("/data/aof/a.aof.2.incr.aof", commands("SET c 3", "SET d 4"))
	d.Put("/data/aof/a.aof.manifest", []byte("file a.aof.1.base.aof seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\nfile a.aof.2.incr.aof seq 2 type i\n"))
	return d, open(t, d)
}

func TestCutAt(t *testing.T) {
	one := int64(len(commands("SET a 1")))
	for _, c := range []struct {
		file string
		at   int64
		want string
		next string // the file that is written behind the cut
	}{
		{"a.aof.2.incr.aof", one, "0:SET base 1|0:SET a 1|0:SET b 2|0:SET c 3", "2.incr"},
		{"a.aof.1.incr.aof", 2 * one, "0:SET base 1|0:SET a 1|0:SET b 2", "1.incr"},
		{"a.aof.1.incr.aof", one, "0:SET base 1|0:SET a 1", "1.incr"},
		{"", 0, "0:SET base 1", "3.incr"},
	} {
		d, dir := cutFiles(t)
		if err := dir.CutAt(c.file, c.at); err != nil {
			t.Fatal(err)
		}
		var s story
		after := d.Crash(nil)
		if err := open(t, after).Load(&s, false, nil); err != nil || strings.Join(s.told, "|") != c.want {
			t.Errorf("%s at %d: loaded %q, %v; want %q", c.file, c.at, s.told, err, c.want)
		}
		_, dir = cutFiles(t)
		if err := dir.CutAt(c.file, c.at); err != nil {
			t.Fatal(err)
		}
		if _, _, err := dir.Continue(); err != nil {
			t.Fatal(err)
		}
		m := dir.Manifest()
		if last := m.Incr[len(m.Incr)-1].Name; !strings.Contains(last, c.next) {
			t.Errorf("%s at %d: %s is written on", c.file, c.at, last)
		}
	}
	_, dir := cutFiles(t)
	if err := dir.CutAt("other", 0); err == nil {
		t.Error("a file that is none was cut")
	}
}

// A crash at any moment of a cut leaves the files whole, or up to the one that is
// cut, whole or cut.
func TestCutSurvivesCrashes(t *testing.T) {
	one := int64(len(commands("SET a 1")))
	whole := "0:SET base 1|0:SET a 1|0:SET b 2|0:SET c 3|0:SET d 4"
	for seed := range uint64(20) {
		for steps := range 8 {
			d, _ := cutFiles(t)
			dir, err := aof.OpenDir(aof.DirConfig{Disk: &steppedDisk{Disk: d, left: steps}, Root: "/data", Dir: "aof", Name: "a.aof", Log: quiet})
			if err != nil {
				t.Fatal(err)
			}
			err = dir.CutAt("a.aof.1.incr.aof", one)
			var s story
			if err := open(t, d.Crash(rand.New(rand.NewPCG(seed, 0)))).Load(&s, true, nil); err != nil {
				t.Fatalf("after %d steps: %v", steps, err)
			}
			switch got := strings.Join(s.told, "|"); {
			case err == nil && got != "0:SET base 1|0:SET a 1":
				t.Errorf("after the cut: %q", got)
			case got != whole && got != "0:SET base 1|0:SET a 1|0:SET b 2" && got != "0:SET base 1|0:SET a 1":
				t.Errorf("after %d steps: %q", steps, got)
			}
		}
	}
}

// steppedDisk fails after so many changes.
type steppedDisk struct {
	*disktest.Disk
	left int
}

var errStepped = errors.New("the disk is gone")

func (d *steppedDisk) step() error {
	if d.left--; d.left < 0 {
		return errStepped
	}
	return nil
}

func (d *steppedDisk) Create(name string) (aof.File, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	return d.Disk.Create(name)
}

func (d *steppedDisk) Rename(from, to string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Disk.Rename(from, to)
}

func (d *steppedDisk) Remove(name string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Disk.Remove(name)
}

func (d *steppedDisk) Truncate(name string, size int64) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Disk.Truncate(name, size)
}

func (d *steppedDisk) SyncDir(dir string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Disk.SyncDir(dir)
}
