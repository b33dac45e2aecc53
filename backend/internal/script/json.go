package script

import (
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// jsonConfig is what a script may set in cjson. It is back at the defaults for
// the next script.
type jsonConfig struct {
	sparseConvert bool
	sparseRatio   int
	sparseSafe    int
	encodeDepth   int
	decodeDepth   int
	encodeInvalid int // numbers that JSON does not have: one of the constants below
	decodeInvalid bool
	keepBuffer    bool
	precision     int // digits of a number
}

const (
	invalidRefused = iota
	invalidPrinted
	invalidNull
)

// maxJSONDepth bounds the depth a script can ask for: Go's stack grows with it.
const maxJSONDepth = 4000

var defaultJSON = jsonConfig{sparseRatio: 2, sparseSafe: 10, encodeDepth: 1000, decodeDepth: 1000,
	decodeInvalid: true, keepBuffer: true, precision: 14}

// jsonNull is the value of the userdata that stands for JSON's null.
var jsonNull = new(struct{ _ byte })

func (b *sandbox) openJSON() {
	null := b.state.NewUserData()
	null.Value = jsonNull
	t := b.jsonLibrary(null, &b.json)
	b.globals.RawSetString("cjson", t)
}

// jsonLibrary makes the cjson table, or the one that cjson.new returns.
func (b *sandbox) jsonLibrary(null *lua.LUserData, c *jsonConfig) *lua.LTable {
	t := b.state.NewTable()
	for name, f := range map[string]lua.LGFunction{
		"encode": func(l *lua.LState) int { return jsonEncode(l, c) },
		"decode": func(l *lua.LState) int { return jsonDecode(l, c, null) },
		"new": func(l *lua.LState) int {
			own := defaultJSON
			l.Push(b.jsonLibrary(null, &own))
			return 1
		},
		"encode_sparse_array": func(l *lua.LState) int {
			// All are read before the first result lies on the stack of arguments.
			results := []lua.LValue{
				boolOption(l, 1, &c.sparseConvert),
				intOption(l, 2, &c.sparseRatio, 0, math.MaxInt32),
				intOption(l, 3, &c.sparseSafe, 0, math.MaxInt32),
			}
			return push(l, results...)
		},
		"encode_max_depth": func(l *lua.LState) int {
			return push(l, intOption(l, 1, &c.encodeDepth, 1, math.MaxInt32))
		},
		"decode_max_depth": func(l *lua.LState) int {
			return push(l, intOption(l, 1, &c.decodeDepth, 1, math.MaxInt32))
		},
		"encode_number_precision": func(l *lua.LState) int { return push(l, intOption(l, 1, &c.precision, 1, 14)) },
		"encode_keep_buffer":      func(l *lua.LState) int { return push(l, boolOption(l, 1, &c.keepBuffer)) },
		"decode_invalid_numbers":  func(l *lua.LState) int { return push(l, boolOption(l, 1, &c.decodeInvalid)) },
		"encode_invalid_numbers":  func(l *lua.LState) int { return push(l, invalidOption(l, &c.encodeInvalid)) },
	} {
		t.RawSetString(name, b.state.NewFunction(f))
	}
	t.RawSetString("null", null)
	t.RawSetString("_NAME", lua.LString("cjson"))
	t.RawSetString("_VERSION", lua.LString("2.1.0"))
	return t
}

func push(l *lua.LState, values ...lua.LValue) int {
	for _, v := range values {
		l.Push(v)
	}
	return len(values)
}

// intOption sets an option from an argument that is not nil, and returns it.
func intOption(l *lua.LState, arg int, to *int, least, most int) lua.LValue {
	if l.Get(arg) != lua.LNil {
		v := int(truncate(float64(l.CheckNumber(arg))))
		if v < least || v > most {
			l.ArgError(1, fmt.Sprintf("expected integer between %d and %d", least, most))
		}
		*to = v
	}
	return lua.LNumber(*to)
}

func boolOption(l *lua.LState, arg int, to *bool) lua.LValue {
	switch v := l.Get(arg).(type) {
	case *lua.LNilType:
	case lua.LBool:
		*to = bool(v)
	default:
		*to = l.CheckOption(arg, []string{"off", "on"}) == 1
	}
	return lua.LBool(*to)
}

func invalidOption(l *lua.LState, to *int) lua.LValue {
	switch v := l.Get(1).(type) {
	case *lua.LNilType:
	case lua.LBool:
		*to = invalidRefused
		if v {
			*to = invalidPrinted
		}
	default:
		*to = l.CheckOption(1, []string{"off", "on", "null"})
	}
	if *to == invalidNull {
		return lua.LString("null")
	}
	return lua.LBool(*to == invalidPrinted)
}
