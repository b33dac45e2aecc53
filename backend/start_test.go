package backend_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"holdfast/backend"
	"holdfast/conf"
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

// startLog is what a node with these flags logs while it starts and ends at once.
func startLog(t *testing.T, flags string) string {
	t.Helper()
	settings, err := conf.New[conf.NodeConfig](append(flagsFor(t, t.TempDir()), flagWords(flags)...)...)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	n, err := backend.New(settings, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return log.String()
}

// flagWords splits "--name value --name value" where a value may have blanks.
func flagWords(flags string) (words []string) {
	for _, flag := range strings.Split(flags, "--")[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(flag), " ")
		words = append(words, "--"+name, value)
	}
	return words
}

// A master alone that keeps nothing on disk would empty its replicas when it comes
// back, and says so; any other does not.
func TestWarningOfAnEmptyRestart(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]bool{"": true, "--appendonly yes": false, "--save 60 1": false, "--replicaof 127.0.0.1 1": false, "--managed yes": false} {
		if got := strings.Contains(startLog(t, flags), "keeps nothing on disk"); got != want {
			t.Errorf("with %q: warned %v", flags, got)
		}
	}
}

// A node that is to confirm what is on its disk says at its start when it never
// knows that.
func TestWarningOfNothingDurable(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]bool{"": false, "--write-acks-durable yes": true, "--write-acks-durable yes --appendonly yes": false,
		"--write-acks-durable yes --appendonly yes --appendfsync no": true} {
		if got := strings.Contains(startLog(t, flags), "confirms nothing"); got != want {
			t.Errorf("with %q: warned %v", flags, got)
		}
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
	await(t, "the socket is there with its permissions", func() bool { // behind the port
		info, err := os.Stat(name)
		return err == nil && info.Mode().Perm() == 0o700
	})
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
