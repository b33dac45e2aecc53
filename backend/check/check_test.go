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
		if err != nil || (r.Fixed != "") != (broken != nil) || broken != nil && !errors.Is(broken, check.ErrBroken) {
			t.Fatalf("cut at %d: %v, mended: %v, %q", cut, broken, err, r.Fixed)
		}
		left, _ := os.ReadFile(incr)
		var kept []byte
		if r.Fixed != "" {
			kept, _ = os.ReadFile(r.Fixed)
			os.Remove(r.Fixed)
		}
		if string(left)+string(kept) != string(all[:cut]) {
			t.Fatalf("cut at %d: %q and %q are left of %q", cut, left, kept, all[:cut])
		}
		if r, err := check.AOF(manifest, check.AOFOptions{}); err != nil || len(r.Files) != 2 || r.Files[0].Keys != 21 {
			t.Fatalf("cut at %d: mended it is %+v, %v", cut, r, err)
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
		if r, err := check.AOF(manifest, check.AOFOptions{Fix: true}); err == nil || r.Fixed != "" {
			t.Errorf("%s: %q, %v", name, r.Fixed, err)
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
	if r, err := check.AOF(manifest, check.AOFOptions{Fix: true}); !errors.Is(err, check.ErrBroken) || r.Fixed != "" || !strings.Contains(err.Error(), "bytes of the stream are missing") {
		t.Errorf("a hole: %q, %v", r.Fixed, err)
	}
	write(t, manifest, []byte("file x\n"))
	if _, err := check.AOF(manifest, check.AOFOptions{Fix: true}); !errors.Is(err, check.ErrBroken) {
		t.Errorf("a broken manifest: %v", err)
	}
}
