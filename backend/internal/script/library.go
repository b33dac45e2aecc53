package script

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"holdfast/backend/resp"

	lua "github.com/yuin/gopher-lua"
)

// library is what one FUNCTION LOAD brought.
type library struct {
	name, code string
	functions  []*function // in the order in which they were registered
}

// function is one that FCALL can call.
type function struct {
	name        string
	description *string // nil: none was given
	flags       Flags
	body        *lua.LFunction
}

// libraries is all of them. Names of functions know no case, those of libraries
// do (functions.c).
type libraries struct {
	byName    map[string]*library
	functions map[string]*function
}

func newLibraries() libraries {
	return libraries{byName: make(map[string]*library), functions: make(map[string]*function)}
}

func (s *libraries) function(name []byte) *function {
	return s.functions[strings.ToLower(string(name))]
}

func (s *libraries) link(lib *library) {
	s.byName[lib.name] = lib
	for _, f := range lib.functions {
		s.functions[strings.ToLower(f.name)] = f
	}
}

func (s *libraries) unlink(lib *library) {
	delete(s.byName, lib.name)
	for _, f := range lib.functions {
		delete(s.functions, strings.ToLower(f.name))
	}
}

// clone is for changes that may have to be given up half-way.
func (s *libraries) clone() libraries {
	return libraries{maps.Clone(s.byName), maps.Clone(s.functions)}
}

// add links a library, in the place of one of the same name where replace says
// so. The result is an error text, empty on success; after one nothing changed.
func (s *libraries) add(lib *library, replace bool) string {
	old := s.byName[lib.name]
	if old != nil && !replace {
		return "Library '" + lib.name + "' already exists"
	}
	if old != nil {
		s.unlink(old)
	}
	if fail := s.clash(lib); fail != "" {
		if old != nil {
			s.link(old)
		}
		return fail
	}
	s.link(lib)
	return ""
}

func (s *libraries) clash(lib *library) string {
	for _, f := range lib.functions {
		if s.functions[strings.ToLower(f.name)] != nil {
			return "Function " + f.name + " already exists"
		}
	}
	return ""
}

// sorted lists the libraries by name.
func (s *libraries) sorted() []*library {
	all := make([]*library, 0, len(s.byName))
	for _, name := range slices.Sorted(maps.Keys(s.byName)) {
		all = append(all, s.byName[name])
	}
	return all
}

// metadata reads a library's first line, "#!lua name=NAME". fail is an error
// text without its code (functions.c, functionExtractLibMetaData).
func metadata(code []byte) (engine, name string, length int, fail string) {
	if !bytes.HasPrefix(code, []byte("#!")) {
		return "", "", 0, "Missing library metadata"
	}
	length = bytes.IndexByte(code, '\n')
	if length < 0 {
		return "", "", 0, "Invalid library metadata"
	}
	words, ok := resp.SplitArgs(code[:length])
	if !ok || len(words) == 0 {
		return "", "", 0, "Invalid library metadata"
	}
	named := false
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(string(word), "=")
		switch {
		case len(word) <= len(key) || !strings.EqualFold(key, "name"):
			return "", "", 0, "Invalid metadata value given: " + string(word)
		case named:
			return "", "", 0, "Invalid metadata value, name argument was given multiple times"
		}
		name, named = value, true
	}
	if !named {
		return "", "", 0, "Library name was not given"
	}
	return string(words[0][len("#!"):]), name, length, ""
}

const errName = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"

// validName tells whether a library or a function may be called so.
func validName(name string) bool {
	for _, c := range []byte(name) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return name != ""
}

// header checks a library's first line and returns its name and how long the
// line is.
func header(code []byte) (name string, length int, fail string) {
	engine, name, length, fail := metadata(code)
	switch {
	case fail != "":
	case !validName(name):
		fail = errName
	case !strings.EqualFold(engine, EngineName):
		fail = "Engine '" + engine + "' not found"
	}
	return name, length, fail
}

// build runs a library's code and returns what it registered, linked to
// nothing. limit is how long it may run; 0: for ever. fail is an error text
// without its code.
func (e *Engine) build(h Host, code []byte, limit time.Duration) (lib *library, fail string) {
	name, length, fail := header(code)
	if fail != "" {
		return nil, fail
	}
	proto, err := compile(code[length:], functionChunk)
	if err != nil {
		return nil, "Error compiling function: " + err.Error()
	}
	if e.library == nil {
		e.library = newSandbox(e, Function)
	}
	lib = &library{name: name, code: string(code)}
	r := run{engine: e, box: e.library, host: h, proto: 2, loads: lib, limit: limit}
	if err := e.library.loadLibrary(&r, proto); err != nil {
		text, _, _ := r.explain(err)
		if r.late {
			text = "ERR " + errLoadTime.Error()
		}
		lib, fail = nil, "Error registering functions: "+text
	} else if len(lib.functions) == 0 {
		lib, fail = nil, "No functions registered"
	}
	if r.broken {
		e.rebuild(h)
	}
	return lib, fail
}

// rebuild makes the functions' state anew after Go code panicked in it. What
// libraries kept in local variables is lost; a library that now fails is gone.
func (e *Engine) rebuild(h Host) {
	old := e.libs.sorted()
	e.dropFunctions()
	for _, lib := range old {
		if again, _ := e.build(h, []byte(lib.code), 0); again != nil {
			e.libs.link(again)
		}
	}
}

func (e *Engine) dropFunctions() {
	if e.library != nil {
		e.library.close()
		e.library = nil
	}
	e.libs = newLibraries()
}
