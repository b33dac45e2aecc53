package main_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
	"holdfast/backend/resp"
	"holdfast/cmd/internal/child"
)

var (
	differCommands = flag.Int("differ.commands", 40_000, "random commands that the node and redis-server are compared on")
	differSeed     = flag.Uint64("differ.seed", 1, "seed of the random commands")
	differTarget   = flag.String("differ.target", "", "compare this server (host:port) in place of a node")
)

// mostUnequal is the share of replies that may differ from the reference's,
// those in the table of known differences included.
const mostUnequal = 0.0005

// TestAnswersAsRedis sends the same random commands, built from the reference's
// own COMMAND DOCS, to a redis-server and to a node, and compares every reply
// and, after each round, the whole data set by its digest.
func TestAnswersAsRedis(t *testing.T) {
	requireRedis(t, "redis-server")
	target := *differTarget
	if target == "" {
		target = startComparedNode(t)
	}
	newDiffer(t, target).run(*differCommands)
}

// TestAnswersAsRedisThroughAProxy does the same with a proxy before the node: what
// it answers itself, routes or queues has to read like the server's own reply.
func TestAnswersAsRedisThroughAProxy(t *testing.T) {
	requireRedis(t, "redis-server")
	node := startComparedNode(t)
	newDiffer(t, startServer(t, exec.Command(program, "proxy", "--master", node, "--admin", ""))).run(*differCommands)
}

func startComparedNode(t *testing.T) string {
	return startServer(t, exec.Command(program, "node", "--save", "", "--hz", "500", "--managed", "no", "--enable-debug-command", "yes"))
}

func (d *differ) run(commands int) {
	for d.compared < commands {
		d.round()
	}
	d.report()
}

// differ compares two servers.
type differ struct {
	t               *testing.T
	reference, node *rawConn
	gen             *generator

	rounds, compared int
	known            map[*difference]int
	unknown          map[string][]string // by kind
}

const (
	roundLength = 400
	window      = 40 // requests on their way; a difference ends the round behind them
)

func newDiffer(t *testing.T, target string) *differ {
	d := &differ{t: t, known: map[*difference]int{}, unknown: map[string][]string{}}
	d.reference = dialRaw(t, startServer(t, exec.Command("redis-server", "--save", "", "--hz", "500", "--enable-debug-command", "yes")))
	d.node = dialRaw(t, target)
	var grammars []grammar
	for _, g := range grammarsOf(d.reference.ask("COMMAND", "DOCS")) {
		if isCompared(g.full) {
			grammars = append(grammars, g)
		}
	}
	d.gen = newGenerator(*differSeed, grammars)
	return d
}

// round starts both servers with the same data and runs commands until the
// servers differ, since what follows a difference says nothing.
func (d *differ) round() {
	proto := []string{"2", "3"}[d.rounds%2]
	d.rounds++
	for _, w := range []*rawConn{d.reference, d.node} {
		w.ask("RESET")
		w.ask("HELLO", proto)
		w.ask("FLUSHALL")
		w.ask("FUNCTION", "FLUSH")
		w.ask("SCRIPT", "FLUSH")
		for _, line := range seedLines {
			if v := w.ask(strings.Split(line, " ")...); v.Err() != nil {
				d.t.Fatalf("%s: %s: %s", w.addr, line, v.Text)
			}
		}
	}
	for range roundLength / window {
		if d.batch() > 0 {
			return
		}
	}
	if d.reference.ask("DEBUG", "DIGEST").Text != d.node.ask("DEBUG", "DIGEST").Text {
		d.compareData()
	}
}

// compareData finds the keys by which the data sets differ. That is one more
// difference, whatever the number of keys.
func (d *differ) compareData() {
	var unknown []string
	known := knownDifference(digestOfGone, nil, nil) // unless a key says otherwise
	for i := range 16 {
		db := strconv.Itoa(i)
		d.reference.ask("SELECT", db)
		d.node.ask("SELECT", db)
		keys := append(d.reference.ask("KEYS", "*").Strings(), d.node.ask("KEYS", "*").Strings()...)
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			want, got := d.reference.ask("DEBUG", "DIGEST-VALUE", key), d.node.ask("DEBUG", "DIGEST-VALUE", key)
			kind := d.reference.ask("TYPE", key).Text
			until := near(d.reference.ask("EXPIRETIME", key), d.node.ask("EXPIRETIME", key))
			scores := []string{"ZRANGE", key, "0", "-1", "WITHSCORES"}
			switch {
			case slices.Equal(want.Strings(), got.Strings()) && until:
			case kind == "stream":
				known = knownDifference(digestOfStreams, nil, nil)
			case kind == "zset" && sameNumbers(d.reference.ask(scores...), d.node.ask(scores...)):
				known = knownDifference(digestOfScores, nil, nil)
			default:
				unknown = append(unknown, fmt.Sprintf("%s %q of database %s", kind, key, db))
			}
		}
	}
	if len(unknown) > 0 {
		d.unknown["data"] = append(d.unknown["data"], fmt.Sprintf("round %d: all replies were equal, the data is not: %s", d.rounds, strings.Join(unknown, ", ")))
		return
	}
	d.known[known]++
}

// batch compares one window of commands and returns how many differ.
func (d *differ) batch() (differ int) {
	var names []string
	var requests [][]string
	for range window {
		name, words := d.gen.request()
		names, requests = append(names, name), append(requests, words)
	}
	want, got := d.reference.pipeline(requests), d.node.pipeline(requests)
	for i := range requests {
		d.compared++
		if differ > 0 || equal(names[i], requests[i], want[i], got[i]) {
			continue
		}
		differ++
		if k := knownDifference(names[i], want[i], got[i]); k != nil {
			d.known[k]++
			continue
		}
		kind := names[i] + string(got[i][:min(len(got[i]), 16)])
		d.unknown[kind] = append(d.unknown[kind], fmt.Sprintf("%q in RESP%d\n  redis-server: %q\n  here:         %q", requests[i], 3-d.rounds%2, clipped(want[i]), clipped(got[i])))
	}
	return differ
}

func clipped(b []byte) []byte { return b[:min(len(b), 300)] }

func (d *differ) report() {
	known := 0
	for _, k := range slices.SortedFunc(maps.Keys(d.known), func(a, b *difference) int { return strings.Compare(a.command, b.command) }) {
		d.t.Logf("known difference, %d times: %s %s", d.known[k], k.command, k.reason)
		known += d.known[k]
	}
	unequal := known
	for _, all := range d.unknown {
		unequal += len(all)
	}
	d.t.Logf("%d commands in %d rounds, %d replies differ: %.4f %% are equal", d.compared, d.rounds, unequal, 100-100*float64(unequal)/float64(d.compared))
	for _, kind := range slices.Sorted(maps.Keys(d.unknown)) {
		d.t.Errorf("%d times %s", len(d.unknown[kind]), d.unknown[kind][0])
	}
	if float64(unequal) > mostUnequal*float64(d.compared) {
		d.t.Errorf("more than %.2f %% of the replies differ", 100*mostUnequal)
	}
}

// startServer starts a server on a free port of 127.0.0.1 and returns its
// address; it ends with the test.
func startServer(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	port := freeport.Port(t)
	addr := local(port)
	out := new(safeBuffer)
	cmd.Args = append(cmd.Args, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", t.TempDir())
	cmd.Stdout, cmd.Stderr = out, out
	p, err := child.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop(context.Background(), 5*time.Second)
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, out)
		}
	})
	await(t, 20*time.Second, cmd.Path+" answers", func() error {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			nc.Close()
		}
		return err
	})
	return addr
}

// rawConn is a connection that keeps replies as they came.
type rawConn struct {
	t      *testing.T
	addr   string
	nc     net.Conn
	frames resp.Replies
	in     []byte
}

func dialRaw(t *testing.T, addr string) *rawConn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return &rawConn{t: t, addr: addr, nc: nc}
}

func (w *rawConn) ask(words ...string) resp.Value {
	w.t.Helper()
	v, err := resp.Parse(w.pipeline([][]string{words})[0])
	if err != nil {
		w.t.Fatalf("%s: %q: %v", w.addr, words, err)
	}
	return v
}

// pipeline sends all requests and returns one reply to each.
func (w *rawConn) pipeline(requests [][]string) (replies [][]byte) {
	w.t.Helper()
	var out []byte
	for _, r := range requests {
		out = resp.AppendCommand(out, r...)
	}
	w.nc.SetDeadline(time.Now().Add(time.Minute))
	if _, err := w.nc.Write(out); err != nil {
		w.t.Fatalf("%s: %q: %v", w.addr, requests, err)
	}
	for len(replies) < len(requests) {
		n, err := w.frames.Next(w.in)
		if err != nil {
			w.t.Fatalf("%s: behind %q: %v", w.addr, requests[len(replies)], err)
		}
		if n > 0 {
			replies = append(replies, bytes.Clone(w.in[:n]))
			w.in = w.in[n:]
			continue
		}
		chunk := make([]byte, 64<<10)
		if n, err = w.nc.Read(chunk); err != nil {
			w.t.Fatalf("%s: waiting for the reply to %q: %v", w.addr, requests[len(replies)], err)
		}
		w.in = append(w.in, chunk[:n]...)
	}
	return replies
}
