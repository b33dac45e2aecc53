package main

import (
	"os"
	"path/filepath"
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
