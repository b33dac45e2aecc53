package main_test

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
)

// A part that cannot listen ends at once, names the address, and says what to do.
func TestAddressesThatCannotBeHad(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken, free, nowhere := ln.Addr().String(), strconv.Itoa(freeport.Port(t)), filepath.Join(t.TempDir(), "none", "x.sock")
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"sentinel", "--raft.id", "s1", "--raft.single", "yes", "--raft.listen", taken}, []string{taken, "choose another port"}},
		{[]string{"proxy", "--master", "127.0.0.1:1", "--admin", taken}, []string{taken, "choose another port"}},
		{[]string{"proxy", "--master", "127.0.0.1:1", "--unixsocket", nowhere}, []string{nowhere, "make its directory"}},
	} {
		args := append(c.args, "--port", free, "--bind", "127.0.0.1", "--dir", t.TempDir())
		_, stderr, status := execute(t, time.Minute, args...)
		for _, want := range c.want {
			if status != 1 || !strings.Contains(stderr, want) {
				t.Errorf("%q: status %d, no %q in %s", args, status, want, stderr)
			}
		}
	}
}
