package script

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Console is the client that debugs a script.
type Console interface {
	// Read waits for more of what the client sends. ok is false once it is gone.
	Read() (more []byte, ok bool)
	// Write sends the client one reply.
	Write(reply []byte)
}

// Debugger runs one script under the eyes of a client, in the protocol that
// redis-cli --ldb speaks (eval.c, "LDB"): at a stop the client is told where, and
// its commands are answered until one of them goes on. Every reply is an array of
// lines.
//
//  1. It stops before a new line of the script when the client steps, where a
//     breakpoint is, and after redis.breakpoint(); and once in Patience, so that a
//     loop without end is found.
//  2. While the client steps, what the script asks of the node is shown with its
//     reply.
//  3. A client that is gone stops nothing any more: the script runs to its end,
//     for Patience at most. Where what it does is thrown away it ends at once.
type Debugger struct {
	Console  Console
	Patience time.Duration // how long the script runs without a stop
	Discards bool          // nothing of what the script does will be kept

	source   [][]byte
	lastLine int
	breaks   []int
	line     int  // about to be run
	steps    bool // stop at the next line, show commands
	called   bool // redis.breakpoint() was
	gone     bool // the client is
	end      error

	lines  [][]byte // to be sent
	most   int      // bytes of a value shown; 0: all
	hinted bool
	in     []byte // received and not taken

	places  map[*lua.LState][]place
	began   time.Time // since the last stop
	unclear int       // instructions until the next look at the clock
}

// place is where a call stands.
type place struct{ pc, line int }

// What ends a script that is debugged.
var (
	errAborted   = errors.New("script aborted for user request")
	errProtocol  = errors.New("protocol error")
	errBuffer    = errors.New("max client buffer reached")
	errUnwatched = errors.New("timeout during Lua debugging with client closing connection")
	errLeft      = errors.New("the debugging client closed its connection")
)

const (
	firstMost      = 256     // bytes of a value shown
	leastMost      = 60      // what maxlen can be set to
	mostBreaks     = 64      // breakpoints
	mostInput      = 1 << 20 // bytes of one command
	mostLines      = 1 << 14 // lines that wait to be sent: redis.debug in a loop
	clockEvery     = 4096    // instructions
	endOfSession   = "<endsession>"
	outOfRangeLine = "<out of range source code line>"
)

// begin prepares for a script.
func (d *Debugger) begin(source []byte) {
	d.source = bytes.Split(bytes.TrimRight(source, "\r\n"), []byte("\n"))
	d.lastLine = lastLineOf(d.source)
	d.places = make(map[*lua.LState][]place)
	d.steps, d.most, d.unclear = true, firstMost, clockEvery
	d.began = time.Now()
}

// finish tells the client that the script has ended; its reply follows.
func (d *Debugger) finish() {
	d.say(endOfSession)
	d.flush()
}

// stepHook is hook for a script that is debugged.
type stepHook struct{ hook }

// Done looks at each instruction before it is run.
func (h *stepHook) Done() <-chan struct{} {
	r := h.run
	if r == nil {
		return nil
	}
	if r.debug.end == nil {
		r.debug.instruction(r)
	}
	if r.debug.end != nil {
		return closedSignal
	}
	return h.hook.Done()
}

// Err is what ends the script.
func (h *stepHook) Err() error {
	if h.run != nil && h.run.debug.end != nil {
		return h.run.debug.end
	}
	return h.hook.Err()
}

// instruction is called before each instruction. The beginning of a call, another
// line than before, and a jump back begin a line.
func (d *Debugger) instruction(r *run) {
	l := r.box.state.G.CurrentThread
	index, pc, fn := topFrame(l)
	if fn == nil || fn.Proto.SourceName != scriptChunk {
		return
	}
	now := place{pc, d.lineOf(fn.Proto, pc)}
	if now.line == 0 {
		if d.late() {
			d.line = max(d.line, 1)
			d.tooLong(r, l)
		}
		return
	}
	calls := d.places[l]
	for len(calls) <= index {
		calls = append(calls, place{})
	}
	before := calls[index]
	calls[index] = now
	d.places[l] = calls
	if now.pc == 0 || now.pc <= before.pc || now.line != before.line {
		d.line = now.line
		d.arrive(r, l)
	} else if d.late() {
		d.tooLong(r, l)
	}
}

// lineOf is the line that an instruction belongs to as PUC Lua counts: a function is
// made where its text ends, the end of a script is its last word, and a jump belongs
// to no line (0).
func (d *Debugger) lineOf(p *lua.FunctionProto, pc int) int {
	switch inst := p.Code[pc]; int(inst >> 26) {
	case lua.OP_JMP:
		return 0
	case lua.OP_CLOSURE:
		return p.FunctionPrototypes[inst&0x3ffff].LastLineDefined
	case lua.OP_RETURN:
		if p.LineDefined == 0 && pc == len(p.Code)-1 {
			return d.lastLine
		}
	}
	return p.DbgSourcePositions[pc]
}

// lastLineOf is the last line that has more than a comment.
func lastLineOf(source [][]byte) int {
	for i := len(source); i > 0; i-- {
		if line := bytes.TrimSpace(source[i-1]); len(line) > 0 && !bytes.HasPrefix(line, []byte("--")) {
			return i
		}
	}
	return 0
}

// arrive decides whether to stop at a line.
func (d *Debugger) arrive(r *run, l *lua.LState) {
	switch {
	case d.called && !d.gone:
		d.stop(r, l, "redis.breakpoint() called")
	case slices.Contains(d.breaks, d.line):
		d.stop(r, l, "break point")
	case d.steps:
		d.stop(r, l, "step over")
	case d.late():
		d.tooLong(r, l)
	}
}

// late tells whether the script has run for as long as it may without a stop.
func (d *Debugger) late() bool {
	if d.unclear--; d.unclear > 0 {
		return false
	}
	d.unclear = clockEvery
	return time.Since(d.began) > d.Patience
}

// tooLong stops a script that has run for all its time, for good if nobody looks.
func (d *Debugger) tooLong(r *run, l *lua.LState) {
	if d.gone {
		d.end = errUnwatched
		return
	}
	d.stop(r, l, "timeout reached, infinite loop?")
}

// stop says where the script is and answers the client until it goes on.
func (d *Debugger) stop(r *run, l *lua.LState, why string) {
	d.called, d.steps = false, false
	d.say("* Stopped at " + strconv.Itoa(d.line) + ", stop reason = " + why)
	d.sayLine(d.line)
	d.flush()
	session := asked{Debugger: d, run: r, lua: l}
	session.answer()
	d.began, r.started = time.Now(), time.Now()
}

// Leave is what follows when the client is gone. The script's goroutine calls it.
func (d *Debugger) Leave() {
	d.gone, d.breaks, d.steps = true, nil, false
	if d.Discards {
		d.end = errLeft
	}
}

// shows tells whether what the script asks of the node is shown now.
func (d *Debugger) shows() bool { return d != nil && d.steps && !d.gone }

// say adds a line.
func (d *Debugger) say(line string) {
	if len(d.lines) < mostLines {
		d.lines = append(d.lines, []byte(line))
	}
}

// sayValue adds a line that may be long; cut short once, a hint follows.
func (d *Debugger) sayValue(line []byte) {
	if d.most == 0 || len(line) <= d.most {
		d.say(string(line))
		return
	}
	d.say(string(line[:d.most]) + " ...")
	if !d.hinted {
		d.hinted = true
		d.say("<hint> The above reply was trimmed. Use 'maxlen 0' to disable trimming.")
	}
}

// sayLine adds a line of the source.
func (d *Debugger) sayLine(number int) {
	mark := []byte("   ")
	if number == d.line {
		copy(mark, "->")
	}
	if slices.Contains(d.breaks, number) {
		mark[2] = '#'
	}
	text := outOfRangeLine
	if number >= 1 && number <= len(d.source) {
		text = string(d.source[number-1])
	}
	label := strconv.Itoa(number)
	for len(label) < 3 {
		label += " "
	}
	d.say(string(mark) + label + " " + text)
}

// flush sends the lines as one reply.
func (d *Debugger) flush() {
	out := append([]byte{'*'}, strconv.Itoa(len(d.lines))...)
	out = append(out, "\r\n"...)
	for _, line := range d.lines {
		for i, c := range line {
			if c == '\r' || c == '\n' {
				line[i] = ' '
			}
		}
		out = append(append(append(out, '+'), line...), "\r\n"...)
	}
	d.lines = d.lines[:0]
	if !d.gone {
		d.Console.Write(out)
	}
}

// breakpoint is redis.breakpoint: stop at the next line, if anybody looks.
func (b *sandbox) breakpoint(l *lua.LState) int {
	d := b.run.debug
	if d != nil {
		d.called = true
	}
	l.Push(lua.LBool(d != nil))
	return 1
}

// debug is redis.debug: show the values, if anybody looks.
func (b *sandbox) debug(l *lua.LState) int {
	d := b.run.debug
	if d == nil {
		return 0
	}
	line := []byte("<debug> line " + strconv.Itoa(d.line) + ": ")
	for i := 1; i <= l.GetTop(); i++ {
		if i > 1 {
			line = append(line, ", "...)
		}
		line = appendValue(line, l.Get(i))
	}
	d.say(string(line))
	return 0
}
