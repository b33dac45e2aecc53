package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Scripts go by the exit code.
func TestCheckExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "a.aof")
	for _, c := range []struct {
		text string
		args []string
		want int
	}{
		{"*1\r\n$4\r\nPING\r\n", []string{"check-aof", file}, 0},
		{"*1\r\n$4\r\nPI", []string{"check-aof", file}, 1},
		{"*1\r\n$4\r\nPI", []string{"check-aof", "--fix", file}, 0},
		{"#TS:9\r\n*1\r\n$4\r\nPING\r\n", []string{"check-aof", "--truncate-to-timestamp", "9", file}, 0},
		{"#TS:9\r\n*1\r\n$4\r\nPING\r\n", []string{"check-aof", "--truncate-to-timestamp", "8", file}, 1},
		{"REDIS0010", []string{"check-rdb", file}, 1},
		{"", []string{"check-rdb", filepath.Join(dir, "none")}, 2},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := run(c.args); got != c.want {
			t.Errorf("%q of %q exited %d, want %d", c.args, c.text, got, c.want)
		}
	}
}

// Scripts made for redis-check-aof look for its words.
func TestCheckAOFWords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const set = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	manifest := write("a.manifest", "file a.1 seq 1 type b\nfile a.2 seq 1 type i\nfile a.3 seq 2 type i\n")
	write("a.1", set)
	write("a.2", "")
	for _, c := range []struct {
		last string
		args []string
		want []string
	}{
		{set, []string{manifest}, []string{"Start checking Multi Part AOF\n", "Start to check BASE AOF (RESP format).\n", "\nBASE AOF a.1 is valid\n",
			"Start to check INCR files.\nINCR AOF a.2 is empty\n", "\nINCR AOF a.3 is valid\nAll AOF files and manifest are valid\n"}},
		{set, []string{write("old.aof", set)}, []string{"Start checking Old-Style AOF\n", "\nAOF old.aof is valid\n"}},
		{set + "!!!", []string{manifest}, []string{"\nAOF analyzed: filename=a.3, size=30, ok_up_to=27, ok_up_to_line=8, diff=3\n"}},
		{set + "!!!", []string{"--fix", manifest}, []string{"\nSuccessfully truncated AOF a.3\n", "\nAll AOF files"}},
		{"#TS:5\r\n" + set + "#TS:6\r\n" + set, []string{"--truncate-to-timestamp", "6", manifest}, []string{"\nTruncate nothing in AOF a.3 to timestamp 6\nINCR AOF a.3 is valid\n"}},
		{"#TS:5\r\n" + set + "#TS:6\r\n" + set, []string{"--truncate-to-timestamp", "5", manifest}, []string{"\nSuccessfully truncated AOF a.3 to timestamp 5\n"}},
	} {
		write("a.3", c.last)
		var out strings.Builder
		root := newRoot()
		root.SetOut(&out)
		root.SetErr(io.Discard)
		root.SetArgs(append([]string{"check-aof"}, c.args...))
		_ = root.Execute() // the exit codes have a test of their own
		rest := out.String()
		for _, want := range c.want {
			_, after, ok := strings.Cut(rest, want)
			if !ok {
				t.Errorf("%q of %q said\n%s\nwithout %q", c.args, c.last, out.String(), want)
				break
			}
			rest = after
		}
	}
}
