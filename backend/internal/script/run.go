package script

import (
	"fmt"
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
	left     int    // instructions until the next look at the clock
	nested   int    // Go calls of pcall and resume under way
	raised   raised // the last error that carries no place in its text
	broken   bool   // the state must not be used again

	args  [][]byte // of redis.call; reused
	bytes []byte
}

// raised is an error value and where it was raised.
type raised struct {
	value  lua.LValue
	source string
	line   int
}

// do runs the script and appends its reply.
func (r *run) do(keys, argv [][]byte, req Request, out []byte) []byte {
	box := r.engine.lua
	r.started, r.left = time.Now(), hookInterval
	r.engine.status.begin(req.FromMaster)
	defer r.engine.status.end()
	box.enter(r, keys, argv)

	value, err := r.protected(box)
	if err == nil && r.engine.status.killed() {
		err = errKilled // raised where pcall was the last thing to do
	}
	if err != nil {
		out = resp.AppendError(out, r.errorReply(err))
	} else {
		w := writer{out: out, proto: req.Proto, script: r.proto}
		w.value(value, 0)
		out = w.out
	}
	box.leave()
	return out
}

// protected runs the script's main function. No error handler is given to the
// interpreter: it would leave variables that closures captured unclosed, and
// it needs room on a stack that may be full. What panics all the same (the
// interpreter itself does, when it has no room for its error) ends the state,
// not the node.
func (r *run) protected(box *sandbox) (value lua.LValue, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.broken = true
			err = fmt.Errorf("%v", p)
		}
	}()
	l := box.state
	l.Push(box.function(r.script.proto))
	if err := l.PCall(0, 1, nil); err != nil {
		return nil, err
	}
	value = l.Get(-1)
	l.Pop(1)
	return value, nil
}

// raise raises an error that is to carry its place beside its value.
func (r *run) raise(l *lua.LState, v lua.LValue, level int) {
	r.raised = raised{value: v}
	for depth := 0; ; depth++ {
		frame, ok := l.GetStack(depth)
		if !ok {
			break
		}
		if _, err := l.GetInfo("Sl", frame, lua.LNil); err == nil && frame.CurrentLine > 0 {
			r.raised.source, r.raised.line = frame.Source, frame.CurrentLine
			break
		}
	}
	l.Error(v, level)
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
	if err == errKilled {
		return "ERR " + killedText
	}
	api, ok := err.(*lua.ApiError)
	if ok && api.Type == lua.ApiErrorPanic && !overflowed(err) {
		r.broken = true
	}
	if r.broken || !ok {
		return "ERR Error running script " + r.script.sha + ", " + firstLine(err.Error())
	}
	if overflowed(err) {
		return "ERR " + chunkName + ": " + errOverflow
	}
	text := errorText(api.Object)
	source, line := chunkName, lineIn(text)
	if api.Object == r.raised.value {
		source, line = r.raised.source, r.raised.line
	}
	if r.engine.status.killed() {
		text = "ERR " + killedText
	}
	if line == 0 {
		return text
	}
	return text + " script: " + r.script.sha + ", on @" + source + ":" + strconv.Itoa(line) + "."
}

const errOverflow = "stack overflow"

// overflowed tells whether the call stack was full. The interpreter says so
// with a Go panic, after which its state is sound.
func overflowed(err error) bool { return strings.Contains(err.Error(), "lua callstack overflow") }

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
