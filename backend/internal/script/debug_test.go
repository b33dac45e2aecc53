package script

import (
	"strings"
	"testing"
	"time"
)

// fakeConsole says what it was given and then goes.
type fakeConsole struct {
	says  []string
	heard strings.Builder
}

func (c *fakeConsole) Read() ([]byte, bool) {
	if len(c.says) == 0 {
		return nil, false
	}
	next := c.says[0]
	c.says = c.says[1:]
	return []byte(next), true
}

func (c *fakeConsole) Write(reply []byte) { c.heard.Write(reply) }

// A client that sends nonsense, too much, or goes ends the session or the script.
func TestDebuggerOfBadClients(t *testing.T) {
	const endless = "while true do local x = 1 end"
	step := "*1\r\n$1\r\ns\r\n"
	for name, c := range map[string]struct {
		source   string
		says     []string
		discards bool
		want     string
	}{
		"gone":               {"local a = 1 return a", nil, false, ":1\r\n"},
		"gone, on copies":    {"local a = 1\nreturn a", nil, true, "-ERR the debugging client closed"},
		"gone from no end":   {endless, nil, false, "-ERR timeout during Lua debugging"},
		"byte by byte":       {"return 7", strings.Split(step, ""), false, ":7\r\n"},
		"several at once":    {"local a = 1\nreturn a", []string{step + step}, false, ":1\r\n"},
		"no command":         {"return 1", []string{"PING\r\n"}, false, "-ERR protocol error"},
		"an empty command":   {"return 1", []string{"*0\r\n"}, false, "-ERR protocol error"},
		"too many words":     {"return 1", []string{"*1025\r\n"}, false, "-ERR protocol error"},
		"too long a word":    {"return 1", []string{"*1\r\n$1025\r\n"}, false, "-ERR protocol error"},
		"no end of a length": {"return 1", []string{"*" + strings.Repeat("1", 64)}, false, "-ERR protocol error"},
		"a wrong length":     {"return 1", []string{"*1\r\n$1\r\nsteps\r\n"}, false, "-ERR protocol error"},
		"too much":           {"return 1", []string{"*1024\r\n" + strings.Repeat("$1020\r\n"+strings.Repeat("x", 1020)+"\r\n", 1023) + "$1024\r\n" + strings.Repeat("y", 900)}, false, "-ERR "},
		"a caught abort":     {"pcall(function()\nlocal x = 1 end)\nreturn 1", []string{step, "*1\r\n$1\r\na\r\n"}, false, "-ERR script aborted for user request"},
	} {
		console := &fakeConsole{says: c.says}
		req := request(2, "eval", c.source, "0")
		patience := time.Minute
		if c.source == endless {
			patience = 20 * time.Millisecond
		}
		req.Debug = &Debugger{Console: console, Patience: patience, Discards: c.discards}
		e := New("7.2.6")
		if got := string(e.Eval(newHost(), req, nil)); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if got := eval(e, newHost(), 2, "return redis.breakpoint()", "0"); got != "$-1\r\n" {
			t.Errorf("%s: a script behind it says %q", name, got)
		}
	}
}
