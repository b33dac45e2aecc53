package backend_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// each runs a story with one event loop and with two.
func each(t *testing.T, story func(t *testing.T, p *process)) {
	for _, loops := range []string{"1", "2"} {
		t.Run(loops+" loops", func(t *testing.T) { story(t, begin(t, t.TempDir(), "--event-loops", loops)) })
	}
}

func (p *process) blocked(n int) {
	p.t.Helper()
	await(p.t, fmt.Sprintf("%d clients are blocked", n), func() bool {
		return strings.Contains(p.must("INFO clients").Text, fmt.Sprintf("blocked_clients:%d\r\n", n))
	})
}

func TestBlockedClientsAreServedInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		var all []*wire
		for i := range 4 {
			w := p.wire()
			w.command("BLPOP list 0")
			p.blocked(i + 1)
			all = append(all, w)
		}
		p.must("RPUSH list a b c d e")
		for i, w := range all {
			w.expect(fmt.Sprintf("*2\r\n$4\r\nlist\r\n$1\r\n%c\r\n", 'a'+i))
		}
		if got := p.must("LRANGE list 0 -1").Strings(); len(got) != 1 || got[0] != "e" {
			t.Errorf("left: %v", got)
		}
	})
}

// What comes behind a push in the same batch finds what the blocked client left.
func TestBlockedClientComesBeforeTheRestOfAPipeline(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		w := p.wire()
		w.command("BLPOP q 0")
		p.blocked(1)
		pusher := p.wire()
		pusher.send("LPUSH q 1\r\nLPOP q\r\nMULTI\r\nLPUSH q 2\r\nLPOP q\r\nEXEC\r\n")
		pusher.expect(":1\r\n$-1\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n$1\r\n2\r\n")
		w.expect("*2\r\n$1\r\nq\r\n$1\r\n1\r\n")
	})
}

func TestPipelineBehindABlockedCommand(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		w := p.wire()
		w.command("SET a 1", "BLPOP p 0", "GET a", "BLPOP p 0.01", "PING")
		w.expect("+OK\r\n")
		w.silent()
		p.must("RPUSH p x")
		w.expect("*2\r\n$1\r\np\r\n$1\r\nx\r\n$1\r\n1\r\n*-1\r\n+PONG\r\n")
	})
}

func TestBlockingTimesOut(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	began := time.Now()
	w.command("BLPOP none 0.2", "BLPOP none -1", "BLPOP none x")
	w.expect("*-1\r\n-ERR timeout is negative\r\n-ERR timeout is not a float or out of range\r\n")
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("waited only %v", took)
	}
	w.command("HELLO 3")
	w.expect("%7\r\n")
}

func TestClientUnblock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		w := p.wire()
		for _, c := range []struct{ how, want string }{
			{"", "*-1\r\n"}, {" TIMEOUT", "*-1\r\n"}, {" ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"},
		} {
			w.command("CLIENT ID")
			var id int
			if _, err := fmt.Fscanf(w, ":%d\r\n", &id); err != nil {
				t.Fatal(err)
			}
			w.command("BLPOP none 0")
			p.blocked(1)
			if got := p.must(fmt.Sprintf("CLIENT UNBLOCK %d%s", id, c.how)).Int; got != 1 {
				t.Fatalf("unblocked %d", got)
			}
			w.expect(c.want)
			if got := p.must(fmt.Sprintf("CLIENT UNBLOCK %d", id)).Int; got != 0 {
				t.Fatalf("unblocked %d a second time", got)
			}
		}
		w.command("CLIENT ID")
		var id int
		if _, err := fmt.Fscanf(w, ":%d\r\n", &id); err != nil {
			t.Fatal(err)
		}
		w.command("WAIT 1 0")
		p.blocked(1)
		p.must(fmt.Sprintf("CLIENT UNBLOCK %d", id))
		w.expect(":0\r\n") // WAIT tells how many there are
	})
}

// An element is not given to a client that is gone.
func TestBlockedClientThatLeft(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		w := p.wire()
		w.command("BLPOP gone 0")
		p.blocked(1)
		w.Close()
		p.blocked(0)
		p.must("RPUSH gone x")
		if got := p.must("LLEN gone").Int; got != 1 {
			t.Errorf("the list has %d elements", got)
		}
	})
}

// A blocked client cannot fill the node's memory with requests.
func TestInputBehindABlockedCommandIsBounded(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	w.command("BLPOP q 0")
	p.blocked(1)
	_ = w.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	sent := 0
	for chunk := []byte(strings.Repeat("PING\r\n", 4096)); sent < 256<<20; {
		n, err := w.Write(chunk)
		sent += n
		if err != nil {
			break
		}
	}
	if sent >= 256<<20 {
		t.Fatal("all of 256 MiB was taken while the client is blocked")
	}
	p.must("RPUSH q x")
	_ = w.SetWriteDeadline(time.Now().Add(patience))
	w.expect("*2\r\n$1\r\nq\r\n$1\r\nx\r\n" + strings.Repeat("+PONG\r\n", sent/6))
}

// Many clients of two loops push to and pop from each other.
func TestBlockingAcrossLoops(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--event-loops", "2")
	const pairs, rounds = 8, 200
	var wg sync.WaitGroup
	for i := range pairs {
		a, b := p.wire(), p.wire()
		wg.Go(func() {
			for range rounds {
				a.command(fmt.Sprintf("BLPOP there:%d 0", i))
				a.expect(fmt.Sprintf("*2\r\n$7\r\nthere:%d\r\n$1\r\nx\r\n", i))
				a.command(fmt.Sprintf("RPUSH back:%d y", i))
				a.expect(":1\r\n")
			}
		})
		wg.Go(func() {
			for range rounds {
				b.command(fmt.Sprintf("RPUSH there:%d x", i), fmt.Sprintf("BLPOP back:%d 0", i))
				b.expect(fmt.Sprintf(":1\r\n*2\r\n$6\r\nback:%d\r\n$1\r\ny\r\n", i))
			}
		})
	}
	wg.Wait()
}

func TestDemotionUnblocks(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	w.command("BLPOP q 0", "PING")
	p.blocked(1)
	p.must("REPLICAOF 127.0.0.1 1")
	w.expect("-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n+PONG\r\n")
}

// What an element is to be moved to may be of the wrong type only when it comes; where
// it is to come from may be of any type until then.
func TestBlockedMoveToAnotherType(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		w := p.wire()
		p.must("SET target text")
		w.command("BRPOPLPUSH from target 0")
		p.blocked(1)
		p.must("SET from text")
		p.must("DEL from")
		p.must("RPUSH from x")
		w.expect("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n")
		if got := p.must("LLEN from").Int; got != 1 {
			t.Errorf("%d elements are left", got)
		}
	})
}

// CLIENT REPLY reaches replies that come later: when the time is over, and when
// the client is served.
func TestRepliesOfBlockedClientsAreSkipped(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		w := p.wire()
		w.command("CLIENT REPLY SKIP", "BLPOP none 0.01", "PING", "CLIENT REPLY SKIP", "WAIT 1 10", "PING")
		w.expect("+PONG\r\n+PONG\r\n")
		w.command("CLIENT REPLY OFF", "BLPOP none 0.01", "CLIENT REPLY ON", "CLIENT REPLY SKIP", "BLPOP list 0")
		w.expect("+OK\r\n")
		p.blocked(1)
		p.must("RPUSH list a")
		w.command("PING")
		w.expect("+PONG\r\n")
	})
}

func TestPauseForMoreThanAllTime(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	if got := reply(t, p.data, "CLIENT", "PAUSE", "9223372036854775807"); got != "ERR timeout is out of range" {
		t.Error(got)
	}
}
