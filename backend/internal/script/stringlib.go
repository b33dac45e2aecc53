package script

import (
	"fmt"
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxString bounds what one call of string.rep makes, bytes.
const maxString = 512 << 20

// openString replaces the functions in which gopher-lua takes a string for
// UTF-8 text or formats as Go does; strings of Lua and Redis are bytes.
func (b *sandbox) openString() {
	lib := b.set("string", map[string]lua.LGFunction{
		"format": stringFormat,
		"lower":  func(l *lua.LState) int { return mapBytes(l, 'A', 'Z', 'a'-'A') },
		"upper":  func(l *lua.LState) int { return mapBytes(l, 'a', 'z', 'A'-'a') },
		"rep":    stringRep,
		"len":    func(l *lua.LState) int { l.Push(lua.LNumber(len(text(l, 1)))); return 1 },
		"sub":    stringSub(goFunction(b.globals.RawGetString("string").(*lua.LTable), "sub")),
		"char":   stringChar,
		// Compiled code could not be loaded again anyway, as in Redis.
		"dump": func(l *lua.LState) int { l.CheckFunction(1); l.Push(lua.LString("\x1bLua")); return 1 },
	})
	lib.RawSetString("__index", lua.LNil)
}

// text is the n-th argument as a string; numbers print as Lua prints them.
func text(l *lua.LState, n int) string {
	if v, ok := l.Get(n).(lua.LNumber); ok {
		return printed(v)
	}
	return l.CheckString(n)
}

// stringSub has sub see a number as the text that it prints as.
func stringSub(sub lua.LGFunction) lua.LGFunction {
	return func(l *lua.LState) int {
		if l.Get(1).Type() == lua.LTNumber {
			l.Replace(1, lua.LString(text(l, 1)))
		}
		return sub(l)
	}
}

func mapBytes(l *lua.LState, from, to byte, shift int) int {
	out := []byte(text(l, 1))
	for i, c := range out {
		if c >= from && c <= to {
			out[i] = byte(int(c) + shift)
		}
	}
	l.Push(lua.LString(out))
	return 1
}

func stringRep(l *lua.LState) int {
	s, n := text(l, 1), l.CheckNumber(2)
	if float64(len(s))*float64(n) > maxString {
		l.RaiseError("resulting string too large")
	}
	l.Push(lua.LString(strings.Repeat(s, max(0, int(n)))))
	return 1
}

// stringFormat is string.format of Lua 5.1, that is C's printf.
func stringFormat(l *lua.LState) int {
	format := text(l, 1)
	var out []byte
	arg := 1
	for {
		plain, rest, found := strings.Cut(format, "%")
		out = append(out, plain...)
		if !found {
			l.Push(lua.LString(out))
			return 1
		}
		if strings.HasPrefix(rest, "%") {
			out, format = append(out, '%'), rest[1:]
			continue
		}
		spec, verb, tail := cutSpec(l, rest)
		arg++
		if arg > l.GetTop() {
			l.ArgError(arg, "no value")
		}
		out, format = appendFormatted(l, out, spec, verb, arg), tail
	}
}

// cutSpec splits "-5.2f…" into its flags with width and precision, the
// conversion, and what follows.
func cutSpec(l *lua.LState, s string) (spec string, verb byte, rest string) {
	i := 0
	skip := func(set string, most int) {
		for n := 0; i < len(s) && n < most && strings.IndexByte(set, s[i]) >= 0; n++ {
			i++
		}
	}
	skip("-+ #0", 5)
	skip("0123456789", 2)
	if i < len(s) && s[i] == '.' {
		i++
		skip("0123456789", 2)
	}
	if i == len(s) {
		l.RaiseError("invalid option '%%' to 'format'")
	}
	if s[i] >= '0' && s[i] <= '9' {
		l.RaiseError("invalid format (width or precision too long)")
	}
	return s[:i], s[i], s[i+1:]
}

func appendFormatted(l *lua.LState, out []byte, spec string, verb byte, arg int) []byte {
	switch verb {
	case 'c':
		return fmt.Appendf(out, "%"+spec+"s", rawBytes([]byte{byte(truncate(float64(l.CheckNumber(arg))))}))
	case 'd', 'i':
		return fmt.Appendf(out, "%"+spec+"d", truncate(float64(l.CheckNumber(arg))))
	case 'u':
		return fmt.Appendf(out, "%"+spec+"d", uint64(truncate(float64(l.CheckNumber(arg)))))
	case 'o', 'x', 'X':
		return fmt.Appendf(out, "%"+spec+string(verb), uint64(truncate(float64(l.CheckNumber(arg)))))
	case 'e', 'E', 'f', 'g', 'G':
		return appendFloat(out, spec, verb, float64(l.CheckNumber(arg)))
	case 'q':
		return appendQuoted(out, text(l, arg))
	case 's':
		return fmt.Appendf(out, "%"+spec+"s", rawBytes(text(l, arg)))
	}
	l.RaiseError("invalid option '%%%c' to 'format'", verb)
	return nil
}

func appendFloat(out []byte, spec string, verb byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		width, _, _ := strings.Cut(strings.ReplaceAll(spec, "0", ""), ".")
		return fmt.Appendf(out, "%"+width+"s", appendG(nil, v, 14))
	}
	if (verb == 'g' || verb == 'G') && !strings.Contains(spec, ".") {
		spec += ".6"
	}
	return fmt.Appendf(out, "%"+spec+string(verb), v)
}

// rawBytes makes fmt count bytes: of a string it would count characters.
type rawBytes string

// Format pads and cuts as C's %s does.
func (s rawBytes) Format(f fmt.State, _ rune) {
	text := string(s)
	if n, ok := f.Precision(); ok {
		text = text[:min(n, len(text))]
	}
	width, _ := f.Width()
	pad := strings.Repeat(" ", max(0, width-len(text)))
	if f.Flag('-') {
		text += pad
	} else {
		text = pad + text
	}
	_, _ = f.Write([]byte(text))
}

func appendQuoted(out []byte, s string) []byte {
	out = append(out, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\', '\n':
			out = append(out, '\\', c)
		case '\r':
			out = append(out, `\r`...)
		case 0:
			out = append(out, `\000`...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// stringChar refuses what is no byte, where gopher-lua takes the lowest one.
func stringChar(l *lua.LState) int {
	out := make([]byte, l.GetTop())
	for i := range out {
		n := truncate(float64(l.CheckNumber(i + 1)))
		if n < 0 || n > 255 {
			l.ArgError(i+1, "invalid value")
		}
		out[i] = byte(n)
	}
	l.Push(lua.LString(out))
	return 1
}
