package script

import (
	"bytes"
	"fmt"
	"strings"

	"holdfast/backend/internal/types"

	lua "github.com/yuin/gopher-lua"
)

// Bounds of what is shown of a value.
const (
	shownDepth = 10
	shownBytes = 1 << 20
)

// appendValue shows a Lua value on one line.
func appendValue(dst []byte, v lua.LValue) []byte { return appendNested(dst, v, 0) }

func appendNested(dst []byte, v lua.LValue, depth int) []byte {
	if depth == shownDepth {
		return append(dst, "<max recursion level reached! Nested table?>"...)
	}
	switch v := v.(type) {
	case lua.LString:
		return appendRepr(dst, string(v))
	case lua.LBool:
		return append(dst, v.String()...)
	case lua.LNumber:
		return appendG(dst, float64(v), 6)
	case *lua.LTable:
		return appendTable(dst, v, depth+1)
	case *lua.LFunction, *lua.LUserData, *lua.LState:
		return fmt.Appendf(dst, "\"%s@%p\"", v.Type(), v)
	}
	return append(dst, "nil"...)
}

// appendTable shows {a; b} where the keys count from 1, else {["k"]=v; …}.
func appendTable(dst []byte, t *lua.LTable, depth int) []byte {
	isArray, next := true, lua.LNumber(1)
	t.ForEach(func(k, _ lua.LValue) {
		isArray = isArray && k == next
		next++
	})
	dst = append(dst, '{')
	first := true
	t.ForEach(func(k, v lua.LValue) {
		if len(dst) > shownBytes {
			return
		}
		if !first {
			dst = append(dst, "; "...)
		}
		first = false
		if !isArray {
			dst = append(appendNested(append(dst, '['), k, depth), "]="...)
		}
		dst = appendNested(dst, v, depth)
	})
	return append(dst, '}')
}

// appendRepr shows bytes in quotes, those that do not print as escapes.
func appendRepr(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\' || c == '"':
			dst = append(dst, '\\', c)
		case c >= ' ' && c <= '~':
			dst = append(dst, c)
		default:
			if i := bytes.IndexByte([]byte("\n\r\t\a\b"), c); i >= 0 {
				dst = append(dst, '\\', "nrtab"[i])
			} else {
				dst = fmt.Appendf(dst, "\\x%02x", c)
			}
		}
	}
	return append(dst, '"')
}

// appendReply shows a reply of the node on one line.
func appendReply(dst, reply []byte) []byte {
	dst, _ = appendOneReply(dst, reply)
	return dst
}

// appendOneReply shows the first reply in in and returns what stands behind it.
func appendOneReply(dst, in []byte) (out, rest []byte) {
	line, rest, ok := bytes.Cut(in, []byte("\r\n"))
	if !ok || len(line) == 0 {
		return dst, nil
	}
	text := line[1:]
	switch line[0] {
	case '+', '-':
		return appendRepr(dst, string(line)), rest
	case '_':
		return append(dst, "(null)"...), rest
	case '#':
		if text[0] == 't' {
			return append(dst, "#true"...), rest
		}
		return append(dst, "#false"...), rest
	case ',':
		return append(append(dst, "(double) "...), text...), rest
	case '$', '=', '*', '~', '>', '%':
		n, _ := types.ParseInt(text)
		return appendSized(dst, line[0], int(n), rest)
	}
	return append(dst, text...), rest
}

// appendSized shows a string or a collection of n.
func appendSized(dst []byte, kind byte, n int, in []byte) (out, rest []byte) {
	switch {
	case n < 0:
		return append(dst, "NULL"...), in
	case kind == '$' || kind == '=':
		return appendRepr(dst, string(in[:n])), in[n+2:]
	}
	open, shut := "[", "]"
	switch kind {
	case '~':
		open, shut = "~(", ")"
	case '%':
		open, shut = "{", "}"
	}
	dst = append(dst, open...)
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst, in = appendOneReply(dst, in)
		if kind == '%' {
			dst, in = appendOneReply(append(dst, " => "...), in)
		}
	}
	return append(dst, shut...), in
}

// sayCommand shows a command of the script, its first ten words.
func (d *Debugger) sayCommand(args [][]byte) {
	const most = 10
	line := []byte("<redis>")
	for i, a := range args {
		if i == most {
			line = fmt.Appendf(line, " ... (%d more)", len(args)-i-1)
			break
		}
		line = append(append(line, ' '), a...)
	}
	d.say(string(line))
}

// sayReply shows a reply of the node; of an error it tells twice, as Redis does.
func (d *Debugger) sayReply(reply []byte) {
	if len(reply) > 0 && reply[0] == '-' {
		d.say("<error> " + strings.TrimRight(string(reply), "\r\n"))
	}
	d.sayValue(appendReply([]byte("<reply> "), reply))
}

// sayRefusal shows why a command was not run.
func (d *Debugger) sayRefusal(text string) {
	if plain, ok := strings.CutPrefix(text, "ERR "); ok {
		d.say("<error> " + plain)
		return
	}
	d.say("<error> -" + text)
}
