package backend_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What stands on the wire, byte for byte. Each case has a connection of its own.
func TestWire(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	big := strings.Repeat("x", 70<<10)
	for name, c := range map[string]struct {
		send, want string
		ends       bool
	}{
		"inline":                  {send: "SET a 1\r\nGET a\r\n", want: "+OK\r\n$1\r\n1\r\n"},
		"inline with bare LF":     {send: "PING\nPING x\n", want: "+PONG\r\n$1\r\nx\r\n"},
		"inline with quotes":      {send: "ECHO \"a\\x41 b\"\r\n", want: "$4\r\naA b\r\n"},
		"empty lines":             {send: "\r\n\r\nPING\r\n", want: "+PONG\r\n"},
		"empty array":             {send: "*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n", want: "+PONG\r\n"},
		"array":                   {send: "*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\n", want: "$3\r\nabc\r\n"},
		"binary":                  {send: "*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\x00\xff\r\n", want: "$4\r\n\r\n\x00\xff\r\n"},
		"pipeline":                {send: strings.Repeat("*1\r\n$4\r\nPING\r\n", 500), want: strings.Repeat("+PONG\r\n", 500)},
		"mixed":                   {send: "PING\r\n*1\r\n$4\r\nPING\r\nPING\r\n", want: "+PONG\r\n+PONG\r\n+PONG\r\n"},
		"large":                   {send: fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", len(big), big), want: fmt.Sprintf("$%d\r\n%s\r\n", len(big), big)},
		"unknown command":         {send: "nosuch a b\r\n", want: "-ERR unknown command 'nosuch', with args beginning with: 'a' 'b' \r\n"},
		"unknown subcommand":      {send: "CLIENT nosuch\r\n", want: "-ERR unknown subcommand 'nosuch'. Try CLIENT HELP.\r\n"},
		"missing subcommand":      {send: "CLIENT\r\n", want: "-ERR wrong number of arguments for 'client' command\r\n"},
		"arity":                   {send: "GET\r\nGET a b\r\n", want: strings.Repeat("-ERR wrong number of arguments for 'get' command\r\n", 2)},
		"bad count":               {send: "*x\r\n", want: "-ERR Protocol error: invalid multibulk length\r\n", ends: true},
		"huge count":              {send: "*2147483648\r\n", want: "-ERR Protocol error: invalid multibulk length\r\n", ends: true},
		"no bulk":                 {send: "*1\r\nx4\r\n", want: "-ERR Protocol error: expected '$', got 'x'\r\n", ends: true},
		"negative bulk":           {send: "*1\r\n$-1\r\n", want: "-ERR Protocol error: invalid bulk length\r\n", ends: true},
		"huge bulk":               {send: "*1\r\n$536870913\r\n", want: "-ERR Protocol error: invalid bulk length\r\n", ends: true},
		"quotes":                  {send: "SET a \"b\r\n", want: "-ERR Protocol error: unbalanced quotes in request\r\n", ends: true},
		"endless inline":          {send: big, want: "-ERR Protocol error: too big inline request\r\n", ends: true},
		"endless count":           {send: "*" + big, want: "-ERR Protocol error: too big mbulk count string\r\n", ends: true},
		"error behind a reply":    {send: "PING\r\n*x\r\nPING\r\n", want: "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n", ends: true},
		"quit":                    {send: "PING\r\nQUIT\r\nPING\r\n", want: "+PONG\r\n+OK\r\n", ends: true},
		"select":                  {send: "SELECT 1\r\nSELECT 16\r\nSELECT x\r\n", want: "+OK\r\n-ERR DB index is out of range\r\n-ERR value is not an integer or out of range\r\n"},
		"hello versions":          {send: "HELLO x\r\nHELLO 4\r\n", want: "-ERR Protocol version is not an integer or out of range\r\n-NOPROTO unsupported protocol version\r\n"},
		"null in RESP2":           {send: "GET nosuch\r\n", want: "$-1\r\n"},
		"reset":                   {send: "MULTI\r\nRESET\r\nEXEC\r\n", want: "+OK\r\n+RESET\r\n-ERR EXEC without MULTI\r\n"},
		"auth without a password": {send: "AUTH x\r\n", want: "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?\r\n"},
		"reply off":               {send: "CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nPING\r\n", want: "+OK\r\n+PONG\r\n"},
		"reply skip":              {send: "CLIENT REPLY SKIP\r\nPING\r\nPING\r\n", want: "+PONG\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := p.wire()
			w.t = t
			w.send(c.send)
			w.expect(c.want)
			if c.ends {
				w.ended()
			}
		})
	}
}

func TestFramesInPieces(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	for _, b := range []byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n") {
		w.send(string(b))
		time.Sleep(100 * time.Microsecond) // a packet of its own
	}
	w.expect("+OK\r\n$5\r\nhello\r\n+PONG\r\n")
}

func TestRESP3(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	w.command("HELLO 3 SETNAME me", "CLIENT GETNAME", "GET nosuch", "HSET h f v", "HGETALL h", "EXEC")
	w.expect("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.6\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:")
	for b := []byte{0}; b[0] != '\r'; {
		if _, err := w.Read(b); err != nil {
			t.Fatal(err)
		}
	}
	w.expect("\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n")
	w.expect("$2\r\nme\r\n_\r\n:1\r\n%1\r\n$1\r\nf\r\n$1\r\nv\r\n-ERR EXEC without MULTI\r\n")
	w.command("RESET", "GET nosuch")
	w.expect("+RESET\r\n$-1\r\n")
}

func TestPassword(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("CONFIG SET requirepass secret")
	p.must("PING") // a client that is in stays in
	w := p.wire()
	w.command("PING", "GET a", "AUTH wrong", "AUTH nobody secret", "HELLO 3")
	w.expect("-NOAUTH Authentication required.\r\n-NOAUTH Authentication required.\r\n")
	w.expect(strings.Repeat("-WRONGPASS invalid username-password pair or user is disabled.\r\n", 2))
	w.expect("-NOAUTH HELLO must be called with the client already authenticated")
	w = p.wire()
	w.send("*11\r\n")
	w.expect("-ERR Protocol error: unauthenticated multibulk length\r\n")
	w.ended()
	w = p.wire()
	w.send("*2\r\n$4\r\nECHO\r\n$16385\r\n")
	w.expect("-ERR Protocol error: unauthenticated bulk length\r\n")
	w.ended()
	for _, login := range []string{"AUTH secret", "AUTH default secret"} {
		w = p.wire()
		w.command(login, "PING", "RESET", "PING")
		w.expect("+OK\r\n+PONG\r\n+RESET\r\n-NOAUTH Authentication required.\r\n")
	}
	w = p.wire()
	w.command("HELLO 2 AUTH default secret")
	w.expect("*14\r\n$6\r\nserver")
}

// CLIENT LIST names what a client asked for last, also what was queued or refused.
func TestLastCommand(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		w := p.wire()
		w.command("CLIENT SETNAME w")
		w.expect("+OK\r\n")
		for _, c := range [][3]string{
			{"GET", "-ERR wrong number of arguments for 'get' command\r\n", "get"},
			{"CLIENT TRACKING ON OPTIN", "+OK\r\n", "client|tracking"},
			{"CLIENT CACHING YES", "+OK\r\n", "client|caching"},
			{"nosuch", "-ERR unknown command 'nosuch', with args beginning with: \r\n", "NULL"},
			{"MULTI", "+OK\r\n", "multi"},
			{"SET a 1", "+QUEUED\r\n", "set"},
			{"EXEC", "*1\r\n+OK\r\n", "exec"},
			{"SUBSCRIBE c", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", "subscribe"},
			{"GET a", "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n", "get"},
		} {
			w.command(c[0])
			w.expect(c[1])
			if got := p.field("name=w", "cmd"); got != c[2] {
				t.Errorf("behind %s: cmd=%s, want %s", c[0], got, c[2])
			}
		}
	})
}

func TestClientCommands(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	w.command("CLIENT SETNAME two words", "CLIENT SETNAME one", "CLIENT SETINFO lib-name x", "CLIENT SETINFO nosuch x", "CLIENT NO-TOUCH on", "CLIENT NO-EVICT maybe")
	w.expect("-ERR wrong number of arguments for 'client|setname' command\r\n+OK\r\n+OK\r\n-ERR Unrecognized option 'nosuch'\r\n+OK\r\n-ERR syntax error\r\n")
	list := p.must("CLIENT LIST").Text
	for _, want := range []string{"name=one", "flags=T", "cmd=client|list", "cmd=client|no-evict", "lib-name=x", "resp=2", "user=default"} {
		if !strings.Contains(list, want) {
			t.Errorf("CLIENT LIST lacks %s:\n%s", want, list)
		}
	}
	if got := p.must("CLIENT LIST TYPE pubsub").Text; got != "" {
		t.Errorf("subscribers: %q", got)
	}
	id := strings.Fields(strings.SplitAfter(list, "name=one")[0])
	var number string
	for _, f := range id {
		if v, ok := strings.CutPrefix(f, "id="); ok {
			number = v
		}
	}
	if got := p.must("CLIENT LIST ID " + number).Text; !strings.Contains(got, "name=one") || strings.Count(got, "\n") != 1 {
		t.Errorf("CLIENT LIST ID: %q", got)
	}
	if got := p.must("CLIENT KILL ID " + number).Int; got != 1 {
		t.Errorf("killed %d", got)
	}
	w.ended()
	if _, err := ask(t, p.data, "CLIENT", "KILL", "1.2.3.4:5"); err == nil || err.Error() != "ERR No such client" {
		t.Errorf("killing nobody: %v", err)
	}
	self := p.wire()
	self.command("CLIENT KILL TYPE normal SKIPME no")
	self.expect(":2\r\n")
	self.ended()
}

func TestPause(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	p.must("CLIENT PAUSE 100000 WRITE")
	w.command("GET a", "SET a 1", "GET a")
	w.expect("$-1\r\n")
	w.silent()
	p.must("CLIENT UNPAUSE")
	w.expect("+OK\r\n$1\r\n1\r\n")
	began := time.Now()
	p.must("CLIENT PAUSE 200")
	w.command("PING")
	w.expect("+PONG\r\n")
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("the pause ended after %v", took)
	}
}

// A client that asks for much and reads nothing is closed at the limit.
func TestOutputLimit(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--client-output-buffer-limit", "normal 4mb 0 0")
	if _, err := ask(t, p.data, "SET", "big", strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	w := p.wire()
	w.send(strings.Repeat("GET big\r\n", 200))
	await(t, "the greedy client is gone", func() bool { return !strings.Contains(p.must("CLIENT LIST").Text, "cmd=get ") })
}

// A reply that can only end with the client being closed is not made to its end.
func TestOutputLimitCutsDraws(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	limit := func(normal string) {
		if _, err := ask(t, p.data, "CONFIG", "SET", "client-output-buffer-limit", normal); err != nil {
			t.Fatal(err)
		}
	}
	p.must("HSET h a b")
	p.must("SADD s a")
	p.must("ZADD z 1 a")
	for _, draw := range []string{"HRANDFIELD h", "SRANDMEMBER s", "ZRANDMEMBER z"} {
		limit("normal 1000000 0 0")
		for _, count := range []string{" -999999999\r\n", " -999999999\r\nCONFIG SET client-output-buffer-limit \"normal 0 0 0\"\r\n"} {
			w := p.wire()
			w.send(draw + count)
			w.ended()
		}
		limit("normal 0 0 0")
		w := p.wire()
		w.send(draw + " -999999999\r\n")
		w.expect("-ERR value is out of range\r\n")
	}
}

func TestMaxClients(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--maxclients", "2")
	p.wire().command("PING")
	await(t, "two clients are in", func() bool { return strings.Count(p.must("CLIENT LIST").Text, "\n") == 2 })
	w := p.wire()
	w.expect("-ERR max number of clients reached\r\n")
	w.ended()
}
