package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/resp"

	lua "github.com/yuin/gopher-lua"
)

// run is one execution of a script, a function, or the code of a library.
type run struct {
	engine   *Engine
	box      *sandbox
	host     Host
	name     string        // the script's SHA1, the function's name
	proto    int           // of the replies that the script sees; redis.setresp
	readOnly bool          // it may not write
	loads    *library      // being loaded: what register_function adds to
	limit    time.Duration // of a load; 0: none
	late     bool          // the limit has passed
	started  time.Time
	left     int       // instructions until the next look at the clock
	nested   int       // Go calls of pcall and resume under way
	raised   raised    // the last error that carries no place in its text
	broken   bool      // the state must not be used again
	debug    *Debugger // nil: nobody looks

	args  [][]byte // of redis.call; reused
	bytes []byte
}

// raised is an error value and where it was raised.
type raised struct {
	value  lua.LValue
	source string
	line   int
}

// do runs main and appends its reply.
func (r *run) do(main *lua.LFunction, params []lua.LValue, req Request, out []byte) []byte {
	r.engine.status.begin(r, req)
	defer r.engine.status.end()
	value, err := r.protected(main, params)
	if err == nil && r.engine.status.killed() {
		err = errKilled // raised where pcall was the last thing to do
	}
	if r.debug != nil && r.debug.end != nil {
		err = r.debug.end // whatever the script made of it
	}
	if err != nil {
		return resp.AppendError(out, r.errorReply(err))
	}
	w := writer{out: out, proto: req.Proto, script: r.proto}
	w.value(value, 0)
	return w.out
}

// protected runs a function. No error handler is given to the
// interpreter: it would leave variables that closures captured unclosed, and
// it needs room on a stack that may be full. What panics all the same (the
// interpreter itself does, when it has no room for its error) ends the state,
// not the node.
func (r *run) protected(main *lua.LFunction, params []lua.LValue) (value lua.LValue, err error) {
	r.started, r.left = time.Now(), hookInterval
	defer func() {
		if p := recover(); p != nil {
			r.broken = true
			err = fmt.Errorf("%v", p)
		}
	}()
	l := r.box.state
	l.Push(main)
	for _, p := range params {
		l.Push(p)
	}
	if err := l.PCall(len(params), 1, nil); err != nil {
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
	text, source, line := r.explain(err)
	if line == 0 {
		return text
	}
	return text + " script: " + r.name + ", on @" + source + ":" + strconv.Itoa(line) + "."
}

// explain puts an error in words and tells where it was raised; line is 0 where
// that is not known.
func (r *run) explain(err error) (text, source string, line int) {
	if err == errKilled {
		return "ERR " + killedText, "", 0
	}
	if r.debug != nil && err == r.debug.end {
		return "ERR " + err.Error(), r.box.title, r.debug.line
	}
	api, ok := err.(*lua.ApiError)
	if ok && api.Type == lua.ApiErrorPanic && !overflowed(err) {
		r.broken = true
	}
	if r.broken || !ok {
		return "ERR Error running script " + r.name + ", " + firstLine(err.Error()), "", 0
	}
	if overflowed(err) {
		line := lineIn(api.StackTrace, r.box.title)
		return "ERR " + r.box.title + ":" + strconv.Itoa(line) + ": " + errOverflow, r.box.title, line
	}
	text = errorText(api.Object)
	source, line = r.box.title, lineIn(text, r.box.title)
	if api.Object == r.raised.value {
		source, line = r.raised.source, r.raised.line
	}
	if r.engine.status.killed() {
		text = "ERR " + killedText
	}
	return text, source, line
}

const errOverflow = "stack overflow"

// overflowed tells whether the call stack was full. The interpreter says so
// with a Go panic, after which its state is sound.
func overflowed(err error) bool { return strings.Contains(err.Error(), "lua callstack overflow") }

// lineIn finds the line in a text like "ERR user_script:12: …".
func lineIn(text, chunk string) int {
	_, rest, ok := strings.Cut(text, chunk+":")
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
