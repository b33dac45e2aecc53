package backend_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func mkfifo(name string) error { return syscall.Mkfifo(name, 0o600) }

func TestPortTaken(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := fmt.Sprint(ln.Addr().(*net.TCPAddr).Port)
	if err := run(t, "--dir", t.TempDir(), "--control-port", taken); err == nil || !strings.Contains(err.Error(), "control port") || !strings.Contains(err.Error(), taken) {
		t.Errorf("with the control port taken: %v", err)
	}
	if err := run(t, "--dir", t.TempDir(), "--port", taken); err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("with the port taken: %v", err)
	}
}

func TestBadStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "epoch"), []byte("not json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t, "--dir", dir); err == nil || !strings.Contains(err.Error(), "cannot read the promised epoch") {
		t.Errorf("with an unreadable promise: %v", err)
	}
	file := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t, "--dir", t.TempDir(), "--unixsocket", file); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("with a file in the place of the Unix socket: %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
	if err := run(t, "--dir", t.TempDir(), "--port", "0"); err == nil || !strings.Contains(err.Error(), "not listen anywhere") {
		t.Errorf("without any listener: %v", err)
	}
}

// A promise that cannot be stored is not given.
func TestUnwritableDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := begin(t, dir, "--managed", "yes")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	p.group("ERR cannot store the promised epoch", "SEAL g 1")
	if got := p.fact("g 0 0 0", "promised-epoch"); got != "0" {
		t.Errorf("promised all the same: %s", got)
	}
	if _, err := ask(t, p.data, "SAVE"); err == nil {
		t.Error("SAVE into nowhere succeeded")
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "s")
	begin(t, t.TempDir(), "--unixsocket", name, "--unixsocketperm", "700")
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("the socket: %v, %v", info, err)
	}
	conn, err := net.Dial("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	w := &wire{conn, t}
	w.command("PING")
	w.expect("+PONG\r\n")
}

// Without a password only this machine is served, on either port.
func TestProtectedMode(t *testing.T) {
	t.Parallel()
	var outside net.IP
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			outside = ip.IP
		}
	}
	if outside == nil {
		t.Skip("this machine has no address but loopback")
	}
	dial := func(port string) *wire {
		conn, err := net.Dial("tcp", net.JoinHostPort(outside.String(), port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return &wire{conn, t}
	}
	p := begin(t, t.TempDir(), "--bind", "127.0.0.1 "+outside.String())
	p.must("PING")
	_, control, _ := net.SplitHostPort(p.ctl.Addr())
	w := dial(fmt.Sprint(p.port))
	w.expect("-DENIED Redis is running in protected mode")
	dial(control).ended()
	p.must("CONFIG SET protected-mode no")
	w = dial(fmt.Sprint(p.port))
	w.command("PING")
	w.expect("+PONG\r\n")
}
