package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend"
	"holdfast/backend/netio/freeport"
	"holdfast/backend/resp"
	"holdfast/conf"
)

func TestFormat(t *testing.T) {
	for wire, want := range map[string]string{
		"+OK\r\n":                        "OK\n",
		"-ERR no\r\n":                    "(error) ERR no\n",
		":7\r\n":                         "(integer) 7\n",
		"$-1\r\n":                        "(nil)\n",
		"_\r\n":                          "(nil)\n",
		"$5\r\na\"\n\x01b\r\n":           `"a\"\n\x01b"` + "\n",
		"#t\r\n":                         "(true)\n",
		",1.5\r\n":                       "(double) 1.5\n",
		"*0\r\n":                         "(empty array)\n",
		"%0\r\n":                         "(empty hash)\n",
		"*2\r\n$1\r\na\r\n:1\r\n":        "1) \"a\"\n2) (integer) 1\n",
		"*2\r\n*2\r\n+a\r\n+b\r\n+c\r\n": "1) 1) a\n   2) b\n2) c\n",
		"%1\r\n+k\r\n:1\r\n":             "1# k => (integer) 1\n",
		"~1\r\n+m\r\n":                   "1~ m\n",
		"%2\r\n+k\r\n*2\r\n+a\r\n:1\r\n+l\r\n*0\r\n": "1# k => \n   1) a\n   2) (integer) 1\n2# l => (empty array)\n",
	} {
		v, err := resp.Parse([]byte(wire))
		if err != nil {
			t.Fatalf("%q: %v", wire, err)
		}
		if got := Format(v); got != want {
			t.Errorf("%q: %q, want %q", wire, got, want)
		}
	}
}

func TestRaw(t *testing.T) {
	v, err := resp.Parse([]byte("*3\r\n$1\r\na\r\n:1\r\n*1\r\n$-1\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := Raw(v); got != "a\n1\n\n" {
		t.Errorf("%q", got)
	}
}

// node runs a node until the test ends.
func node(t *testing.T) (addr string) {
	t.Helper()
	addr = freeport.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	settings, err := conf.New[conf.NodeConfig]("--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "",
		"--control-port", strconv.Itoa(freeport.Port(t)))
	if err != nil {
		t.Fatal(err)
	}
	n, err := backend.New(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return addr
}

// with makes a client of a node and what it prints.
func with(t *testing.T, o Options) (*Client, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	c := New(o, &out, &out)
	t.Cleanup(c.Close)
	return c, &out
}

func TestScript(t *testing.T) {
	c, out := with(t, Options{Addr: node(t)})
	err := c.Script(t.Context(), strings.NewReader("PING\n\n\"unclosed\nselect 3\nset a \"x y\"\n2 incr n\nnosuch\nexit\nPING\n"))
	if !errors.Is(err, ErrReply) {
		t.Error(err)
	}
	want := "PONG\nInvalid argument(s)\nOK\nOK\n(integer) 1\n(integer) 2\n(error) ERR unknown command 'nosuch', with args beginning with: \n"
	if out.String() != want {
		t.Errorf("%q, want %q", out, want)
	}
	if got := c.prompt(); !strings.HasSuffix(got, "[3]> ") {
		t.Errorf("the prompt is %q", got)
	}
	out.Reset()
	c.Close() // the database is chosen again
	if err := c.Do(t.Context(), "GET", "a"); err != nil || out.String() != "\"x y\"\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// A command whose connection broke may have been carried out or not; what the
// script does behind it must not be done.
func TestScriptEndsWithItsConnection(t *testing.T) {
	addr := node(t)
	c, out := with(t, Options{Addr: addr})
	err := c.Script(t.Context(), strings.NewReader("CLIENT ID\nCLIENT KILL SKIPME no TYPE normal\nCLIENT ID\nSET behind it\nGET behind\n"))
	if err == nil || err.Error() != "Error: Server closed the connection" || strings.Count(out.String(), "\n") > 2 {
		t.Errorf("%q, %v", out, err)
	}
	c, out = with(t, Options{Addr: addr})
	if err := c.Do(t.Context(), "GET", "behind"); err != nil || out.String() != "(nil)\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// Both protocols answer UNSUBSCRIBE once for each channel, RESP3 by pushes alone.
func TestUnsubscribe(t *testing.T) {
	addr := node(t)
	for _, resp3 := range []bool{false, true} {
		c, out := with(t, Options{Addr: addr, Output: CSV, RESP3: resp3})
		err := c.Script(t.Context(), strings.NewReader("unsubscribe a b\npunsubscribe\nping\n"))
		want := "\"unsubscribe\",\"a\",0\n\"unsubscribe\",\"b\",0\n\"punsubscribe\",NULL,0\n\"PONG\"\n"
		if err != nil || out.String() != want {
			t.Errorf("RESP3 %v: %q, want %q, %v", resp3, out, want, err)
		}
	}
}

// What people read is printed as it is, and a command is repeated though its reply
// is an error.
func TestTextAndRepeat(t *testing.T) {
	c, out := with(t, Options{Addr: node(t), Repeat: 2})
	for command, want := range map[string]string{"client list": "id=", "memory doctor": "", "info server": "# Server\r\n"} {
		out.Reset()
		err := c.Do(t.Context(), strings.Fields(command)...)
		if text := out.String(); err != nil || !strings.HasPrefix(text, want) || strings.HasPrefix(text, `"`) || strings.HasSuffix(text, "\n\n") {
			t.Errorf("%s: %q, %v", command, text, err)
		}
	}
	out.Reset()
	if err := c.Do(t.Context(), "LPOP", "k", "x"); !errors.Is(err, ErrReply) || strings.Count(out.String(), "(error) ERR value") != 2 {
		t.Errorf("%q, %v", out, err)
	}
}

// A password that nobody asks for is told of, and a wrong one is refused.
func TestLogin(t *testing.T) {
	addr := node(t)
	c, out := with(t, Options{Addr: addr, Output: Bare, Password: "x"})
	if err := c.Do(t.Context(), "PING"); err != nil || !strings.HasPrefix(out.String(), "AUTH failed: ERR AUTH <password> called without") ||
		!strings.HasSuffix(out.String(), "\nPONG\n") {
		t.Errorf("%q, %v", out, err)
	}
	c, out = with(t, Options{Addr: addr, User: "nobody", Password: "x"})
	if err := c.Do(t.Context(), "PING"); err == nil || !strings.HasPrefix(err.Error(), "AUTH failed: WRONGPASS") || out.Len() > 0 {
		t.Errorf("%q, %v", out, err)
	}
	c, _ = with(t, Options{Addr: freeport.Addr(t)})
	want := "Could not connect to Redis at " + c.opts.Addr + ": Connection refused"
	if err := c.Do(t.Context(), "PING"); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestOutputs(t *testing.T) {
	addr := node(t)
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Output: CSV}, `"f\"","v\n","g","7"` + "\n"},
		{Options{Output: JSON, RESP3: true}, `{"f\"":"v\n","g":"7"}` + "\n"},
		{Options{Output: QuotedJSON, RESP3: true}, `{"f\"":"v\\n","g":"7"}` + "\n"},
		{Options{Output: Bare, Between: "|", Behind: "!"}, "f\"|v\n|g|7!"},
		{Options{RESP3: true}, "1# \"f\\\"\" => \"v\\n\"\n2# \"g\" => \"7\"\n"},
	} {
		c.o.Addr = addr
		client, out := with(t, c.o)
		if err := client.connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _ = client.conn.Do(t.Context(), "HSET", "h", `f"`, "v\n", "g", "7")
		if err := client.Do(t.Context(), "HGETALL", "h"); err != nil || out.String() != c.want {
			t.Errorf("%+v: %q, want %q, %v", c.o, out, c.want, err)
		}
	}
}

func TestPipe(t *testing.T) {
	c, out := with(t, Options{Addr: node(t), Output: Bare})
	var in strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&in, "*3\r\n$3\r\nSET\r\n$%d\r\nk%d\r\n$1\r\nv\r\n", 1+len(strconv.Itoa(i)), i)
	}
	in.WriteString("LPUSH k1 x\r\n")
	if err := c.Pipe(t.Context(), strings.NewReader(in.String()), 30*time.Second); !errors.Is(err, ErrReply) {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "WRONGTYPE") || !strings.HasSuffix(text, "errors: 1, replies: 20001\n") {
		t.Errorf("%.300q", text)
	}
	out.Reset()
	if err := c.Scan(t.Context(), ScanOptions{Pattern: "k1999?", Count: 1000}); err != nil {
		t.Fatal(err)
	}
	if keys := strings.Fields(out.String()); len(keys) != 10 {
		t.Errorf("%q", keys)
	}
}

func TestBigKeys(t *testing.T) {
	c, out := with(t, Options{Addr: node(t)})
	for _, line := range []string{"RPUSH l a b c", "RPUSH m a", "SET s 12345", "HSET h a 1"} {
		if err := c.Do(t.Context(), strings.Fields(line)...); err != nil {
			t.Fatal(err)
		}
	}
	for _, memory := range []bool{false, true} {
		out.Reset()
		if err := c.BigKeys(t.Context(), ScanOptions{Samples: 5}, memory); err != nil {
			t.Fatal(err)
		}
		want := []string{"Sampled 4 keys", "Biggest   list found \"l\" has 3 items", "2 lists with 4 items (50.00% of keys, avg size 2.00)"}
		if memory {
			want = []string{"Sampled 4 keys", "Biggest   list found ", "1 hashs with "}
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("no %q in\n%s", w, out)
			}
		}
	}
}

func TestStatAndLatency(t *testing.T) {
	c, out := with(t, Options{Addr: node(t), Output: CSV})
	ctx, cancel := context.WithCancel(t.Context())
	c.statLine("used_memory:2048\r\ndb0:keys=3,expires=0\r\ndb1:keys=4,expires=0\r\ntotal_commands_processed:30\r\nrdb_bgsave_in_progress:1\r\n", 10, false)
	if f := strings.Fields(out.String()); !slices.Equal(f, []string{"7", "2.00K", "0", "0", "30", "(+20)", "0", "SAVE"}) {
		t.Errorf("%q", f)
	}
	out.Reset()
	if err := c.Latency(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if f := strings.Fields(strings.Trim(out.String(), "\"\n")); len(f) != 4 {
		t.Errorf("%q", out)
	}
	cancel()
	if err := c.Stat(ctx, time.Hour); err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}

func TestHelp(t *testing.T) {
	c, _ := with(t, Options{Addr: node(t)})
	if err := c.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := c.loadHelp(t.Context())
	hints := hinter{help: h}
	for line, want := range map[string]string{
		"get":          " key",
		"get ":         "key",
		"get k":        "",
		"GET k ":       "",
		"config get ":  "parameter [parameter ...]",
		"set k v ":     "[NX|XX] [GET] [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL]",
		"set k v get ": "[NX|XX] [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL]",
		"nosuch ":      "",
	} {
		if got := hints.hint(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	rest, length := h.Do([]rune("CONFIG RE"), 9)
	if len(rest) != 2 || length != 9 || string(rest[0]) != "SETSTAT " || string(rest[1]) != "WRITE " {
		t.Errorf("%q, %d", rest, length)
	}
	var out bytes.Buffer
	h.show(&out, []string{"config", "get"})
	if !strings.Contains(out.String(), "CONFIG GET") || !strings.Contains(out.String(), "summary: ") {
		t.Errorf("%q", &out)
	}
}

func TestPasswordsAreNotKept(t *testing.T) {
	for line, want := range map[string]bool{"auth x": true, "AUTH u x": true, "set k v": false, "acl setuser a >p": true, "acl list": false,
		"config set requirepass x": true, "config set hz 1": false, "hello 3 auth a b": true, "": false} {
		if sensitive(line) != want {
			t.Errorf("%q: %v", line, !want)
		}
	}
}
