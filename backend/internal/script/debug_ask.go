package script

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"holdfast/backend/internal/types"

	lua "github.com/yuin/gopher-lua"
)

// asked answers the client at one stop of the script.
type asked struct {
	*Debugger
	run *run
	lua *lua.LState
}

// answer runs commands until one lets the script go on.
func (a *asked) answer() {
	for a.end == nil {
		words := a.next()
		if words == nil || a.command(words) {
			return
		}
		a.flush()
	}
}

// next returns the client's next command; nil when there is none any more.
func (a *asked) next() []string {
	for {
		words, size, err := parseWords(a.in)
		switch {
		case err != nil:
			a.end = err
			return nil
		case size > 0:
			a.in = append(a.in[:0], a.in[size:]...)
			return words
		case len(a.in) > mostInput:
			a.end = errBuffer
			return nil
		}
		more, ok := a.Console.Read()
		if !ok {
			a.Leave()
			return nil
		}
		a.in = append(a.in, more...)
	}
}

// Bounds of a command.
const (
	mostWords = 1024
	mostWord  = 1024 // bytes
)

// parseWords parses a command; size is 0 while it is not complete. An empty word
// is none, as in Redis.
func parseWords(in []byte) (words []string, size int, err error) {
	count, at, err := parseLength(in, 0, '*', mostWords)
	for ; err == nil && at > 0 && count > 0; count-- {
		var n int
		if n, at, err = parseLength(in, at, '$', mostWord); err != nil || at == 0 || at+n+2 > len(in) {
			return nil, 0, err
		}
		if string(in[at+n:at+n+2]) != "\r\n" {
			return nil, 0, errProtocol
		}
		words = append(words, string(in[at:at+n]))
		at += n + 2
	}
	return words, at, err
}

// parseLength parses a line that begins with kind; next is 0 while it is not
// complete.
func parseLength(in []byte, at int, kind byte, most int) (n, next int, err error) {
	if at >= len(in) {
		return 0, 0, nil
	}
	if in[at] != kind {
		return 0, 0, errProtocol
	}
	end := bytes.Index(in[at:], []byte("\r\n"))
	if end < 0 {
		if len(in)-at > 32 {
			err = errProtocol
		}
		return 0, 0, err
	}
	v, ok := types.ParseInt(in[at+1 : at+end])
	if !ok || v <= 0 || v > int64(most) {
		return 0, 0, errProtocol
	}
	return int(v), at + end + 2, nil
}

const unknownText = "<error> Unknown Redis Lua debugger command or wrong number of arguments."

// command runs one command and tells whether the script goes on.
func (a *asked) command(words []string) (goesOn bool) {
	args := words[1:]
	switch strings.ToLower(words[0]) {
	case "s", "step", "n", "next":
		a.steps = true
		return true
	case "c", "continue":
		return true
	case "a", "abort":
		a.end = errAborted
		return true
	case "h", "help":
		for _, line := range debuggerHelp {
			a.say(line)
		}
	case "t", "trace":
		a.trace()
	case "m", "maxlen":
		a.maxLen(args)
	case "b", "break":
		a.breakpoints(args)
	case "e", "eval":
		a.eval(strings.Join(args, " "))
	case "r", "redis":
		if len(args) == 0 {
			a.say(unknownText)
		} else {
			a.redis(args)
		}
	case "p", "print":
		if len(args) == 1 {
			a.print(args[0])
		} else {
			a.printAll()
		}
	case "l", "list":
		a.list(args)
	case "w", "whole":
		a.listAround(1, 1_000_000)
	default:
		a.say(unknownText)
	}
	return false
}

// list shows lines around one, five on each side unless told otherwise.
func (a *asked) list(args []string) {
	around, context := a.line, 5
	if len(args) > 0 {
		if n := leadingInt(args[0]); n > 0 {
			around = n
		}
	}
	if len(args) > 1 {
		context = leadingInt(args[1])
	}
	a.listAround(around, context)
}

func (a *asked) listAround(around, context int) {
	for i := max(1, around-context); i <= min(len(a.source), around+context); i++ {
		a.sayLine(i)
	}
}

// leadingInt is C's atoi within the bounds of line numbers and lengths.
func leadingInt(s string) int {
	end := 0
	for end < len(s) && end < 10 && (s[end] >= '0' && s[end] <= '9' || end == 0 && s[end] == '-') {
		end++
	}
	n, _ := strconv.Atoi(s[:end])
	return n
}

// breakpoints shows, adds (line), removes (-line), or removes all (0).
func (a *asked) breakpoints(args []string) {
	switch {
	case len(args) > 0:
	case len(a.breaks) == 0:
		a.say("No breakpoints set. Use 'b <line>' to add one.")
	default:
		a.say(strconv.Itoa(len(a.breaks)) + " breakpoints set:")
		for _, line := range a.breaks {
			a.sayLine(line)
		}
	}
	for _, arg := range args {
		a.breakpoint(arg)
	}
}

func (a *asked) breakpoint(arg string) {
	n, ok := types.ParseInt([]byte(arg))
	switch line := int(n); {
	case !ok:
		a.say("Invalid argument:'" + arg + "'")
	case line == 0:
		a.breaks = nil
		a.say("All breakpoints removed.")
	case line < 0:
		i := slices.Index(a.breaks, -line)
		if i < 0 {
			a.say("No breakpoint in the specified line.")
			return
		}
		a.breaks = slices.Delete(a.breaks, i, i+1)
		a.say("Breakpoint removed.")
	case len(a.breaks) == mostBreaks:
		a.say("Too many breakpoints set.")
	case line > len(a.source):
		a.say("Wrong line number.")
	default:
		if !slices.Contains(a.breaks, line) {
			a.breaks = append(a.breaks, line)
		}
		a.listAround(line, 1)
	}
}

// maxLen sets or shows how much of a value is shown.
func (a *asked) maxLen(args []string) {
	if len(args) == 1 {
		a.hinted = true
		a.most = max(leadingInt(args[0]), 0)
		if a.most > 0 {
			a.most = max(a.most, leastMost)
		}
	}
	if a.most == 0 {
		a.say("<value> replies are unlimited.")
		return
	}
	a.say("<value> replies are truncated at " + strconv.Itoa(a.most) + " bytes.")
}

var debuggerHelp = []string{
	"Redis Lua debugger help:",
	"[h]elp               Show this help.",
	"[s]tep               Run the current line and stop at the next one.",
	"[n]ext               The same as step.",
	"[c]ontinue           Run until the next breakpoint.",
	"[l]ist               Show the source around the current line.",
	"[l]ist [line]        Show the source around [line]; 0 is the current one.",
	"[l]ist [line] [ctx]  The same with [ctx] lines on each side.",
	"[w]hole              Show the whole source.",
	"[p]rint              Show the local variables of the current call.",
	"[p]rint <var>        Show one variable, or KEYS or ARGV.",
	"[b]reak              Show the breakpoints.",
	"[b]reak <line>       Set a breakpoint on that line.",
	"[b]reak -<line>      Remove the breakpoint from that line.",
	"[b]reak 0            Remove all breakpoints.",
	"[t]race              Show which calls led here.",
	"[e]val <code>        Run Lua code; it does not see the local variables.",
	"[r]edis <cmd>        Run a command of the server.",
	"[m]axlen [len]       Cut values that are shown at [len] bytes; 0: never.",
	"[a]bort              End the script. In sync mode what it has changed stays.",
	"",
	"In the script:",
	"redis.debug()        Shows its arguments here.",
	"redis.breakpoint()   Stops at the next line.",
}
