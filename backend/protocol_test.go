package backend_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend"
	"holdfast/backend/client"
	"holdfast/backend/internal/aof"
	"holdfast/backend/netio/freeport"
	"holdfast/backend/resp"
	"holdfast/conf"
)

const patience = time.Minute

// process is a node that a story starts, stops and talks to.
type process struct {
	t    *testing.T
	dir  string
	port int
	end  context.CancelFunc
	done chan error
	data *client.Conn
	ctl  *client.Conn
}

// begin starts a node; flags are directives. The same directory makes it the
// node that it was before.
func begin(t *testing.T, dir string, flags ...string) *process {
	t.Helper()
	return beginOn(t, aof.OS, dir, flags...)
}

// beginOn is begin with another disk under the append-only file.
func beginOn(t *testing.T, disk aof.Disk, dir string, flags ...string) *process {
	t.Helper()
	settings, err := conf.New[conf.NodeConfig](append(flagsFor(t, dir), flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	return launch(t, disk, settings)
}

// beginFile is begin with a file of directives, which CONFIG REWRITE rewrites.
func beginFile(t *testing.T, dir, file string) *process {
	t.Helper()
	settings, err := conf.Load[conf.NodeConfig](file, flagsFor(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	return launch(t, aof.OS, settings)
}

func flagsFor(t *testing.T, dir string) []string {
	port, control := freeport.Port(t), freeport.Port(t)
	return []string{"--port", strconv.Itoa(port), "--control-port", strconv.Itoa(control), "--bind", "127.0.0.1", "--save", "",
		"--enable-debug-command", "yes", "--dir", dir}
}

func launch(t *testing.T, disk aof.Disk, settings *conf.Settings[conf.NodeConfig]) *process {
	t.Helper()
	p := launchAlone(t, disk, settings)
	p.data = p.dial(p.port)
	return p
}

// launchAlone is launch without a connection to the node's data port.
func launchAlone(t *testing.T, disk aof.Disk, settings *conf.Settings[conf.NodeConfig]) *process {
	t.Helper()
	n, err := backend.New(settings, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	n.UseDisk(disk)
	ctx, cancel := context.WithCancel(context.Background())
	cfg := settings.Config()
	p := &process{t: t, dir: cfg.Dir, port: cfg.Port, end: cancel, done: make(chan error, 1)}
	go func() { p.done <- n.Run(ctx) }()
	t.Cleanup(p.stop)
	p.ctl = p.dial(cfg.ControlPort)
	return p
}

func (p *process) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

func (p *process) stop() {
	if p.end == nil {
		return
	}
	p.end()
	p.end = nil
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Errorf("the node at %s ended with %v", p.addr(), err)
		}
	case <-time.After(patience):
		p.t.Errorf("the node at %s does not end", p.addr())
	}
	for _, c := range []*client.Conn{p.data, p.ctl} {
		if c != nil { // the start failed
			c.Close()
		}
	}
}

// dial connects as soon as the port is open.
func (p *process) dial(port int) *client.Conn {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		c, err := client.Dial(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), client.Options{Timeout: patience})
		if err == nil {
			p.t.Cleanup(func() { c.Close() })
			return c
		}
		if ctx.Err() != nil {
			p.t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

func ask(t *testing.T, c *client.Conn, words ...string) (resp.Value, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	v, err := c.Do(ctx, words...)
	var told resp.Error
	if err != nil && !errors.As(err, &told) {
		t.Fatalf("%q: %v", words, err)
	}
	return v, err
}

// must sends a command that has to succeed, words split at blanks.
func (p *process) must(line string) resp.Value {
	p.t.Helper()
	v, err := ask(p.t, p.data, strings.Fields(line)...)
	if err != nil {
		p.t.Fatalf("%s at %s: %v", line, p.addr(), err)
	}
	return v
}

// group sends a native command to the control port; want is "" or how its
// refusal begins.
func (p *process) group(want, line string) resp.Value {
	p.t.Helper()
	v, err := ask(p.t, p.ctl, strings.Fields("HOLDFAST "+line)...)
	switch {
	case want == "" && err != nil:
		p.t.Fatalf("%s at %s: %v", line, p.addr(), err)
	case want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)):
		p.t.Fatalf("%s at %s: %v, %v; want a refusal %s", line, p.addr(), v, err, want)
	}
	return v
}

// fact is one field of the answer to PROBE.
func (p *process) fact(probe, name string) string {
	p.t.Helper()
	v := p.group("", "PROBE "+probe).Pairs()[name]
	if v.Kind == ':' {
		return strconv.FormatInt(v.Int, 10)
	}
	return v.Text
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain until %s", patience, what)
		}
	}
}

// found makes a group of n managed nodes with the first as the master of epoch
// 1 and all others as its holders.
func found(t *testing.T, n, acks int, flags ...string) []*process {
	t.Helper()
	var all []*process
	var members []string
	for i := range n {
		p := begin(t, t.TempDir(), append([]string{"--managed", "yes"}, flags...)...)
		await(t, "it is loaded", func() bool { return p.fact("g 0 0 0", "loading") == "0" })
		sealed := p.group("", "SEAL g 1").Pairs()
		if i > 0 {
			members = append(members, sealed["incarnation"].Text)
		}
		all = append(all, p)
	}
	m := all[0]
	m.group("", fmt.Sprintf("PROMOTE g 1 %s 1 %d %s", m.fact("g 1 1 0", "run-id"), acks, strings.Join(members, " ")))
	for _, r := range all[1:] {
		r.group("", fmt.Sprintf("FOLLOW g 1 127.0.0.1 %d", m.port))
	}
	await(t, "the barrier is confirmed", func() bool { return m.fact("g 1 1 0", "holders-ready") == "1" })
	if got := m.fact("g 1 1 0", "serving"); got != "0" {
		t.Fatal("the master serves before its holders are committed")
	}
	if got := m.fact("g 1 1 1", "serving"); got != "1" {
		t.Fatal("the master does not serve though its holders are committed")
	}
	return all
}

// A master whose holders are committed says so in its stream, also before anybody has
// come to its data port.
func TestCommittedBeforeAnyConnection(t *testing.T) {
	t.Parallel()
	settings, err := conf.New[conf.NodeConfig](append(flagsFor(t, t.TempDir()), "--managed", "yes")...)
	if err != nil {
		t.Fatal(err)
	}
	p := launchAlone(t, aof.OS, settings)
	await(t, "it is loaded", func() bool { return p.fact("g 0 0 0", "loading") == "0" })
	p.group("", "SEAL g 1")
	p.group("", fmt.Sprintf("PROMOTE g 1 %s 1 0", p.fact("g 1 1 0", "run-id")))
	before := p.fact("g 1 1 0", "offset")
	if got := p.fact("g 1 1 1", "serving"); got != "1" {
		t.Fatal("it does not serve")
	}
	await(t, "it is in the stream", func() bool { return p.fact("g 1 1 1", "offset") != before })
}

func TestGroupHasOneMasterPerEpoch(t *testing.T) {
	t.Parallel()
	all := found(t, 3, 1)
	m, a, b := all[0], all[1], all[2]
	m.must("SET k v")
	await(t, "the replicas have the write", func() bool {
		return a.must("GET k").Text == "v" && b.must("GET k").Text == "v"
	})
	if _, err := ask(t, a.data, "SET", "k", "w"); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
		t.Errorf("a write at a replica: %v", err)
	}
	if _, err := ask(t, a.data, "REPLICAOF", "NO", "ONE"); err == nil {
		t.Error("REPLICAOF in a group was obeyed")
	}

	a.group("", "SEAL g 3")
	b.group("", "SEAL g 3")
	b.group("STALE", "SEAL g 2")
	b.group("STALE", fmt.Sprintf("FOLLOW g 2 127.0.0.1 %d", m.port))
	b.group("WRONGGROUP", "SEAL other 9")
	a.group("NOTRUNID", "PROMOTE g 3 "+strings.Repeat("0", 40)+" 2 1 x")
	// The old master does not know yet. What it accepts now can only wait: its
	// holders have sealed and confirm nothing to it any more.
	late := m.dial(m.port)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if v, err := late.Do(ctx, "SET", "k", "late"); err == nil {
		t.Errorf("the replaced master acknowledged a write: %v", v)
	}

	holder := b.fact("g 1 3 0", "incarnation")
	promote := fmt.Sprintf("PROMOTE g 3 %s 2 1 %s", a.fact("g 1 3 0", "run-id"), holder)
	a.group("", promote)
	a.group("", promote) // acts once, answers again
	reader := a.wire()
	reader.command("GET nosuch", "GET k") // all that it inherits may yet be replaced
	reader.silent()
	b.group("", fmt.Sprintf("FOLLOW g 3 127.0.0.1 %d", a.port))
	await(t, "the new barrier is confirmed", func() bool { return a.fact("g 1 3 1", "holders-ready") == "1" })
	if _, err := ask(t, a.data, "SET", "k", "x"); err == nil {
		t.Error("the new master serves before its holders are committed")
	}
	await(t, "the new master serves", func() bool { return a.fact("g 1 3 2", "serving") == "1" })
	reader.expect("$-1\r\n$1\r\nv\r\n")
	a.must("SET k x")

	m.group("", fmt.Sprintf("FOLLOW g 3 127.0.0.1 %d", a.port))
	await(t, "the old master has followed", func() bool {
		return m.fact("g 1 3 2", "data-epoch") == "3" && m.must("GET k").Text == "x"
	})
	await(t, "all data sets are equal", func() bool {
		d := a.must("DEBUG DIGEST").Text
		return d == b.must("DEBUG DIGEST").Text && d == m.must("DEBUG DIGEST").Text
	})
}

func TestPromiseSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir, "--managed", "yes")
	p.group("", "SEAL g 7")
	before := p.fact("g 1 7 0", "incarnation")
	p.stop()
	p = begin(t, dir)
	if got := p.fact("g 1 7 0", "promised-epoch"); got != "7" {
		t.Errorf("promised epoch %s after a restart", got)
	}
	if got := p.fact("g 1 7 0", "role"); got != "none" {
		t.Errorf("a managed node was born as %s", got)
	}
	if p.fact("g 1 7 0", "incarnation") == before {
		t.Error("the incarnation survived a restart without proven durability")
	}
	p.group("STALE", "SEAL g 6")
	if _, err := ask(t, p.data, "SET", "k", "v"); err == nil {
		t.Error("a node without a role took a write")
	}
}

func TestDrainedMasterAppendsNothing(t *testing.T) {
	t.Parallel()
	all := found(t, 2, 1)
	m := all[0]
	m.must("SET k v PX 100000")
	end := m.group("", "DRAIN g 1").Int
	if _, err := ask(t, m.data, "SET", "k", "w"); err == nil {
		t.Error("a drained master took a write")
	}
	await(t, "the replica has all of it", func() bool { return all[1].fact("g 1 1 1", "offset") == strconv.FormatInt(end, 10) })
	if got := m.fact("g 1 1 1", "offset"); got != strconv.FormatInt(end, 10) {
		t.Errorf("offset %s behind the drain's %d", got, end)
	}
}

func TestHoldersChangeOnlyWhenBothAgree(t *testing.T) {
	t.Parallel()
	all := found(t, 3, 1)
	m, b := all[0], all[2]
	m.must("SET k v")
	only := b.fact("g 1 1 1", "incarnation")
	m.group("", "HOLDERS g 1 2 1 "+only)
	await(t, "the change is ready", func() bool { return m.fact("g 1 1 1", "holders-ready") == "1" })
	if got := m.fact("g 1 1 1", "holders-version"); got != "1" {
		t.Fatalf("version %s in use before the commit", got)
	}
	if got := m.fact("g 1 1 2", "holders-version"); got != "2" {
		t.Fatalf("version %s in use after the commit", got)
	}
	// Now b alone counts: without it a write waits, though another replica has it.
	b.stop()
	late := m.dial(m.port)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if v, err := late.Do(ctx, "SET", "k", "late"); err == nil {
		t.Errorf("acknowledged without the only holder: %v", v)
	}
}

func TestUnconfirmedWritesAnswerNoAcks(t *testing.T) {
	t.Parallel()
	m := begin(t, t.TempDir(), "--write-acks", "1", "--write-acks-timeout", "200")
	if _, err := ask(t, m.data, "SET", "k", "v"); err == nil || !strings.HasPrefix(err.Error(), "NOACKS") {
		t.Errorf("a write without any replica: %v", err)
	}
	m.must("PING") // and the connection goes on in order
	m.must("CONFIG SET write-acks-timeout 60s")
	r := begin(t, t.TempDir(), "--replicaof", fmt.Sprintf("127.0.0.1 %d", m.port))
	await(t, "the replica is in sync", func() bool { return strings.Contains(r.must("INFO replication").Text, "master_link_status:up") })
	m.must("SET k w")
	if got := r.must("GET k").Text; got != "w" {
		t.Errorf("the replica that confirmed has %q", got)
	}
}

func TestEndlessScriptCanBeKilled(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	ended := make(chan error, 1)
	go func() {
		_, err := ask(t, p.data, "EVAL", "while true do end", "0")
		ended <- err
	}()
	await(t, "the script is killed", func() bool { v, err := ask(t, p.ctl, "SCRIPT", "KILL"); return err == nil && v.Text == "OK" })
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "Script killed by user") {
		t.Errorf("the killed script answered %v", err)
	}
	// Nor does one keep a node from ending (p.stop, when the test is over).
	other := p.dial(p.port)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	sent := make(chan struct{})
	go func() {
		close(sent)
		_, _ = other.Do(ctx, "EVAL", "while true do end", "0")
	}()
	<-sent
}

func TestRefusalPoisonsANativeLink(t *testing.T) {
	t.Parallel()
	all := found(t, 2, 1)
	link, err := net.Dial("tcp", all[1].addr())
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	_ = link.SetDeadline(time.Now().Add(patience))
	out := resp.AppendCommand(nil, "HOLDFAST", "HELLO", "1", "PROXY")
	out = resp.AppendCommand(out, "SET", "k", "v")
	out = resp.AppendCommand(out, "GET", "k")
	if _, err := link.Write(out); err != nil {
		t.Fatal(err)
	}
	var frames resp.Replies
	var got []string
	buf := make([]byte, 0, 4096)
	for refused := 0; refused < 2; {
		n, err := link.Read(buf[len(buf):cap(buf)])
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		buf = buf[:len(buf)+n]
		for {
			size, err := frames.Next(buf)
			if err != nil {
				t.Fatal(err)
			}
			if size == 0 {
				break
			}
			v, _ := resp.Parse(buf[:size])
			if v.Kind == '>' && v.Elems[0].Text == "hfx" {
				got = append(got, v.Elems[1].Text)
				refused++
			}
			buf = buf[:copy(buf, buf[size:])]
		}
	}
	if strings.Join(got, " ") != "READONLY READONLY" {
		t.Errorf("refusals %q", got)
	}
}

// A snapshot that is taken while every key changes must be the data of one
// moment: what is streamed behind it makes both sides equal.
func TestFullResyncWhileEverythingChanges(t *testing.T) {
	t.Parallel()
	m := begin(t, t.TempDir())
	for i := range 200 {
		m.must(fmt.Sprintf("RPUSH list:%d %s", i%50, strings.Repeat("x ", 50)))
		m.must(fmt.Sprintf("HSET hash:%d f%d %d", i%20, i, i))
		m.must(fmt.Sprintf("SADD set:%d m%d", i%20, i))
		m.must(fmt.Sprintf("ZADD zset:%d %d m%d", i%20, i, i))
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	writer := m.dial(m.port)
	go func() {
		defer close(stopped)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			for _, line := range []string{
				fmt.Sprintf("RPUSH list:%d y%d", i%50, i), fmt.Sprintf("LPOP list:%d", (i+7)%50),
				fmt.Sprintf("HSET hash:%d f%d y", i%20, i%300), fmt.Sprintf("SPOP set:%d", i%20),
				fmt.Sprintf("SADD set:%d n%d", i%20, i), fmt.Sprintf("ZINCRBY zset:%d 1 m%d", i%20, i%200),
				fmt.Sprintf("SET s:%d %d", i%100, i), fmt.Sprintf("DEL hash:%d", (i+3)%20),
			} {
				if _, err := writer.Do(ctx, strings.Fields(line)...); err != nil {
					t.Errorf("%s: %v", line, err)
					return
				}
			}
		}
	}()
	var replicas []*process
	for range 3 {
		r := begin(t, t.TempDir(), "--replicaof", fmt.Sprintf("127.0.0.1 %d", m.port))
		await(t, "the replica is in sync", func() bool { return strings.Contains(r.must("INFO replication").Text, "master_link_status:up") })
		replicas = append(replicas, r)
	}
	close(stop)
	<-stopped
	for _, r := range replicas {
		await(t, "the data sets are equal", func() bool { return r.must("DEBUG DIGEST").Text == m.must("DEBUG DIGEST").Text })
	}
}
