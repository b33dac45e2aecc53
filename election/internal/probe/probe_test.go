package probe

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"holdfast/backend/resp"
	"holdfast/election/internal/native"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// port answers requests by their first two words; an empty answer is silence,
// one for "*" is for all others.
type port struct {
	ln      net.Listener
	mu      sync.Mutex
	answers map[string]string
	seen    []string
	conns   []net.Conn
	wg      sync.WaitGroup
}

func listenAt(t *testing.T, addr string, answers map[string]string) *port {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p := &port{ln: ln, answers: answers}
	p.wg.Add(1)
	go p.accept()
	t.Cleanup(p.close)
	return p
}

func (p *port) addr() string { return p.ln.Addr().String() }
func (p *port) number() int  { return p.ln.Addr().(*net.TCPAddr).Port }

func (p *port) close() {
	p.ln.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *port) accept() {
	defer p.wg.Done()
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conns = append(p.conns, c)
		p.mu.Unlock()
		p.wg.Add(1)
		go p.serve(c)
	}
}

func (p *port) serve(c net.Conn) {
	defer p.wg.Done()
	var in resp.Requests
	var buf []byte
	chunk := make([]byte, 1024)
	for {
		args, n, err := in.Next(buf)
		if err != nil {
			return
		}
		if n == 0 {
			got, err := c.Read(chunk)
			if err != nil {
				return
			}
			buf = append(buf, chunk[:got]...)
			continue
		}
		name := string(args[0])
		if len(args) > 1 && name == "HOLDFAST" {
			name += " " + string(args[1])
		}
		buf = append([]byte(nil), buf[n:]...)
		c.Write([]byte(p.answer(name)))
	}
}

func (p *port) answer(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, name)
	if a, ok := p.answers[name]; ok {
		return a
	}
	return p.answers["*"]
}

func (p *port) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

func (p *port) asked(name string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.seen {
		if s == name {
			n++
		}
	}
	return n
}

func helloReply(control int) string {
	var b []byte
	words := []string{"version", "1", "run-id", "r1", "control-port", strconv.Itoa(control), "role", "none", "managed", "1", "group", ""}
	b = resp.AppendArray(b, len(words))
	for _, w := range words {
		b = resp.AppendBulkString(b, w)
	}
	return string(b)
}

// run watches until the test ends and returns the reports.
func run(t *testing.T, opt Options) (*Probe, chan Report) {
	reports := make(chan Report, 10_000)
	opt.Sink = func(r Report) { reports <- r }
	if opt.Interval == 0 {
		opt.Interval = 10 * time.Millisecond
	}
	if opt.Timeout == 0 {
		opt.Timeout = time.Minute
	}
	p := New(opt)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return p, reports
}

// next waits for a report of a kind.
func next(t *testing.T, reports chan Report, kind Kind) Report {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case r := <-reports:
			if r.Kind == kind {
				return r
			}
		case <-deadline:
			t.Fatalf("no report of kind %d", kind)
		}
	}
}

func TestFindsTheControlPort(t *testing.T) {
	control := listenAt(t, "127.0.0.1:0", map[string]string{"PING": "+PONG\r\n", "INFO": "$6\r\nrole:x\r\n"})
	control.answers["HOLDFAST HELLO"] = helloReply(control.number())
	control.answers["HOLDFAST SEAL"] = "-STALE promised epoch is 9\r\n"
	control.answers["HOLDFAST PROBE"] = "+OK\r\n"
	data := listenAt(t, "127.0.0.1:0", map[string]string{"HOLDFAST HELLO": helloReply(control.number())})
	p, reports := run(t, Options{Addr: data.addr()})
	if r := next(t, reports, Connected); r.Hello == nil || r.Control != control.addr() || r.RunID != "r1" || r.Addr != data.addr() {
		t.Fatalf("connected: %+v", r)
	}
	if r := next(t, reports, Replied); r.Text != "PONG" || r.RunID != "r1" {
		t.Fatalf("replied: %+v", r)
	}
	if r := next(t, reports, Informed); r.Text != "role:x" {
		t.Fatalf("informed: %+v", r)
	}
	p.Send(native.SealOf("g", 3), "token")
	if r := next(t, reports, Answered); r.Token != "token" || native.RefusalOf(r.Err) != native.Stale {
		t.Fatalf("answered: %+v", r)
	}
	p.Ask(&native.Request{Args: []string{"HOLDFAST", "PROBE"}})
	p.Now()
	if r := next(t, reports, Probed); r.Err == nil { // this port answers nothing sensible
		t.Fatalf("probed: %+v", r)
	}
	if data.asked("PING") > 0 {
		t.Error("a native node was PINGed at its data port")
	}
}

// A data port that is busy with a long command must not look like a dead node.
func TestBusyDataPort(t *testing.T) {
	control := listenAt(t, "127.0.0.1:0", map[string]string{"PING": "+PONG\r\n"})
	control.answers["HOLDFAST HELLO"] = helloReply(control.number())
	silent := listenAt(t, "127.0.0.1:0", nil)
	_, reports := run(t, Options{Addr: silent.addr(), Control: control.addr()})
	if r := next(t, reports, Connected); r.Control != control.addr() {
		t.Fatalf("%+v", r)
	}
	next(t, reports, Replied)
	if silent.asked("HOLDFAST HELLO") > 0 {
		t.Error("the data port was asked although the control port is known")
	}
}

func TestPlainRedis(t *testing.T) {
	data := listenAt(t, "127.0.0.1:0", map[string]string{"PING": "+PONG\r\n", "AUTH": "-ERR AUTH <password> called without any password configured\r\n",
		"*": "-ERR unknown command 'HOLDFAST'\r\n"})
	p, reports := run(t, Options{Addr: data.addr(), Tuning: Tuning{Password: "x"}})
	p.Ask(&native.Request{Args: []string{"HOLDFAST", "PROBE"}}) // which it would not understand
	if r := next(t, reports, Connected); r.Hello != nil {
		t.Fatalf("connected: %+v", r)
	}
	if r := next(t, reports, Replied); r.Text != "PONG" {
		t.Fatalf("replied: %+v", r)
	}
	if data.asked("AUTH") == 0 || data.asked("HOLDFAST PROBE") > 0 {
		t.Errorf("asked: %v", data.seen)
	}
}

// A node that keeps the sentinel's user out is no plain Redis, and says why.
func TestBarred(t *testing.T) {
	for password, c := range map[string]struct{ auth, hello, want string }{
		"":  {"", "-NOAUTH Authentication required.\r\n", "NOAUTH Authentication required."},
		"x": {"-WRONGPASS invalid\r\n", "-NOAUTH Authentication required.\r\n", "WRONGPASS invalid"},
		"y": {"+OK\r\n", "-NOPERM no holdfast\r\n", "NOPERM no holdfast"},
		"z": {"-ERR AUTH <password> called without any\r\n", "-ERR unknown command\r\n", ""},
	} {
		data := listenAt(t, "127.0.0.1:0", map[string]string{"PING": "-NOAUTH\r\n", "AUTH": c.auth, "HOLDFAST HELLO": c.hello})
		_, reports := run(t, Options{Addr: data.addr(), Tuning: Tuning{Password: password}})
		if r := next(t, reports, Connected); r.Hello != nil || r.Barred != c.want {
			t.Errorf("%q: %+v", password, r)
		}
	}
}

func TestRefusedAndBack(t *testing.T) {
	p1 := listenAt(t, "127.0.0.1:0", map[string]string{"PING": "+PONG\r\n", "*": "-ERR unknown command\r\n"})
	addr := p1.addr()
	p, reports := run(t, Options{Addr: addr})
	next(t, reports, Connected)
	p1.close()
	if r := next(t, reports, Lost); r.Refused {
		t.Error("a broken connection is not a refusal")
	}
	first := next(t, reports, Lost)
	second := next(t, reports, Lost)
	if !first.Refused || !second.Refused || second.At.Sub(first.At) < redialFirst {
		t.Errorf("refusals %v and %v, %v apart", first.Refused, second.Refused, second.At.Sub(first.At))
	}
	p.Send(native.SealOf("g", 1), 1)
	if r := next(t, reports, Answered); r.Err == nil {
		t.Error("a request to nobody succeeded")
	}
	listenAt(t, addr, map[string]string{"PING": "+PONG\r\n", "*": "-ERR unknown command\r\n"})
	next(t, reports, Connected)
}

// A node that does not answer costs the connection, so that its late reply is
// not taken for the next one.
func TestSilence(t *testing.T) {
	data := listenAt(t, "127.0.0.1:0", map[string]string{"HOLDFAST HELLO": "-ERR unknown command\r\n"})
	_, reports := run(t, Options{Addr: data.addr(), Tuning: Tuning{Timeout: 30 * time.Millisecond}})
	next(t, reports, Connected)
	if r := next(t, reports, Lost); r.Refused || r.Err == nil || !strings.Contains(r.Err.Error(), "timeout") {
		t.Errorf("%+v", r)
	}
	next(t, reports, Connected)
}

// Another pace is taken up on the connection there is; another password makes a
// new one, which is no sign of a dying node.
func TestTune(t *testing.T) {
	data := listenAt(t, "127.0.0.1:0", map[string]string{"PING": "+PONG\r\n", "AUTH": "+OK\r\n", "*": "-ERR unknown command\r\n"})
	tuning := Tuning{Interval: time.Hour, Timeout: time.Minute}
	p, reports := run(t, Options{Addr: data.addr(), Tuning: tuning})
	next(t, reports, Connected)
	next(t, reports, Replied) // the first; the second would come after an hour
	tuning.Interval = time.Millisecond
	p.Tune(tuning)
	next(t, reports, Replied)
	if data.asked("AUTH") > 0 || data.connections() != 1 {
		t.Errorf("another pace took %d connections", data.connections())
	}
	tuning.User, tuning.Password = "u", "p"
	p.Tune(tuning)
	if r := next(t, reports, Lost); r.Refused || r.Broken {
		t.Errorf("the connection was ended from here, and the report is %+v", r)
	}
	next(t, reports, Connected)
	if data.asked("AUTH") != 1 || data.connections() != 2 {
		t.Errorf("%d connections, asked: %v", data.connections(), data.seen)
	}
}
