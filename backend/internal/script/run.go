package script

import (
	"strconv"
	"strings"
	"time"

	"holdfast/backend/resp"

	lua "github.com/yuin/gopher-lua"
)

// run is one execution of a script.
type run struct {
	engine   *Engine
	host     Host
	script   *compiled
	proto    int // of the replies that the script sees; redis.setresp
	readOnly bool
	started  time.Time
	steps    int // calls of the instruction hook
	failed   failure
	broken   bool // the state must not be used again

	args  [][]byte // of redis.call; reused
	bytes []byte
}

// failure is what the error handler learnt at the place of an error.
type failure struct {
	text   string // with its code
	source string
	line   int // 0: unknown
}

// do runs the script and appends its reply.
func (r *run) do(keys, argv [][]byte, req Request, out []byte) []byte {
	box := r.engine.lua
	r.started = time.Now()
	r.engine.status.begin(req.FromMaster)
	defer r.engine.status.end()
	box.enter(r, keys, argv)
	defer box.leave()

	l := box.state
	l.Push(box.function(r.script.proto))
	if err := l.PCall(0, 1, box.onError); err != nil {
		return resp.AppendError(out, r.errorReply(err))
	}
	value := l.Get(-1)
	l.Pop(1)
	w := writer{out: out, proto: req.Proto, script: r.proto}
	w.value(value, 0)
	return w.out
}

// caught is the error handler: it runs where the error was raised, so it can
// still see the line.
func (r *run) caught(l *lua.LState) int {
	r.failed = failure{text: errorText(l.Get(1))}
	for level := 1; ; level++ {
		frame, ok := l.GetStack(level)
		if !ok {
			break
		}
		if _, err := l.GetInfo("Sl", frame, lua.LNil); err == nil && frame.CurrentLine > 0 {
			r.failed.source, r.failed.line = frame.Source, frame.CurrentLine
			break
		}
	}
	l.Push(l.Get(1))
	return 1
}

// errorText returns the reply that an error value stands for.
func errorText(v lua.LValue) string {
	if t, ok := v.(*lua.LTable); ok {
		if text := t.RawGetString("err"); lua.LVCanConvToString(text) {
			return text.String()
		}
		return "ERR script raised a table without an err field"
	}
	return "ERR " + plainText(v.String())
}

// errorReply returns the reply for a script that ended with an error.
func (r *run) errorReply(err error) string {
	f := r.failed
	api, _ := err.(*lua.ApiError)
	switch {
	case f.text == "" && api != nil && api.Object != nil && api.Object != lua.LNil:
		// The handler had no room to run: the stack is full.
		f = failure{text: errorText(api.Object), source: chunkName}
		f.line = lineIn(f.text)
	case f.text == "":
		f = failure{text: "ERR Error running script " + r.script.sha + ", " + firstLine(err.Error())}
		r.broken = true
	}
	if r.engine.status.killed() {
		f.text = "ERR Script killed by user with SCRIPT KILL..."
	}
	if api != nil && api.Type == lua.ApiErrorPanic {
		r.broken = true
	}
	if f.line == 0 {
		return f.text
	}
	return f.text + " script: " + r.script.sha + ", on @" + f.source + ":" + strconv.Itoa(f.line) + "."
}

// lineIn finds the line in a text like "ERR user_script:12: …".
func lineIn(text string) int {
	_, rest, ok := strings.Cut(text, chunkName+":")
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(rest, ":")
	line, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return line
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
