package script

import (
	"strings"

	"holdfast/backend/internal/types"
	"holdfast/backend/resp"

	lua "github.com/yuin/gopher-lua"
)

// maxReplyDepth is where Redis's Lua stack ends when it converts a nested
// table, so that a table that holds itself has an end too.
const maxReplyDepth = 7995

// writer turns what a script returned into a reply (script_lua.c,
// luaReplyToRedisReply).
type writer struct {
	out    []byte
	proto  int // of the client
	script int // what the script chose with redis.setresp
}

func (w *writer) value(v lua.LValue, depth int) {
	if depth > maxReplyDepth {
		w.out = resp.AppendError(w.out, "ERR reached lua stack limit")
		return
	}
	switch v := v.(type) {
	case lua.LString:
		w.out = resp.AppendBulkString(w.out, string(v))
	case lua.LNumber:
		w.out = resp.AppendInt(w.out, truncate(float64(v)))
	case lua.LBool:
		w.bool(bool(v))
	case *lua.LTable:
		w.table(v, depth)
	default:
		w.out = resp.AppendNull(w.out, w.proto)
	}
}

func (w *writer) bool(v bool) {
	switch {
	case w.script >= 3:
		w.out = resp.AppendBool(w.out, w.proto, v)
	case v:
		w.out = resp.AppendInt(w.out, 1)
	default:
		w.out = resp.AppendNull(w.out, w.proto)
	}
}

// table looks for the fields that make a table something other than an array,
// in Redis's order.
func (w *writer) table(t *lua.LTable, depth int) {
	if s, ok := field(t, "err"); ok {
		w.out = resp.AppendError(w.out, s)
		return
	}
	if s, ok := field(t, "ok"); ok {
		w.out = resp.AppendSimple(w.out, oneLine(s))
		return
	}
	if v, ok := t.RawGetString("double").(lua.LNumber); ok {
		var text [types.MaxDoubleLen]byte
		w.out = resp.AppendDouble(w.out, w.proto, types.AppendDouble(text[:0], float64(v)))
		return
	}
	if s, ok := field(t, "big_number"); ok {
		w.bigNumber(oneLine(s))
		return
	}
	if v, ok := t.RawGetString("verbatim_string").(*lua.LTable); ok && w.verbatim(v) {
		return
	}
	if m, ok := t.RawGetString("map").(*lua.LTable); ok {
		w.pairs(m, depth, true)
		return
	}
	if m, ok := t.RawGetString("set").(*lua.LTable); ok {
		w.pairs(m, depth, false)
		return
	}
	w.array(t, depth)
}

func field(t *lua.LTable, name string) (string, bool) {
	s, ok := t.RawGetString(name).(lua.LString)
	return string(s), ok
}

func (w *writer) bigNumber(digits string) {
	if w.proto < 3 {
		w.out = resp.AppendBulkString(w.out, digits)
		return
	}
	w.out = append(append(append(w.out, '('), digits...), '\r', '\n')
}

func (w *writer) verbatim(t *lua.LTable) bool {
	format, ok := field(t, "format")
	text, ok2 := field(t, "string")
	if !ok || !ok2 {
		return false
	}
	w.out = resp.AppendVerbatim(w.out, w.proto, (format + "   ")[:3], text)
	return true
}

// pairs writes a map with the keys and values of t, or a set of its keys.
func (w *writer) pairs(t *lua.LTable, depth int, values bool) {
	n := 0
	for key, _ := t.Next(lua.LNil); key != lua.LNil; key, _ = t.Next(key) {
		n++
	}
	if values {
		w.out = resp.AppendMap(w.out, w.proto, n)
	} else {
		w.out = resp.AppendSet(w.out, w.proto, n)
	}
	for key, v := t.Next(lua.LNil); key != lua.LNil; key, v = t.Next(key) {
		w.value(key, depth+1)
		if values {
			w.value(v, depth+1)
		}
	}
}

// array writes the elements up to the first nil.
func (w *writer) array(t *lua.LTable, depth int) {
	n := 0
	for at(t, n+1) != lua.LNil {
		n++
	}
	w.out = resp.AppendArray(w.out, n)
	for i := 1; i <= n; i++ {
		w.value(at(t, i), depth+1)
	}
}

// at is t[i] without metatables; past MaxArrayIndex elements live in a map.
func at(t *lua.LTable, i int) lua.LValue { return t.RawGet(lua.LNumber(i)) }

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

func oneLine(s string) string { return lineBreaks.Replace(s) }
