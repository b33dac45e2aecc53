package script

import (
	"bytes"
	"strings"

	"holdfast/backend/resp"
)

// Stats are the numbers of INFO about scripts and functions.
type Stats struct {
	Scripts       int // in the cache
	Bytes         int // of their texts
	Libraries     int
	Functions     int
	FunctionBytes int // of the libraries' texts
}

// Stats returns the size of the cache and of the libraries.
func (e *Engine) Stats() Stats {
	s := Stats{
		Scripts: len(e.cache.bySHA), Bytes: e.cache.bytes,
		Libraries: len(e.libs.byName), Functions: len(e.libs.functions),
	}
	for _, lib := range e.libs.byName {
		s.FunctionBytes += len(lib.code)
	}
	return s
}

// Load is SCRIPT LOAD.
func (e *Engine) Load(text, out []byte) []byte {
	s, fail := e.cache.loaded(text)
	if fail != "" {
		return resp.AppendError(out, fail)
	}
	return resp.AppendBulkString(out, s.sha)
}

// Exists is SCRIPT EXISTS with the given SHA1s.
func (e *Engine) Exists(shas [][]byte, out []byte) []byte {
	out = resp.AppendArray(out, len(shas))
	for _, sha := range shas {
		n := int64(0)
		if e.cache.get(sha) != nil {
			n = 1
		}
		out = resp.AppendInt(out, n)
	}
	return out
}

// Flush is SCRIPT FLUSH with its optional mode. Both modes do the same: to drop
// the cache costs nothing that could be left for later.
func (e *Engine) Flush(mode [][]byte, out []byte) []byte {
	if len(mode) > 1 || len(mode) == 1 && !bytes.EqualFold(mode[0], []byte("sync")) && !bytes.EqualFold(mode[0], []byte("async")) {
		return resp.AppendError(out, "ERR SCRIPT FLUSH only support SYNC|ASYNC option")
	}
	e.cache.init()
	if e.lua != nil {
		e.lua.close()
		e.lua = nil
	}
	return append(out, "+OK\r\n"...)
}

// Command runs SCRIPT EXISTS, FLUSH, LOAD or HELP; args is the whole
// request, whose arity fits.
func (e *Engine) Command(args [][]byte, out []byte) []byte {
	switch strings.ToLower(string(args[1])) {
	case "exists":
		return e.Exists(args[2:], out)
	case "flush":
		return e.Flush(args[2:], out)
	case "load":
		return e.Load(args[2], out)
	case "help":
		return appendHelp(out)
	}
	return resp.AppendError(out, "ERR unknown subcommand '"+string(args[1])+"'. Try SCRIPT HELP.")
}

var help = []string{
	"SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
	"EXISTS <sha1> [<sha1> ...]",
	"    Tell which of the scripts are in the cache.",
	"FLUSH [ASYNC|SYNC]",
	"    Empty the script cache.",
	"KILL",
	"    End the script under way, if it has not written anything.",
	"LOAD <script>",
	"    Put a script into the cache without running it.",
	"HELP",
	"    Print this help.",
}

func appendHelp(out []byte) []byte {
	out = resp.AppendArray(out, len(help))
	for _, line := range help {
		out = resp.AppendSimple(out, line)
	}
	return out
}
