package proxy

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"holdfast/election/topology"
)

// finish sends requests as printf … | nc -N does.
func (r *raw) finish(requests ...string) {
	r.t.Helper()
	_, err := io.WriteString(r, strings.Join(requests, "\r\n")+"\r\n")
	if err == nil {
		err = r.Conn.(*net.TCPConn).CloseWrite()
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// finished tells how many clients are known to send no more and still wait.
func (p *Proxy) finished() (n int) {
	for _, l := range p.allLoops() {
		count := make(chan int, 1)
		l.io.Post(func() { count <- len(l.finished) })
		n += <-count
	}
	return n
}

func (r *raw) expectEnd(want string) {
	r.t.Helper()
	all, err := io.ReadAll(r.r)
	if got := strings.ReplaceAll(string(all), "\r\n", "|"); got != want || err != nil {
		r.t.Errorf("got %.200q, %v; want %.200q", got, err, want)
	}
}

func TestClientThatSendsNoMoreIsAnswered(t *testing.T) {
	r := startRedis(t)
	p, addr := startProxy(t, "--master", r.addr, "--client-max-pipeline", "100")
	connect(t, addr).want("OK", "SET", "k", "v")
	for _, c := range []struct {
		requests []string
		want     string
	}{
		{[]string{"SET a 1", "GET a"}, "+OK|$1|1|"},
		{strings.Fields(strings.Repeat("PING PING ", 5) + "QUIT"), strings.Repeat("+PONG|", 10) + "+OK|"},
		{repeated("GET k", 1000), strings.Repeat("$1|v|", 1000)},
		{[]string{"WATCH k", "MULTI", "SET b 1", "EXEC"}, "+OK|+OK|+QUEUED|*1|+OK|"},
		{[]string{"SELECT 3", "SET k 3", "SELECT 0", "GET k", "GE"}, "+OK|+OK|+OK|$1|v|-ERR unknown command 'GE', with args beginning with: |"},
		{[]string{"SUBSCRIBE c"}, "*3|$9|subscribe|$1|c|:1|"},
		{[]string{"CLIENT KILL ID 999"}, ":0|"},
		{[]string{"GET k", "*1\r\n$x"}, "$1|v|-ERR Protocol error: invalid bulk length|"},
		{[]string{"SET a 2", "BLPOP none 0"}, "+OK|"}, // as by Redis, who waits for what comes later has left
	} {
		w := rawConnect(t, addr)
		w.finish(c.requests...)
		w.expectEnd(c.want)
	}
	r.stop(t) // so that the end is seen before the replies
	w := rawConnect(t, addr)
	w.finish("INCR n", "GET k")
	eventually(t, "its end is seen", func() bool { return p.finished() == 1 })
	r.goOn(t)
	w.expectEnd(":1|$1|v|")
	eventually(t, "it is forgotten", func() bool { return p.finished() == 0 && p.clients.Load() == 1 })
}

func repeated(s string, n int) []string {
	return strings.Split(strings.TrimSuffix(strings.Repeat(s+"\n", n), "\n"), "\n")
}

// A client that has closed its connection looks like one that waits for its answers.
// What it did not have sent must not be written by the next master: the application
// has given it up.
func TestClientThatSendsNoMoreIsNotHeld(t *testing.T) {
	g := startGroup(t)
	stays, w := connect(t, g.addr), rawConnect(t, g.addr)
	stays.want("OK", "SET", "k", "1")
	g.a.set(func() { g.a.swallow = true })
	w.finish("SET k sent", "BLPOP q 0", "SET k left")
	eventually(t, "its end is seen", func() bool { return g.p.finished() == 1 })
	g.s.say(1, topology.Switching, g.a, g.b)
	w.expectEnd("")
	g.a.kill()
	g.promote()
	stays.want("OK", "SET", "k", "stays")
	if log := fmt.Sprint(g.b.executed()); strings.Contains(log, "left") || strings.Contains(log, "BLPOP") || strings.Contains(log, "sent") {
		t.Error(log)
	}
}
