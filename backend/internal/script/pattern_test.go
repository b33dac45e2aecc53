package script

import (
	"strings"
	"testing"
	"time"
)

func TestPatterns(t *testing.T) {
	e := New("7.2.6")
	for source, want := range map[string]string{
		"return string.match('key=value', '(%w+)=(%w+)')":                                        "$3\r\nkey\r\n",
		"return {string.find('hello', '(l)(l)')}":                                                "*4\r\n:3\r\n:4\r\n$1\r\nl\r\n$1\r\nl\r\n",
		"return {string.gsub('abc', '', '-')}":                                                   "*2\r\n$7\r\n-a-b-c-\r\n:4\r\n",
		"return string.match('f(a(b)c)d', '%b()')":                                               "$7\r\n(a(b)c)\r\n",
		"return string.match('THE (quick) fox', '%f[%a]%a+', 5)":                                 "$5\r\nquick\r\n",
		"return {string.gsub('hello', '(l)(l)', '%2%1%0')}":                                      "*2\r\n$7\r\nhellllo\r\n:1\r\n",
		"return string.match('\\0a\\255', '%z(.)\\255')":                                         "$1\r\na\r\n",
		"return string.rep('a?', 300):gsub('x', '') and string.match('', string.rep('a?', 150))": "$0\r\n\r\n",
	} {
		if got := eval(e, newHost(), 2, source, "0"); got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

// A match that would take for ever can be killed.
func TestMatchCanBeKilled(t *testing.T) {
	e := New("7.2.6")
	h := newHost()
	h.interrupt = func(time.Duration) { e.Kill(AnyKind) }
	source := "return pcall(string.find, string.rep('a', 1000), string.rep('a-', 40) .. 'b')"
	if got := eval(e, h, 2, source, "0"); !strings.HasPrefix(got, "-ERR Script killed by user with SCRIPT KILL...") {
		t.Errorf("%q", got)
	}
	source = "return string.match(string.rep('a', 1000), string.rep('a?', 300))"
	if got := eval(e, newHost(), 2, source, "0"); !strings.HasPrefix(got, "-ERR user_script:1: pattern too complex") {
		t.Errorf("%q", got)
	}
}
