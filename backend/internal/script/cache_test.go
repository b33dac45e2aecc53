package script

import (
	"fmt"
	"strings"
	"testing"
)

func TestEvalSHA(t *testing.T) {
	e := New("7.2.6")
	bySHA := func(sha string) string {
		req := request(2, "evalsha", sha, "0")
		req.BySHA = true
		return string(e.Eval(newHost(), req, nil))
	}
	const noScript = "-NOSCRIPT No matching script. Please use EVAL.\r\n"
	sha := strings.Split(string(e.Load([]byte("return 7"), nil)), "\r\n")[1]
	for _, c := range []struct{ sha, want string }{
		{sha, ":7\r\n"}, {strings.ToUpper(sha), ":7\r\n"}, {"short", noScript}, {strings.Repeat("0", 40), noScript},
	} {
		if got := bySHA(c.sha); got != c.want {
			t.Errorf("%s: %q, want %q", c.sha, got, c.want)
		}
	}
	if got := string(e.Exists([][]byte{[]byte(sha), []byte("x")}, nil)); got != "*2\r\n:1\r\n:0\r\n" {
		t.Errorf("exists: %q", got)
	}
	if got := string(e.Flush([][]byte{[]byte("never")}, nil)); got != "-ERR SCRIPT FLUSH only support SYNC|ASYNC option\r\n" {
		t.Errorf("flush: %q", got)
	}
	e.Flush([][]byte{[]byte("ASYNC")}, nil)
	if got := bySHA(sha); got != noScript {
		t.Errorf("after flush: %q", got)
	}
}

// Scripts that only EVAL brought are bounded; loaded ones stay.
func TestCacheIsBounded(t *testing.T) {
	e := New("7.2.6")
	e.Load([]byte("return 'loaded'"), nil)
	loaded := shaOf([]byte("return 'loaded'"))
	kept := shaOf([]byte("return 0"))
	for i := range 2 * maxEvaluated {
		eval(e, newHost(), 2, fmt.Sprintf("return %d", i), "0")
		eval(e, newHost(), 2, "return 0", "0")
	}
	if got := e.Stats().Scripts; got != maxEvaluated+1 {
		t.Errorf("%d scripts", got)
	}
	if e.cache.get(loaded[:]) == nil || e.cache.get(kept[:]) == nil {
		t.Error("a loaded or a used script was dropped")
	}
	size := 0
	for _, s := range e.cache.bySHA {
		size += s.size
	}
	if e.cache.bytes != size {
		t.Errorf("counted %d bytes, are %d", e.cache.bytes, size)
	}
}

func TestFlags(t *testing.T) {
	e := New("7.2.6")
	for source, want := range map[string]Flags{
		"return 1":        {Compat: true},
		"#!lua\nreturn 1": {},
		"#!lua flags=no-writes,allow-oom\nreturn": {NoWrites: true, AllowOOM: true},
	} {
		for range 2 { // not cached, then cached
			if got, ok := e.Flags(request(2, "eval", source, "0")); !ok || got != want {
				t.Errorf("%q: %+v %v", source, got, ok)
			}
			eval(e, newHost(), 2, source, "0")
		}
	}
	if _, ok := e.Flags(request(2, "eval", "#!js\n", "0")); ok {
		t.Error("flags of a script that cannot run")
	}
}
