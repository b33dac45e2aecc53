package script

import (
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/types"
	"holdfast/backend/resp"
)

// Host is what a running script needs from the node. All methods are called on
// the goroutine that called Eval.
type Host interface {
	// Find finds the command that a request asks for; nil when there is none.
	Find(args [][]byte) *command.Command
	// Refuses says why the node does not run a command for the script now: users,
	// roles, the disk and memory are the host's to check. Empty when it does. The
	// command's arity fits and scripts may use it; one that readOnly scripts may
	// not is refused with ReadOnlyText.
	Refuses(c *command.Command, args [][]byte, readOnly bool) string
	// Refused tells of a command that was not run, by the host's will or the
	// script's mistake; c is nil where there is none of that name.
	Refused(c *command.Command, text string)
	// Call runs one command, which was not refused, as part of the script's unit
	// and returns its whole reply in the given protocol (2 or 3). The reply is
	// valid until the next call.
	Call(args [][]byte, proto int) []byte
	// Allowed tells whether the caller's user may run the command.
	Allowed(args [][]byte) bool
	// SetRepl says whether what the script does from now on goes to the AOF and
	// to the replicas.
	SetRepl(aof, replicas bool)
	// Log writes a line of a script at Redis's level 0 (debug) to 3 (warning).
	Log(level int, text string)
	// Interrupt is called every few milliseconds of a long script with the time
	// it has run, so that the host can serve others past its threshold.
	Interrupt(ran time.Duration)
}

// Request is one EVAL, EVALSHA, EVAL_RO, EVALSHA_RO, FCALL or FCALL_RO.
type Request struct {
	Args       [][]byte // the whole request: name, script, SHA1 or function, numkeys, keys, arguments
	BySHA      bool
	ReadOnly   bool      // one of the _RO commands
	FromMaster bool      // must not be killed
	Proto      int       // of the caller, 2 or 3
	Debug      *Debugger // nil: the script runs as it is
}

// Engine holds the script cache, the libraries and a Lua state for each. Its
// methods belong to the goroutine that holds the engine lock, except for Kill,
// Wrote and Running.
type Engine struct {
	cache   cache
	lua     *sandbox // of scripts; nil until one runs
	library *sandbox // of functions; nil until one is loaded
	libs    libraries
	version string
	random  random
	status  status

	// AllowAll lets scripts call commands that are not for them, for tests of
	// conversions (DEBUG SET-DISABLE-DENY-SCRIPTS).
	AllowAll bool
}

// New returns an engine; version is what redis.REDIS_VERSION says
// ("7.2.4").
func New(version string) *Engine {
	e := &Engine{version: version, random: newRandom(firstSeed)}
	e.cache.init()
	e.libs = newLibraries()
	return e
}

// The errors of EVAL and EVALSHA themselves (eval.c).
const (
	errNoScript    = "NOSCRIPT No matching script. Please use EVAL."
	errNotInt      = "ERR value is not an integer or out of range"
	errManyKeys    = "ERR Number of keys can't be greater than number of args"
	errNegKeys     = "ERR Number of keys can't be negative"
	errWriteInRO   = "ERR Can not execute a script with write flag using *_ro command."
	firstKey       = 3 // index of the first key among the arguments
	fewestEvalArgs = 3
	shaLength      = 40 // what is shorter or longer names no script, whatever follows
)

// Eval runs a script and appends its reply to out.
func (e *Engine) Eval(h Host, req Request, out []byte) []byte {
	if req.Debug == nil {
		return e.eval(h, req, out)
	}
	req.Debug.begin(req.Args[1])
	reply := e.eval(h, req, nil)
	req.Debug.finish()
	return append(out, reply...)
}

func (e *Engine) eval(h Host, req Request, out []byte) []byte {
	if req.BySHA && len(req.Args[1]) != shaLength {
		return resp.AppendError(out, errNoScript)
	}
	keys, argv, fail := splitKeys(req.Args)
	if fail != "" {
		return resp.AppendError(out, fail)
	}
	s, fail := e.find(req)
	if fail != "" {
		return resp.AppendError(out, fail)
	}
	if req.ReadOnly && s.flags.MayWrite() && !s.flags.Compat {
		return resp.AppendError(out, errWriteInRO)
	}
	if e.lua == nil {
		e.lua = newSandbox(e, Script)
	}
	r := run{engine: e, box: e.lua, host: h, name: s.sha, proto: 2, readOnly: req.ReadOnly || !s.flags.MayWrite(),
		debug: req.Debug}
	main := e.lua.script(&r, s.proto, keys, argv)
	out = r.do(main, nil, req, out)
	e.lua.leave()
	if r.broken {
		e.lua.close()
		e.lua = nil
	}
	return out
}

// find returns the script that a request names, compiling it if need be.
func (e *Engine) find(req Request) (*compiled, string) {
	if req.BySHA {
		if s := e.cache.get(req.Args[1]); s != nil {
			return s, ""
		}
		return nil, errNoScript
	}
	return e.cache.evaluated(req.Args[1])
}

func splitKeys(args [][]byte) (keys, argv [][]byte, fail string) {
	if len(args) < fewestEvalArgs {
		return nil, nil, errNotInt
	}
	n, ok := types.ParseInt(args[2])
	rest := args[firstKey:]
	switch {
	case !ok:
		return nil, nil, errNotInt
	case n > int64(len(rest)):
		return nil, nil, errManyKeys
	case n < 0:
		return nil, nil, errNegKeys
	}
	return rest[:n], rest[n:], ""
}

// Flags returns what the script of a request declares about itself, for the
// gate's checks before it runs; ok is false when the request names no script
// that exists or compiles to one.
func (e *Engine) Flags(req Request) (f Flags, ok bool) {
	if len(req.Args) < fewestEvalArgs {
		return f, false
	}
	if s := e.cache.peek(req); s != nil {
		return s.flags, true
	}
	if req.BySHA {
		return f, false
	}
	f, _, fail := parseShebang(req.Args[1])
	return f, fail == ""
}
