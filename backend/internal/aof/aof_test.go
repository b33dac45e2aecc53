package aof_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/aof/disktest"
	"holdfast/backend/resp"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func open(t *testing.T, d *disktest.Disk) *aof.Dir {
	t.Helper()
	dir, err := aof.OpenDir(aof.DirConfig{Disk: d, Root: "/data", Dir: "aof", Name: "a.aof", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// story is a Sink that writes down what it is given.
type story struct {
	told  []string
	place aof.Place
}

func (s *story) Snapshot(r *bufio.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, 9))
	s.told = append(s.told, string(b))
	return err
}

func (s *story) Unit(u *aof.Unit) error {
	var words []string
	for _, c := range u.Commands {
		words = append(words, fmt.Sprintf("%d:%s", c.DB, bytes.Join(c.Args, []byte(" "))))
	}
	s.told = append(s.told, strings.Join(words, ";"))
	return nil
}

func (s *story) Place(p aof.Place) error { s.place = p; return nil }

func commands(lines ...string) (b []byte) {
	for _, line := range lines {
		if strings.HasPrefix(line, "#") {
			b = append(b, line+"\r\n"...)
		} else {
			b = resp.AppendCommand(b, strings.Fields(line)...)
		}
	}
	return b
}

func TestManifest(t *testing.T) {
	t.Parallel()
	const text = "file a.2.base.rdb seq 2 type b\nfile a.1.incr.aof seq 1 type h\nfile \" x\\n.3.incr.aof\" seq 3 type i\n"
	m, err := aof.ParseManifest([]byte(text))
	if err != nil || m.Base.Name != "a.2.base.rdb" || len(m.History) != 1 || m.Incr[0].Name != " x\n.3.incr.aof" {
		t.Fatalf("%+v, %v", m, err)
	}
	if got := string(m.Format()); got != text {
		t.Errorf("printed\n%s\nwant\n%s", got, text)
	}
	for want, text := range map[string]string{
		"Found an empty AOF manifest":                         "",
		"Invalid AOF manifest file format":                    "file a seq 1 type b\n\n",
		"The AOF manifest file contains too long line":        "file " + strings.Repeat("a", 1024) + " seq 1 type b\n",
		"File can't be a path, just a filename":               "file x/a seq 1 type b\n",
		"Found duplicate base file information":               "file a seq 1 type b\nfile b seq 2 type b\n",
		"Found a non-monotonic sequence number":               "file a seq 2 type i\nfile b seq 1 type i\n",
		"Unknown AOF file type":                               "file a seq 1 type x\n",
		"line 1, \"file a seq 1 type\": Invalid AOF manifest": "file a seq 1 type\n",
	} {
		if _, err := aof.ParseManifest([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
	if m, err := aof.ParseManifest([]byte("# a comment\nFILE a SEQ 1 TYPE i new thing\n")); err != nil || m.Incr[0].Seq != 1 {
		t.Errorf("with what later versions add: %+v, %v", m, err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	in := commands("#TS:5", "SET a 1", "SELECT 3", "SET b 2", "MULTI", "INCR a", "#TS:6", "SELECT 0", "INCR c", "EXEC", "PING hf:epoch:4:x",
		"#HF:0123456789012345678901234567890123456789:77:4")
	var s story
	if err := aof.Read(bytes.NewReader(append([]byte("REDIS0010"), in...)), &s); err != nil {
		t.Fatal(err)
	}
	want := []string{"REDIS0010", "0:SET a 1", "", "3:SET b 2", "3:INCR a;0:INCR c", "0:PING hf:epoch:4:x"}
	if strings.Join(s.told, "|") != strings.Join(want, "|") || s.place.Offset != 77 || s.place.Epoch != 4 {
		t.Errorf("read %q at %+v, want %q", s.told, s.place, want)
	}
}

func TestReadGarbage(t *testing.T) {
	t.Parallel()
	for _, tail := range []string{"!!!", "*x\r\n", "*0\r\n", "*-1\r\n", "*1\r\nSET\r\n", "*1\r\n$-1\r\n", "*1\r\n$3\r\nSETxx", "*99999999999\r\n",
		"*1\r\n$99999999999\r\n", "*2\r\n$6\r\nSELECT\r\n$1\r\nx\r\n", "*1\r\n$4\r\nEXEC\r\n",
		"#HF:0123456789012345678901234567890123456789:4611686018427387904:4\r\n", "#HF:0123456789012345678901234567890123456789:x:4\r\n",
		"#HF:0123456789012345678901234567890123456789:77\r\n",
		"*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nMULTI\r\n", "#" + strings.Repeat("x", 300<<10)} {
		good := commands("SET a 1")
		err := aof.Read(strings.NewReader(string(good)+tail), &story{})
		var f *aof.Fault
		if !errors.As(err, &f) || !errors.Is(err, aof.ErrFormat) || f.Good != int64(len(good)) {
			t.Errorf("%.40q: %v", tail, err)
		}
	}
}

// Whatever a file holds, reading it ends with a fault that lies in it, and what was
// read before is what the file begins with.
func FuzzRead(f *testing.F) {
	f.Add([]byte("#TS:5\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"))
	f.Add(commands("MULTI", "INCR a", "#TS:6", "SELECT 0", "INCR c", "EXEC", "PING hf:epoch:4:x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var all, first story
		err := aof.Read(bytes.NewReader(b), &all)
		var fault *aof.Fault
		if !errors.As(err, &fault) {
			if err != nil {
				t.Fatalf("no fault of the file: %v", err)
			}
			return
		}
		if fault.Good < 0 || fault.Good > fault.At || fault.At > int64(len(b)) {
			t.Fatalf("good up to %d, broken at %d of %d", fault.Good, fault.At, len(b))
		}
		if err := aof.Read(bytes.NewReader(b[:fault.Good]), &first); err != nil || strings.Join(first.told, "|") != strings.Join(all.told, "|") {
			t.Fatalf("what is good gives %q (%v), the whole gave %q", first.told, err, all.told)
		}
	})
}

// What was stored under a higher proto-max-bulk-len is read back under any.
func TestReadLongArguments(t *testing.T) {
	t.Parallel()
	err := aof.Read(strings.NewReader("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000000\r\nxx"), &story{})
	if !errors.Is(err, aof.ErrTruncated) {
		t.Errorf("a value of 1 GB that does not come: %v", err)
	}
}

// A file cut anywhere in its last records loads up to the last whole one, or
// says where it breaks off.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	parts := [][]byte{commands("SET a 1"), commands("#TS:1"), commands("MULTI", "INCR a", "INCR b", "EXEC"), commands("PING hf:mark:x"), commands("RPUSH l x y z")}
	whole := map[int]int{0: 0} // the lengths at which the file may end, and the units before
	units, all := 0, []byte(nil)
	for i, p := range parts {
		all = append(all, p...)
		if i != 1 {
			units++
		}
		whole[len(all)] = units
	}
	for cut := range len(all) + 1 {
		d := disktest.New()
		d.Put("/data/aof/a.aof.manifest", []byte("file a.aof.1.incr.aof seq 1 type i\n"))
		d.Put("/data/aof/a.aof.1.incr.aof", all[:cut])
		good := cut
		for whole[good] == 0 && good > 0 {
			good--
		}
		var f *aof.Fault
		err := open(t, d).Load(new(story), false, nil)
		if good == cut && err != nil || good != cut && (!errors.As(err, &f) || f.Good != int64(good) || f.At != int64(cut) || !errors.Is(err, aof.ErrTruncated)) {
			t.Fatalf("cut at %d, good up to %d: %v", cut, good, err)
		}
		var s story
		if err := open(t, d).Load(&s, true, nil); err != nil || len(s.told) != whole[good] {
			t.Fatalf("cut at %d: %d units of %d, %v", cut, len(s.told), whole[good], err)
		}
		if left := d.Read("/data/aof/a.aof.1.incr.aof"); len(left) != good {
			t.Fatalf("cut at %d: %d bytes are left of %d", cut, len(left), good)
		}
	}
}

// Only the last file may lack its end.
func TestCutInTheMiddle(t *testing.T) {
	t.Parallel()
	d := disktest.New()
	d.Put("/data/aof/a.aof.manifest", []byte("file a.aof.1.incr.aof seq 1 type i\nfile a.aof.2.incr.aof seq 2 type i\n"))
	d.Put("/data/aof/a.aof.1.incr.aof", commands("SET a 1")[:9])
	d.Put("/data/aof/a.aof.2.incr.aof", commands("SET b 1"))
	if err := open(t, d).Load(new(story), true, nil); err == nil || !strings.Contains(err.Error(), "the truncated file is not the last file") {
		t.Error(err)
	}
}

// The single file of old is taken over, also where that was interrupted.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(d *disktest.Disk){
		"from nothing": func(*disktest.Disk) {},
		"interrupted": func(d *disktest.Disk) {
			d.Put("/data/aof/a.aof.manifest", []byte("file a.aof seq 1 type b\n"))
		},
	} {
		d := disktest.New()
		d.Put("/data/a.aof", commands("SET a 1"))
		prepare(d)
		dir := open(t, d)
		if err := dir.Upgrade(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var s story
		if err := open(t, d.Crash(nil)).Load(&s, false, nil); err != nil || len(s.told) != 1 {
			t.Errorf("%s: loaded %q, %v", name, s.told, err)
		}
	}
}

// Whatever a crash interrupts, the manifest names only what is there.
func TestRewriteSurvivesCrashes(t *testing.T) {
	t.Parallel()
	d := disktest.New()
	dir := open(t, d)
	write := func(f aof.File, err error, lines ...string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(commands(lines...)); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	loads := func(want string) {
		t.Helper()
		var s story
		if err := open(t, d).Load(&s, false, nil); err != nil || strings.Join(s.told, "|") != want {
			t.Errorf("loaded %q, %v, want %q", s.told, err, want)
		}
	}
	f, err := dir.NewBase()
	write(f, err, "SET base 1")
	if err := dir.Commit(0, false, 0); err != nil {
		t.Fatal(err)
	}
	f, _, err = dir.Continue()
	write(f, err, "SET incr 1")
	f, err = dir.NextIncr()
	id := dir.FileID()
	write(f, err, "SET incr 2")
	loads("0:SET base 1|0:SET incr 1|0:SET incr 2")
	f, err = dir.NewBase()
	write(f, err, "SET base 2")
	loads("0:SET base 1|0:SET incr 1|0:SET incr 2")
	if err := dir.Commit(0, false, id-1); err == nil {
		t.Error("a base was put before a file that does not follow it")
	}
	if err := dir.Commit(0, false, id); err != nil {
		t.Fatal(err)
	}
	loads("0:SET base 2|0:SET incr 2")
	if names := d.Names(); len(names) != 3 {
		t.Errorf("left are %q", names)
	}
	d = d.Crash(nil)
	loads("0:SET base 2|0:SET incr 2")
}
