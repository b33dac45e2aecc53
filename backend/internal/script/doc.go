// Package script runs Lua scripts as Redis's EVAL family does.
//
// # The journey of a script
//
// The gate hands the request to Engine.Eval together with a Host, which is the
// gate again, seen from inside: every redis.call goes back through it as one
// command of the script's unit, so that a script mutates and propagates
// nothing by itself. Eval finds the compiled script in the cache by its SHA1
// or compiles it, gives the one Lua state fresh KEYS and ARGV, runs it, and
// converts what it returned into a reply.
//
// # Functions
//
// LoadLibrary runs a library's code once, in a world where nothing exists but
// redis.register_function and the log; Call runs what it registered. Functions
// have a Lua state of their own, in which libraries keep their local variables.
//
// # One state for all scripts
//
// A Lua state is expensive to make, so there is one for scripts and one for
// functions. Scripts see the global tables through empty proxies: a read falls
// through to the real table, a write raises Redis's "Attempt to modify a
// readonly table", and the functions that bypass metatables (rawset,
// setmetatable, table.insert …) know the proxies.
// Nothing of a script outlives it. A state in which Go code panicked is thrown
// away.
//
// # Bounds
//
// Recursion ends at maxCalls calls, values on the stack at maxRegistry, a
// script's syntax at maxNesting levels; each is a Lua error. Every
// hookInterval instructions the Host is told how long the script has run and a
// kill is looked for; a kill cannot be caught by pcall.
//
// # The debugger
//
// A Request with a Debugger is run under the eyes of a Console (debug.go). Another
// hook then looks at every instruction for the beginning of a line, so that scripts
// which nobody debugs do not pay for it.
//
// # What it does not guarantee
//
// The interpreter is gopher-lua, so error texts of the language itself (not
// those of Redis's API) differ here and there from PUC Lua's, those of syntax
// above all. goto is no name here, though it does nothing else either; the __len of
// tables, of Lua 5.2, works; and a few mistakes go through that Lua 5.1 finds when it
// compiles (empty statements, escapes past \\255, 1e, a call on a line of its own).
// The debugger stops elsewhere in a statement of several lines. Settings
// of cjson end with the script that made them. A script may use as much memory
// as it likes, as in Redis.
package script
