package script

import (
	"time"

	"holdfast/backend/internal/types"
	"holdfast/backend/resp"

	lua "github.com/yuin/gopher-lua"
)

// EngineName is the only engine that libraries can be written for.
const EngineName = "LUA"

// loadLimit is how long the code of a library may run (LOAD_TIMEOUT_MS); it is
// only to register functions.
const loadLimit = 500 * time.Millisecond

// Library describes one that is loaded.
type Library struct {
	Name, Code string
	Functions  []FunctionInfo
}

// FunctionInfo describes one function of a library.
type FunctionInfo struct {
	Name        string
	Description *string // nil: none was given
	Flags       Flags
}

// Policy says what becomes of the libraries that are there when others are
// restored.
type Policy uint8

// The policies of FUNCTION RESTORE.
const (
	Append  Policy = iota // they stay; none may be restored again
	Replace               // those of the same name go
	Flush                 // all go
)

// LoadLibrary is FUNCTION LOAD. It returns the library's name, or an error
// reply. What a master sends may take its time.
func (e *Engine) LoadLibrary(h Host, code []byte, replace, fromMaster bool) (name, fail string) {
	limit := loadLimit
	if fromMaster {
		limit = 0
	}
	if name, _, fail := header(code); fail == "" && !replace && e.libs.byName[name] != nil {
		return "", "ERR Library '" + name + "' already exists"
	}
	lib, fail := e.build(h, code, limit)
	if fail == "" {
		fail = e.libs.add(lib, replace)
	}
	if fail != "" {
		return "", "ERR " + fail
	}
	return lib.name, ""
}

// DeleteLibrary is FUNCTION DELETE; false: there is none of that name.
func (e *Engine) DeleteLibrary(name []byte) bool {
	lib := e.libs.byName[string(name)]
	if lib != nil {
		e.libs.unlink(lib)
	}
	return lib != nil
}

// FlushFunctions is FUNCTION FLUSH.
func (e *Engine) FlushFunctions() { e.dropFunctions() }

// Restore is FUNCTION RESTORE with the code of libraries, and how those of a
// snapshot come to be. The result is an error reply, empty on success; after
// one the functions are as before.
func (e *Engine) Restore(h Host, codes [][]byte, policy Policy) (fail string) {
	fresh := newLibraries()
	for _, code := range codes {
		lib, fail := e.build(h, code, 0)
		if fail == "" {
			fail = fresh.add(lib, false)
		}
		if fail != "" {
			return "ERR " + fail
		}
	}
	if policy == Flush {
		e.libs = fresh
		return ""
	}
	joined := e.libs.clone()
	for _, lib := range fresh.sorted() {
		old := joined.byName[lib.name]
		if old != nil && policy == Append {
			return "ERR Library " + lib.name + " already exists"
		}
		if old != nil {
			joined.unlink(old)
		}
	}
	for _, lib := range fresh.sorted() {
		if fail := joined.clash(lib); fail != "" {
			return "ERR " + fail
		}
		joined.link(lib)
	}
	e.libs = joined
	return ""
}

// Libraries describes what is loaded, in the order of names.
func (e *Engine) Libraries() []Library {
	all := e.libs.sorted()
	out := make([]Library, len(all))
	for i, lib := range all {
		out[i] = Library{Name: lib.name, Code: lib.code}
		for _, f := range lib.functions {
			out[i].Functions = append(out[i].Functions, FunctionInfo{f.name, f.description, f.flags})
		}
	}
	return out
}

// Codes returns the code of all libraries, as a snapshot keeps them.
func (e *Engine) Codes() []string {
	var out []string
	for _, lib := range e.libs.sorted() {
		out = append(out, lib.code)
	}
	return out
}

// FunctionFlags returns what a function declares; ok is false when there is
// none of that name.
func (e *Engine) FunctionFlags(name []byte) (f Flags, ok bool) {
	if f := e.libs.function(name); f != nil {
		return f.flags, true
	}
	return f, false
}

// Call runs a function, FCALL or FCALL_RO, and appends its reply to out.
func (e *Engine) Call(h Host, req Request, out []byte) []byte {
	f := e.libs.function(req.Args[1])
	if f == nil {
		return resp.AppendError(out, "ERR Function not found")
	}
	if _, ok := types.ParseInt(req.Args[2]); !ok {
		return resp.AppendError(out, "ERR Bad number of keys provided")
	}
	keys, argv, fail := splitKeys(req.Args)
	if fail != "" {
		return resp.AppendError(out, fail)
	}
	if req.ReadOnly && f.flags.MayWrite() {
		return resp.AppendError(out, errWriteInRO)
	}
	box := e.library
	r := run{engine: e, box: box, host: h, name: f.name, proto: 2, readOnly: req.ReadOnly || !f.flags.MayWrite()}
	box.enter(&r)
	params := []lua.LValue{stringTable(box.state, keys), stringTable(box.state, argv)}
	out = r.do(f.body, params, req, out)
	box.leave()
	if r.broken {
		e.rebuild(h)
	}
	return out
}
