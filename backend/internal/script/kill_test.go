package script

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestKill(t *testing.T) {
	for name, source := range map[string]string{
		"loop":      "while true do end",
		"pcall":     "while true do pcall(function() while true do end end) end",
		"coroutine": "local f = coroutine.wrap(function() while true do end end) f()",
		"recursion": "local function f() return f() end return f()",
	} {
		t.Run(name, func(t *testing.T) {
			e := New("7.2.6")
			h := newHost()
			asked := 0
			h.interrupt = func(time.Duration) {
				if asked++; asked == 2 {
					if fail := e.Kill(AnyKind); fail != "" {
						t.Error(fail)
					}
				}
			}
			got := eval(e, h, 2, source, "0")
			if !strings.HasPrefix(got, "-ERR Script killed by user with SCRIPT KILL... script: ") {
				t.Errorf("%q", got)
			}
			if got := eval(e, newHost(), 2, "return 1", "0"); got != ":1\r\n" {
				t.Errorf("the next script: %q", got)
			}
		})
	}
}

// What runs for long can be ended, and its end costs no more for what it did
// before.
func TestLongRunsEnd(t *testing.T) {
	const endless = "while true do end"
	const after = 100 // looks at the clock
	for name, source := range map[string]string{
		"tail calls":             "local function f() return f() end return f()",
		"tail calls in a thread": "local function f() return f() end return coroutine.wrap(f)()",
		"balanced":               "return string.find(string.rep('(', 300000), '%b()')",
		"handlers":               "local function f() return xpcall(f, f) end for i = 1, 3 do f() end " + endless,
	} {
		t.Run(name, func(t *testing.T) {
			e, h, asked := New("7.2.6"), newHost(), 0
			var before, behind runtime.MemStats
			h.interrupt = func(time.Duration) {
				if asked++; asked == after {
					runtime.ReadMemStats(&before)
					e.Kill(AnyKind)
				}
			}
			if got := eval(e, h, 2, source, "0"); !strings.Contains(got, "Script killed by user") {
				t.Errorf("%.200q", got)
			}
			runtime.ReadMemStats(&behind)
			if grown := behind.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
				t.Errorf("the end took %d MB", grown>>20)
			}
		})
	}
}

func TestUnkillable(t *testing.T) {
	e := New("7.2.6")
	h := newHost()
	asked := 0 // as often as the clock is looked at
	h.interrupt = func(time.Duration) {
		asked++
		if fail := e.Kill(AnyKind); !strings.HasPrefix(fail, "UNKILLABLE ") {
			t.Error(fail)
		}
	}
	if fail := e.Kill(AnyKind); !strings.HasPrefix(fail, "NOTBUSY ") {
		t.Error(fail)
	}
	const busy = "for i = 1, 100000 do end "
	eval(e, h, 2, "redis.call('set','a',1) "+busy, "0")
	if asked == 0 {
		t.Error("a script that wrote was not interrupted")
	}
	asked = 0
	req := request(2, "eval", busy, "0")
	req.FromMaster = true
	e.Eval(h, req, nil)
	if asked == 0 {
		t.Error("a master's script was not interrupted")
	}
	if what, running := e.Running(); running {
		t.Error("still running", what)
	}
}

func TestKillFromAnotherGoroutine(t *testing.T) {
	e := New("7.2.6")
	done := make(chan string)
	go func() { done <- eval(e, newHost(), 2, "while true do end", "0") }()
	for deadline := time.Now().Add(time.Minute); e.Kill(AnyKind) != ""; {
		if time.Now().After(deadline) {
			t.Fatal("the script never ran")
		}
	}
	if got := <-done; !strings.HasPrefix(got, "-ERR Script killed by user") {
		t.Errorf("%q", got)
	}
}
