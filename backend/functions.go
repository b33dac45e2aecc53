package backend

import (
	"errors"
	"strings"
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/script"
)

var functionRows = []row{
	{"fcall", fcall(false)},
	{"fcall_ro", fcall(true)},
	{"function|load", functionLoad},
	{"function|delete", functionDelete},
	{"function|flush", functionFlush},
	{"function|list", functionList},
	{"function|dump", func(s *session, x *commands.Ctx) {
		x.Bulk(rdb.AppendFunctions(nil, s.node.scripts.Codes()))
	}},
	{"function|restore", functionRestore},
	{"function|stats", functionStats},
	{"function|kill", kill(script.Function)},
}

// fcall runs a function inside the unit that is open for its request, as eval
// does a script.
func fcall(readOnly bool) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		h := scriptHost{s: s, db: s.db}
		req := script.Request{Args: x.Args, ReadOnly: readOnly, Proto: s.proto, FromMaster: h.obeys()}
		if f, ok := s.node.scripts.FunctionFlags(x.Args[1]); ok {
			if text := h.declared(f); text != "" {
				x.Err(text)
				return
			}
		}
		x.Out = s.node.scripts.Call(&h, req, x.Out)
		s.node.muted = false
	}
}

// changedFunctions propagates a request that changed the libraries as it is.
func (s *session) changedFunctions(x *commands.Ctx) {
	x.Changed(1)
	s.node.propagate(x)
}

func functionLoad(s *session, x *commands.Ctx) {
	words := x.Args[2:]
	code, options := words[len(words)-1], words[:len(words)-1]
	for _, option := range options {
		if !strings.EqualFold(string(option), "replace") {
			x.Err("ERR Unknown option given: " + clip(option))
			return
		}
	}
	h := scriptHost{s: s}
	name, fail := s.node.scripts.LoadLibrary(&h, code, len(options) > 0, h.obeys())
	if fail != "" {
		x.Err(fail)
		return
	}
	s.changedFunctions(x)
	x.BulkString(name)
}

func functionDelete(s *session, x *commands.Ctx) {
	if !s.node.scripts.DeleteLibrary(x.Args[2]) {
		x.Err("ERR Library not found")
		return
	}
	s.changedFunctions(x)
	x.OK()
}

// functionFlush drops all libraries. Both modes do the same: to drop them costs
// nothing that could be left for later.
func functionFlush(s *session, x *commands.Ctx) {
	switch {
	case len(x.Args) > 3:
		x.Err(errUnknownSub("FUNCTION", clip(x.Args[1])))
		return
	case len(x.Args) == 3 && !equalFold(string(x.Args[2]), "sync") && !equalFold(string(x.Args[2]), "async"):
		x.Err("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
		return
	}
	s.node.scripts.FlushFunctions()
	s.changedFunctions(x)
	x.OK()
}

func functionRestore(s *session, x *commands.Ctx) {
	if len(x.Args) > 4 {
		x.Err(errUnknownSub("FUNCTION", clip(x.Args[1])))
		return
	}
	policy := script.Append
	if len(x.Args) == 4 {
		switch strings.ToLower(string(x.Args[3])) {
		case "append":
		case "replace":
			policy = script.Replace
		case "flush":
			policy = script.Flush
		default:
			x.Err("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
			return
		}
	}
	codes, err := rdb.Functions(x.Args[2])
	if err != nil {
		x.Err(err.Error())
		return
	}
	if fail := s.node.scripts.Restore(&scriptHost{s: s}, codes, policy); fail != "" {
		x.Err(fail)
		return
	}
	s.changedFunctions(x)
	x.OK()
}

// replaceFunctions puts the libraries of a snapshot in the place of those there
// are. The engine lock is held.
func (n *Node) replaceFunctions(codes []string) error {
	var all [][]byte
	for _, code := range codes {
		all = append(all, []byte(code))
	}
	if fail := n.scripts.Restore(&scriptHost{s: &n.origin}, all, script.Flush); fail != "" {
		return errors.New(strings.TrimPrefix(fail, "ERR "))
	}
	return nil
}

func functionList(s *session, x *commands.Ctx) {
	var pattern []byte
	named, withCode := false, false
	for words := x.Args[2:]; len(words) > 0; words = words[1:] {
		switch option := strings.ToLower(string(words[0])); {
		case option == "withcode" && !withCode:
			withCode = true
		case option == "libraryname" && !named && len(words) == 1:
			x.Err("ERR library name argument was not given")
			return
		case option == "libraryname" && !named:
			pattern, named, words = words[1], true, words[1:]
		default:
			x.Err("ERR Unknown argument " + clip(words[0]))
			return
		}
	}
	var found []script.Library
	for _, lib := range s.node.scripts.Libraries() {
		if !named || command.Match(pattern, []byte(lib.Name), true) {
			found = append(found, lib)
		}
	}
	x.Array(len(found))
	for _, lib := range found {
		appendLibrary(x, lib, withCode)
	}
}

func appendLibrary(x *commands.Ctx, lib script.Library, withCode bool) {
	fields := 3
	if withCode {
		fields++
	}
	x.Map(fields)
	x.BulkString("library_name")
	x.BulkString(lib.Name)
	x.BulkString("engine")
	x.BulkString(script.EngineName)
	x.BulkString("functions")
	x.Array(len(lib.Functions))
	for _, f := range lib.Functions {
		x.Map(3)
		x.BulkString("name")
		x.BulkString(f.Name)
		x.BulkString("description")
		if f.Description != nil {
			x.BulkString(*f.Description)
		} else {
			x.Null()
		}
		x.BulkString("flags")
		names := f.Flags.Names()
		x.Set(len(names))
		for _, name := range names {
			x.Simple(name)
		}
	}
	if withCode {
		x.BulkString("library_code")
		x.BulkString(lib.Code)
	}
}

func functionStats(s *session, x *commands.Ctx) {
	running, is := s.node.scripts.Running()
	if is && running.Kind == script.Script {
		x.Err(running.Kind.Busy())
		return
	}
	x.Map(2)
	x.BulkString("running_script")
	if is {
		x.Map(3)
		x.BulkString("name")
		x.BulkString(running.Name)
		x.BulkString("command")
		x.Array(len(running.Command))
		for _, word := range running.Command {
			x.Bulk(word)
		}
		x.BulkString("duration_ms")
		x.Int(time.Since(running.Started).Milliseconds())
	} else {
		x.Null()
	}
	stats := s.node.scripts.Stats()
	x.BulkString("engines")
	x.Map(1)
	x.BulkString(script.EngineName)
	x.Map(2)
	x.BulkString("libraries_count")
	x.Int(int64(stats.Libraries))
	x.BulkString("functions_count")
	x.Int(int64(stats.Functions))
}
