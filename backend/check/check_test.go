package check_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"holdfast/backend/check"
	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/store"
	"holdfast/backend/resp"
)

func write(t *testing.T, name string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// snapshot is a file of 20 strings, 5 of which expire, and a list.
func snapshot(t *testing.T) []byte {
	t.Helper()
	s, err := store.New(2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 20 {
		expire := int64(store.NoExpire)
		if i < 5 {
			expire = 1 << 40
		}
		if err := s.DB(1).Set([]byte("key:"+strconv.Itoa(i)), []byte("some value"), expire); err != nil {
			t.Fatal(err)
		}
	}
	l, err := s.DB(0).MakeList([]byte("list"))
	if err != nil {
		t.Fatal(err)
	}
	l.Push(true, []byte("a"), []byte("b"), []byte("c"))
	l.Done(true)
	w := rdb.NewWriter(false)
	w.Header(rdb.Info{RedisVersion: "7.2.6"})
	walk, err := s.StartWalk(w.Entry)
	if err != nil {
		t.Fatal(err)
	}
	for done := false; !done; {
		if done, err = walk.Step(1 << 20); err != nil {
			t.Fatal(err)
		}
	}
	return w.Seal(w.Take(rdb.Piece{}), true)
}

func TestRDB(t *testing.T) {
	t.Parallel()
	dir, all := t.TempDir(), snapshot(t)
	r, err := check.RDB(write(t, filepath.Join(dir, "whole.rdb"), all), nil)
	if err != nil || r.Keys != 21 || r.Expires != 5 || r.Writer != "7.2.6" || r.Size != int64(len(all)) {
		t.Fatalf("%+v, %v", r, err)
	}
	if len(r.Types) != 2 || r.Types[0].Name != "string" || r.Types[0].Number != 20 || r.Types[0].Elements != 200 || r.Types[1].Elements != 3 {
		t.Errorf("types: %+v", r.Types)
	}
	for cut := range len(all) {
		_, err := check.RDB(write(t, filepath.Join(dir, "cut.rdb"), all[:cut]), nil)
		var f *check.Fault
		if !errors.As(err, &f) || !errors.Is(err, check.ErrBroken) || f.Offset > int64(cut) || f.Good > f.Offset {
			t.Fatalf("cut at %d of %d: %v", cut, len(all), err)
		}
	}
	if _, err := check.RDB(write(t, filepath.Join(dir, "more.rdb"), append(all, 'x')), nil); !errors.Is(err, check.ErrBroken) {
		t.Errorf("with a byte behind the end: %v", err)
	}
	if _, err := check.RDB(filepath.Join(dir, "none.rdb"), nil); err == nil || errors.Is(err, check.ErrBroken) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func commands(lines ...string) (b []byte) {
	for _, line := range lines {
		b = resp.AppendCommand(b, strings.Fields(line)...)
	}
	return b
}

// A file that is cut anywhere is valid once it is mended, and nothing of it is
// lost.
func TestFix(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	manifest := write(t, filepath.Join(dir, "a.manifest"), []byte("file a.base.rdb seq 1 type b\nfile a.incr seq 1 type i\n"))
	write(t, filepath.Join(dir, "a.base.rdb"), snapshot(t))
	incr := filepath.Join(dir, "a.incr")
	all := commands("SET a 1", "MULTI", "INCR a", "SET b x", "EXEC", "RPUSH l a b c")
	for cut := range len(all) + 1 {
		write(t, incr, all[:cut])
		_, broken := check.AOF(manifest, check.AOFOptions{})
		r, err := check.AOF(manifest, check.AOFOptions{Fix: true})
		if err != nil || (r.Kept != "") != (broken != nil) || broken != nil && !errors.Is(broken, check.ErrBroken) {
			t.Fatalf("cut at %d: %v, mended: %v, %q", cut, broken, err, r.Kept)
		}
		left, _ := os.ReadFile(incr)
		var kept []byte
		if r.Kept != "" {
			kept, _ = os.ReadFile(r.Kept)
			os.Remove(r.Kept)
		}
		if string(left)+string(kept) != string(all[:cut]) {
			t.Fatalf("cut at %d: %q and %q are left of %q", cut, left, kept, all[:cut])
		}
		if r, err := check.AOF(manifest, check.AOFOptions{}); err != nil || len(r.Files) != 2 || r.Files[0].Keys != 21 {
			t.Fatalf("cut at %d: mended it is %+v, %v", cut, r, err)
		}
	}
}

// A time cuts the last file behind the last whole unit that is not later, and
// nowhere else; what is cut off is kept.
func TestUntil(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	manifest := write(t, filepath.Join(dir, "a.manifest"), []byte("file a.1 seq 1 type b\nfile a.2 seq 2 type i\n"))
	base, incr := filepath.Join(dir, "a.1"), filepath.Join(dir, "a.2")
	parts := []string{
		"#TS:10\r\n" + string(commands("SET a 1")),
		"#TS:20\r\n" + string(commands("MULTI", "SET b 1")) + "#TS:30\r\n" + string(commands("SET c 1", "EXEC", "SET d 1")), // the later time counts
		"#TS:40\r\n#TS:50\r\n" + string(commands("SET e 1")),
		"#TS:60\r\n",
	}
	all := strings.Join(parts, "")
	for until, left := range map[int64]string{
		70: all, 60: all, 55: all[:len(all)-len(parts[3])], 45: parts[0] + parts[1] + "#TS:40\r\n", 35: parts[0] + parts[1],
		25: parts[0] + "#TS:20\r\n", 19: parts[0], 10: parts[0],
	} {
		write(t, base, commands("SET z 1"))
		write(t, incr, []byte(all))
		r, err := check.AOF(manifest, check.AOFOptions{Until: until})
		got, _ := os.ReadFile(incr)
		kept := ""
		if r.Kept != "" {
			b, _ := os.ReadFile(r.Kept)
			kept = string(b)
			os.Remove(r.Kept)
		}
		if err != nil || string(got) != left || kept != all[len(left):] {
			t.Errorf("until %d: %v, left %q, kept %q", until, err, got, kept)
		}
	}
	for name, files := range map[string][2]string{
		"has nothing before timestamp 5":         {string(commands("SET z 1")), all},
		"because it is not the last file":        {string(commands("SET z 1")) + parts[0], all},
		"the first fault stands at offset 27":    {string(commands("SET z 1")), string(commands("SET y 1")) + "!" + parts[0]},
		"AOF a.1 has nothing before timestamp 5": {parts[0], all},
	} {
		write(t, base, []byte(files[0]))
		write(t, incr, []byte(files[1]))
		r, err := check.AOF(manifest, check.AOFOptions{Until: 5})
		got, _ := os.ReadFile(incr)
		if err == nil || !strings.Contains(err.Error(), name) || r.Kept != "" || string(got) != files[1] {
			t.Errorf("%v, want %q; kept %q", err, name, r.Kept)
		}
	}
}

// After a cut that may have taken away what was confirmed, nothing proves to a group
// that the node still has it; a torn end never was.
func TestCutDisproves(t *testing.T) {
	t.Parallel()
	const proof = `{"incarnation":"0123456789012345678901234567890123456789","by":"appendfsync always"}`
	whole := string(commands("SET a 1"))
	for name, c := range map[string]struct {
		text, proof string
		o           check.AOFOptions
		stays       bool
	}{
		"by time":           {whole + "#TS:9\r\n" + whole, proof, check.AOFOptions{Until: 8}, false},
		"nothing cut":       {whole + "#TS:9\r\n" + whole, proof, check.AOFOptions{Until: 9}, true},
		"of a fault":        {whole + "!" + whole, proof, check.AOFOptions{Fix: true}, false},
		"of a torn end":     {whole + whole[:9], proof, check.AOFOptions{Fix: true}, true},
		"of something else": {whole + "!" + whole, "my incarnation", check.AOFOptions{Fix: true}, true},
	} {
		dir := t.TempDir()
		file := write(t, filepath.Join(dir, aof.ProofFile), []byte(c.proof))
		if err := os.Mkdir(filepath.Join(dir, "aof"), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := check.AOF(write(t, filepath.Join(dir, "aof", "a.aof"), []byte(c.text)), c.o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(file); (err == nil) != c.stays {
			t.Errorf("%s: the proof: %v", name, err)
		}
	}
}

func TestNotToBeFixed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	manifest := write(t, filepath.Join(dir, "a.manifest"), []byte("file a.1 seq 1 type i\nfile a.2 seq 2 type i\n"))
	first, second := filepath.Join(dir, "a.1"), filepath.Join(dir, "a.2")
	for name, files := range map[string][2][]byte{
		"not the last":    {commands("SET a 1")[:5], commands("SET a 1")},
		"a cut snapshot":  {commands("SET a 1"), snapshot(t)[:100]},
		"without a file":  {commands("SET a 1"), nil},
		"a wrong command": {append(commands("SET a 1"), "!!!"...), commands("SET a 1")},
	} {
		write(t, first, files[0])
		os.Remove(second)
		if files[1] != nil {
			write(t, second, files[1])
		}
		if r, err := check.AOF(manifest, check.AOFOptions{Fix: true}); err == nil || r.Kept != "" {
			t.Errorf("%s: %q, %v", name, r.Kept, err)
		}
	}
	at := aof.Place{ID: strings.Repeat("a", 40), Offset: 100}
	text := append(aof.AppendPlace(nil, at), commands("SET a 1", "SET b 2")...)
	at.Offset += uint64(len(commands("SET a 1", "SET b 2")))
	write(t, second, append(aof.AppendPlace(nil, at), commands("SET c 3")...))
	write(t, first, text)
	if _, err := check.AOF(manifest, check.AOFOptions{}); err != nil {
		t.Errorf("files that follow each other: %v", err)
	}
	write(t, first, text[:len(text)-len(commands("SET b 2"))])
	if r, err := check.AOF(manifest, check.AOFOptions{Fix: true}); !errors.Is(err, check.ErrBroken) || r.Kept != "" || !strings.Contains(err.Error(), "bytes of the stream are missing") {
		t.Errorf("a hole: %q, %v", r.Kept, err)
	}
	write(t, manifest, []byte("file x\n"))
	if _, err := check.AOF(manifest, check.AOFOptions{Fix: true}); !errors.Is(err, check.ErrBroken) {
		t.Errorf("a broken manifest: %v", err)
	}
}
