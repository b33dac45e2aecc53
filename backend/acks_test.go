package backend_test

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend/resp"
)

// mute is a replica that receives and acknowledges only when told to.
type mute struct {
	net.Conn
	at int // position it has received
}

func newMute(t *testing.T, m *process) *mute {
	t.Helper()
	return newMuteAs(t, m, "")
}

// newMuteAs is newMute for a native replica of an incarnation.
func newMuteAs(t *testing.T, m *process, incarnation string) *mute {
	t.Helper()
	conn, err := net.Dial("tcp", m.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r := &mute{Conn: conn}
	fmt.Fprintf(conn, "REPLCONF listening-port 1 capa eof capa psync2\r\n")
	if incarnation != "" {
		fmt.Fprintf(conn, "REPLCONF holdfast 1 run-id %s incarnation %s data-epoch 0\r\n", incarnation, incarnation)
	}
	fmt.Fprintf(conn, "PSYNC ? -1\r\n")
	in := make([]byte, 0, 1<<16)
	for deadline := time.Now().Add(patience); ; {
		_ = conn.SetReadDeadline(deadline)
		n, err := conn.Read(in[len(in):cap(in)])
		if err != nil {
			t.Fatalf("%v after %q", err, in)
		}
		in = in[:len(in)+n]
		text := string(in)
		if _, mark, ok := strings.Cut(text, "$EOF:"); ok && len(mark) > 40 && strings.HasSuffix(text, mark[:40]) && strings.Count(text, mark[:40]) == 2 {
			fmt.Sscanf(text[strings.Index(text, "+FULLRESYNC"):], "+FULLRESYNC %s %d", new(string), &r.at)
			break
		}
	}
	r.ack(r.at)
	go func() { _, _ = io.Copy(io.Discard, conn) }() // ends with the connection
	return r
}

func (r *mute) ack(at int) {
	_, _ = r.Write(resp.AppendCommand(nil, "REPLCONF", "ACK", fmt.Sprint(at)))
}

// ackMore acknowledges all there is as soon as that is more than before.
func (r *mute) ackMore(p *process, before int) {
	p.t.Helper()
	await(p.t, "more is written", func() bool { return p.offset() > before })
	r.ack(p.offset())
}

func (p *process) offset() (at int) {
	fmt.Sscan(field(p.must("INFO replication").Text, "master_repl_offset"), &at)
	return at
}

// Replies to writes wait for the replica, those before them do not, and all
// come in order.
func TestRepliesWaitForConfirmation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		p.must("CONFIG SET write-acks 1 repl-ping-replica-period 3600") // so that only writes move the offset
		r := newMute(t, p)
		w := p.wire()
		w.command("GET a", "SET a 1", "GET a", "PING")
		w.expect("$-1\r\n")
		w.silent()
		w.command("ECHO behind")
		w.silent()
		r.ack(p.offset())
		w.expect("+OK\r\n$1\r\n1\r\n+PONG\r\n$6\r\nbehind\r\n")
		w.command("PING")
		w.expect("+PONG\r\n")

		blocked, before := p.wire(), p.offset()
		blocked.command("SET b 1", "BLPOP q 0.01")
		blocked.silent() // the time is over, but SET's reply comes first
		r.ackMore(p, before)
		blocked.expect("+OK\r\n*-1\r\n")

		listener := p.wire()
		listener.command("SET c 1", "SUBSCRIBE ch")
		await(t, "it listens", func() bool { return len(p.must("PUBSUB CHANNELS").Elems) == 1 })
		go func() { _, _ = ask(t, p.dial(p.port), "PUBLISH", "ch", "m") }()
		listener.silent()
		await(t, "all is confirmed", func() bool { r.ack(p.offset()); return len(p.must("PUBSUB CHANNELS").Elems) == 1 })
		listener.expect("+OK\r\n*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$1\r\nm\r\n")

		// A client that is served by another's write waits for that write.
		waiter := p.wire()
		waiter.command("BLPOP list 0")
		p.blocked(1)
		before = p.offset()
		w.command("RPUSH list x", "QUIT")
		waiter.silent()
		r.ackMore(p, before)
		waiter.expect("*2\r\n$4\r\nlist\r\n$1\r\nx\r\n")
		w.expect(":1\r\n+OK\r\n")
		w.ended()
	})
}

const noAcks = "-NOACKS not confirmed by enough replicas within 100ms; the outcome of a write is unknown\r\n"

// A replica that stops to acknowledge costs the writes their replies, each of
// its own; the connection goes on.
// A client that sends no more (printf … | nc -N) gets the replies that were held
// when it said so.
func TestClientThatSendsNoMoreGetsWhatIsHeld(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--write-acks", "1")
	r := newMute(t, p)
	before := p.offset()
	w := p.wire()
	w.send("SET k v\r\nGET k\r\nBLPOP none 0\r\n")
	if err := w.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	await(t, "its replies are held", func() bool { return p.info("holdfast_acks_waiting_clients") == "1" })
	r.ackMore(p, before)
	w.expect("+OK\r\n$1\r\nv\r\n")
	if _, err := w.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection goes on: %v", err)
	}
}

func TestNoAcks(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--write-acks", "1", "--write-acks-timeout", "100")
	r := newMute(t, p)
	w := p.wire()
	w.command("GET a", "SET a 1", "INCR a")
	w.expect("$-1\r\n" + strings.Repeat(noAcks, 2))
	w.command("GET a")
	w.expect(noAcks) // it would show what may be lost
	r.ack(p.offset())
	p.must("CONFIG SET write-acks-timeout 20000 repl-ping-replica-period 3600") // from here on the replica is as fast as it can
	w.command("GET a")
	w.expect("$1\r\n2\r\n")
	before := p.offset()
	w.command("SET a 3")
	r.ackMore(p, before)
	w.expect("+OK\r\n")
	if _, err := ask(t, p.data, "CONFIG", "SET", "write-acks", "0"); err != nil {
		t.Fatal(err)
	}
	w.command("SET a 4")
	w.expect("+OK\r\n")
}

// INFO tells how long replies waited, and how many in vain.
func TestInfoTellsOfWaits(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--write-acks", "1")
	r := newMute(t, p)
	fields := func(want ...string) {
		t.Helper()
		info := p.must("INFO replication").Text
		for i, name := range []string{"holdfast_acks_waiting_clients", "holdfast_acks_waits", "holdfast_acks_timeouts"} {
			if got := field(info, name); got != want[i] {
				t.Errorf("%s is %s, want %s", name, got, want[i])
			}
		}
	}
	fields("0", "0", "0")
	w, before := p.wire(), p.offset()
	w.command("SET a 1")
	await(t, "it is written", func() bool { return p.offset() > before })
	w.silent()
	fields("1", "0", "0")
	r.ack(p.offset())
	w.expect("+OK\r\n")
	fields("0", "1", "0")
	if spent, _ := strconv.Atoi(field(p.must("INFO replication").Text, "holdfast_acks_wait_usec")); spent < 50_000 {
		t.Errorf("%d µs of waiting; it was silent for longer", spent)
	}
	p.must("CONFIG SET write-acks-timeout 50")
	w.command("SET a 2", "INCR a")
	w.expect("-NOACKS")
	await(t, "both are given up", func() bool { return field(p.must("INFO replication").Text, "holdfast_acks_timeouts") == "2" })
	p.must("CONFIG RESETSTAT")
	fields("0", "0", "0")
}

// A native link is told the same in frames, which no script can invent, and where
// the node stands again behind them.
func TestNoAcksOnANativeLink(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--write-acks", "1", "--write-acks-timeout", "100")
	r := newMute(t, p)
	w := p.wire()
	w.command("HOLDFAST HELLO 1 PROXY", "PING")
	for seen := ""; !strings.HasSuffix(seen, "+PONG\r\n"); {
		var b [1]byte
		if _, err := io.ReadFull(w, b[:]); err != nil {
			t.Fatal(err)
		}
		seen += string(b[:])
	}
	w.command("GET b", "SET a 1", "GET a")
	w.expect(strings.Repeat(">2\r\n+hfn\r\n+"+noAcks[1:], 3))
	r.ack(p.offset())
	p.must("CONFIG SET write-acks-timeout 20000") // from here on the replica is as fast as it can
	w.command("GET a")
	w.expect(fmt.Sprintf(">3\r\n+hfp\r\n:0\r\n:%d\r\n$1\r\n1\r\n", p.offset()))
}

// What a demoted master did not get confirmed it does not answer: the clients
// are closed.
func TestHeldClientsAreClosedAtDemotion(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--write-acks", "1")
	newMute(t, p)
	w, idle := p.wire(), p.wire()
	w.command("SET a 1")
	w.silent()
	idle.command("PING")
	idle.expect("+PONG\r\n")
	p.must("REPLICAOF 127.0.0.1 1")
	w.ended()
	idle.command("PING")
	idle.expect("+PONG\r\n")
}
