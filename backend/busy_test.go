package backend_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/backend/client"
)

const (
	busyEval     = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
	busyFunction = "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
	unkillable   = "UNKILLABLE Sorry the script already executed write commands against the dataset. "
	killed       = "ERR Script killed by user with SCRIPT KILL... script: "
)

// A script with a good deal of work behind one write, and one without end. It counts,
// for a script has no clock that runs.
var longWrite = fmt.Sprintf("redis.call('SET', KEYS[1], 'half') for i = 1, %d do end redis.call('APPEND', KEYS[1], '-whole') return 'done'", longCount)

const endless = "while true do end"

// answer is what a command that was sent on a connection of its own replies.
func (p *process) answer(words ...string) <-chan string {
	p.t.Helper()
	c := p.dial(p.port)
	out := make(chan string, 1)
	go func() { out <- reply(p.t, c, words...) }()
	return out
}

// reply is a command's reply as text, that of an error without its dash.
func reply(t *testing.T, c *client.Conn, words ...string) string {
	v, err := ask(t, c, words...)
	if err != nil {
		return err.Error()
	}
	return v.Text
}

// busy waits until the node refuses commands because of a script.
func (p *process) busy() {
	p.t.Helper()
	for end := time.Now().Add(patience); !strings.HasPrefix(reply(p.t, p.data, "PING"), "BUSY "); {
		if time.Now().After(end) {
			p.t.Fatal("the node never gets busy")
		}
		time.Sleep(time.Millisecond)
	}
}

func (p *process) soon(want string, from <-chan string) {
	p.t.Helper()
	select {
	case got := <-from:
		if !strings.HasPrefix(got, want) {
			p.t.Errorf("got %q, want %q", got, want)
		}
	case <-time.After(patience):
		p.t.Errorf("no answer, want %q", want)
	}
}

// ends waits until the node has ended by itself.
func (p *process) ends() {
	p.t.Helper()
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Error(err)
		}
		p.done <- nil // for stop
	case <-time.After(patience):
		p.t.Fatal("the node does not end")
	}
}

// each runs a story on a node with one loop and on one with more.
func eachLoops(t *testing.T, story func(t *testing.T, p *process)) {
	for _, loops := range []string{"1", "3"} {
		t.Run(loops, func(t *testing.T) {
			story(t, begin(t, t.TempDir(), "--event-loops", loops, "--busy-reply-threshold", "20"))
		})
	}
}

// While a script does not end, others are told so and by what it can be ended.
func TestBusyScriptIsKilled(t *testing.T) {
	t.Parallel()
	eachLoops(t, func(t *testing.T, p *process) {
		if _, err := ask(t, p.data, "FUNCTION", "LOAD", "#!lua name=slow\nredis.register_function('slow', function() "+endless+" end)"); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			start        []string
			kill, other  string
			busy, killed string
		}{
			{[]string{"EVAL", endless, "0"}, "SCRIPT KILL", "FUNCTION KILL", busyEval, killed},
			{[]string{"FCALL", "slow", "0"}, "FUNCTION KILL", "SCRIPT KILL", busyFunction, killed + "slow"},
		} {
			script := p.answer(c.start...)
			p.busy()
			for line, want := range map[string]string{
				"GET a": c.busy, "SHUTDOWN": c.busy, "SHUTDOWN SAVE": c.busy, "EVAL x 0": c.busy,
				c.other: c.busy, "WATCH a": "OK", "UNWATCH": "OK", "CLIENT ID": c.busy,
			} {
				if got := reply(t, p.data, strings.Fields(line)...); got != want {
					t.Errorf("%s: %q, want %q", line, got, want)
				}
			}
			if got, _ := ask(t, p.data, "FUNCTION", "STATS"); c.busy == busyFunction && (len(got.Elems) != 4 || got.Elems[1].Elems[1].Text != "slow") {
				t.Errorf("FUNCTION STATS: %v", got)
			}
			p.must(c.kill)
			p.soon(c.killed, script)
			if got := reply(t, p.data, strings.Fields(c.kill)...); !strings.HasPrefix(got, "NOTBUSY ") {
				t.Errorf("%s again: %q", c.kill, got)
			}
		}
		p.must("SET a 1")
	})
}

// A transaction that began before, or while, a script ran for too long is not
// carried out in part.
func TestBusySpoilsTransactions(t *testing.T) {
	t.Parallel()
	eachLoops(t, func(t *testing.T, p *process) {
		early, late, exec := p.dial(p.port), p.dial(p.port), p.dial(p.port)
		for _, words := range []string{"MULTI", "SET a 1"} {
			reply(t, early, strings.Fields(words)...)
			reply(t, exec, strings.Fields(words)...)
		}
		script := p.answer("EVAL", endless, "0")
		p.busy()
		if got := reply(t, exec, "EXEC"); got != "EXECABORT Transaction discarded because of: "+busyEval {
			t.Errorf("EXEC: %q", got)
		}
		reply(t, early, "SET", "b", "1")
		if got := reply(t, late, "MULTI"); got != "OK" {
			t.Errorf("MULTI: %q", got)
		}
		reply(t, late, "SET", "c", "1")
		p.must("SCRIPT KILL")
		p.soon(killed, script)
		for _, c := range []*client.Conn{early, late} {
			reply(t, c, "SET", "d", "1")
			if got := reply(t, c, "EXEC"); !strings.HasPrefix(got, "EXECABORT ") {
				t.Errorf("EXEC: %q", got)
			}
		}
		if got := p.must("DBSIZE").Int; got != 0 {
			t.Errorf("%d keys", got)
		}
	})
}

// What a slow script writes is one unit, whatever others do meanwhile: replicas
// see all or nothing of it, in a transaction too, and its client's replies stay
// in order.
func TestBusyWriter(t *testing.T) {
	t.Parallel()
	eachLoops(t, func(t *testing.T, p *process) {
		r := begin(t, t.TempDir())
		r.follows(p)
		w := p.wire()
		w.command("SET before 1", "MULTI", "INCR before", `EVAL "`+longWrite+`" 1 k`, "EXEC", "GET k", "PING")
		w.expect("+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n")
		p.busy()
		if got := reply(t, p.data, "SCRIPT", "KILL"); !strings.HasPrefix(got, unkillable) {
			t.Errorf("SCRIPT KILL: %q", got)
		}
		if got := r.must("EXISTS k").Int + r.must("GET before").Int; got != 0 {
			t.Error("the replica sees half of the unit")
		}
		w.expect("*2\r\n:2\r\n$4\r\ndone\r\n$10\r\nhalf-whole\r\n+PONG\r\n")
		equal(t, p, r)
		if got := r.must("GET before").Text + r.must("GET k").Text; got != "2half-whole" {
			t.Errorf("the replica has %q", got)
		}
	})
}

// A slow script of a client that went away ends all the same, and wakes who
// waits for what it wrote.
func TestBusyClientGoesAway(t *testing.T) {
	t.Parallel()
	eachLoops(t, func(t *testing.T, p *process) {
		blocked := p.answer("BLPOP", "list", "0")
		p.blocked(1)
		w := p.wire()
		w.command(`EVAL "` + strings.Replace(longWrite, "SET', KEYS[1]", "RPUSH', 'list'", 1) + `" 1 k`)
		p.busy()
		w.Close()
		p.soon("", blocked)
		for end := time.Now().Add(patience); reply(t, p.data, "GET", "k") != "-whole"; {
			if time.Now().After(end) {
				t.Fatal("the script did not end")
			}
			time.Sleep(time.Millisecond)
		}
	})
}

// CLIENT REPLY reaches the answer of a slow script too.
func TestBusyReplyIsSkipped(t *testing.T) {
	t.Parallel()
	eachLoops(t, func(t *testing.T, p *process) {
		w := p.wire()
		w.command("CLIENT REPLY SKIP", `EVAL "`+longWrite+`" 1 k`, "PING")
		p.busy()
		w.expect("+PONG\r\n")
	})
}

// What needs the data between two units waits for the script: a snapshot, and a
// change of the role.
func TestBusyHoldsOthersBack(t *testing.T) {
	t.Parallel()
	eachLoops(t, func(t *testing.T, p *process) {
		r := begin(t, t.TempDir())
		script := p.answer("EVAL", longWrite, "1", "k")
		p.busy()
		r.follows(p) // by a full resync, whose cut waits
		p.soon("done", script)
		equal(t, p, r)
		if got := r.must("GET k").Text; got != "half-whole" {
			t.Errorf("the replica has %q", got)
		}
	})
}

// SHUTDOWN NOSAVE ends a node whose script can be ended in no other way; half of
// a unit reaches no one.
func TestBusyShutdown(t *testing.T) {
	t.Parallel()
	eachLoops(t, func(t *testing.T, p *process) {
		r := begin(t, t.TempDir())
		r.follows(p)
		p.must("SET k old")
		equal(t, p, r)
		p.dial(p.port)
		w := p.wire()
		w.command(`EVAL "redis.call('SET', 'k', 'new') ` + endless + `" 0`)
		p.busy()
		p.wire().command("SHUTDOWN NOSAVE")
		p.ends()
		if got := r.must("GET k").Text; got != "old" {
			t.Errorf("the replica has %q", got)
		}
	})
}

// A signal ends a node in spite of a script without end.
func TestBusyScriptAndSignal(t *testing.T) {
	t.Parallel()
	eachLoops(t, func(t *testing.T, p *process) {
		p.wire().command(`EVAL "` + endless + `" 0`)
		p.busy()
		p.stop()
	})
}

// A script that an old master sends as it is keeps a replica busy too, and
// cannot be ended there.
func TestBusyScriptOfMaster(t *testing.T) {
	t.Parallel()
	eachLoops(t, func(t *testing.T, p *process) {
		m := redis(t)
		p.follows(m)
		if _, err := ask(t, m.data, "DEBUG", "REPLICATE", "EVAL", longWrite, "1", "k"); err != nil {
			t.Fatal(err)
		}
		p.busy()
		if got := reply(t, p.data, "SCRIPT", "KILL"); !strings.HasPrefix(got, "UNKILLABLE The busy script was sent by a master") {
			t.Errorf("SCRIPT KILL: %q", got)
		}
		await(t, "the script has ended", func() bool { return reply(t, p.data, "GET", "k") == "half-whole" })
		m.must("SET after 1")
		await(t, "the stream goes on", func() bool { return reply(t, p.data, "GET", "after") == "1" })
	})
}

// SHUTDOWN NOSAVE ends a replica whose master's script has no end.
func TestBusyScriptOfMasterAndShutdown(t *testing.T) {
	t.Parallel()
	eachLoops(t, func(t *testing.T, p *process) {
		m := redis(t)
		p.follows(m)
		if _, err := ask(t, m.data, "DEBUG", "REPLICATE", "EVAL", "redis.call('SET', 'k', '1') "+endless, "0"); err != nil {
			t.Fatal(err)
		}
		p.busy()
		p.wire().command("SHUTDOWN NOSAVE")
		p.ends()
	})
}
