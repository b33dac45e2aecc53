package script

import (
	"strconv"
	"strings"

	"holdfast/backend/command"
	"holdfast/backend/internal/types"

	lua "github.com/yuin/gopher-lua"
)

// The errors of redis.call itself (script.c, script_lua.c).
const (
	errNoArgs     = "Please specify at least one argument for this redis lib call"
	errArgType    = "Lua redis lib command arguments must be strings or integers"
	errUnknown    = "Unknown Redis command called from script"
	errArity      = "Wrong number of args calling Redis command from script"
	errNotAllowed = "This Redis command is not allowed from script"
)

// ReadOnlyText refuses a command that writes to a script that must not.
const ReadOnlyText = "ERR Write commands are not allowed from read-only scripts."

// openRedis makes the redis table.
func (b *sandbox) openRedis(e *Engine) {
	t := b.set("redis", map[string]lua.LGFunction{
		"call":          func(l *lua.LState) int { return b.call(l, true) },
		"pcall":         func(l *lua.LState) int { return b.call(l, false) },
		"error_reply":   errorReply,
		"status_reply":  statusReply,
		"sha1hex":       b.sha1hex,
		"log":           b.log,
		"setresp":       b.setResp,
		"set_repl":      b.setRepl,
		"acl_check_cmd": b.aclCheck,
	})
	if b.kind == Script {
		b.set("redis", map[string]lua.LGFunction{
			"replicate_commands": func(l *lua.LState) int { l.Push(lua.LTrue); return 1 },
			"breakpoint":         b.breakpoint,
			"debug":              b.debug,
		})
	}
	for name, v := range map[string]int{
		"REPL_NONE": 0, "REPL_AOF": replAOF, "REPL_SLAVE": replReplicas, "REPL_REPLICA": replReplicas,
		"REPL_ALL": replAOF | replReplicas,
	} {
		t.RawSetString(name, lua.LNumber(v))
	}
	setConstants(t, e.version)
}

// setConstants sets what scripts and libraries being loaded both have.
func setConstants(redis *lua.LTable, version string) {
	for name, v := range map[string]int{
		"LOG_DEBUG": 0, "LOG_VERBOSE": 1, "LOG_NOTICE": 2, "LOG_WARNING": 3,
		"REDIS_VERSION_NUM": versionNumber(version),
	} {
		redis.RawSetString(name, lua.LNumber(v))
	}
	redis.RawSetString("REDIS_VERSION", lua.LString(version))
}

// Where the effects of a script go (redis.set_repl).
const (
	replAOF      = 1
	replReplicas = 2
)

// versionNumber is 0x00MMmmpp.
func versionNumber(version string) int {
	n := 0
	for part := range strings.SplitSeq(version, ".") {
		v, err := strconv.Atoi(part)
		if err != nil {
			return 0
		}
		n = n<<8 | v&0xff
	}
	return n
}

// call is redis.call and redis.pcall, which differ in what becomes of an
// error: call raises it, pcall returns it.
func (b *sandbox) call(l *lua.LState, raises bool) int {
	v, failed := b.run.call(l)
	if failed && raises {
		b.run.raise(l, v, 1)
	}
	l.Push(v)
	return 1
}

// call runs the command on the Lua stack. failed tells that the value is an
// error table.
func (r *run) call(l *lua.LState) (v lua.LValue, failed bool) {
	if fail := r.arguments(l); fail != "" {
		return r.failed(l, "ERR "+fail), true
	}
	return r.command(l)
}

// command runs the command in r.args.
func (r *run) command(l *lua.LState) (v lua.LValue, failed bool) {
	if r.debug.shows() {
		r.debug.sayCommand(r.args)
	}
	cmd := r.host.Find(r.args)
	if fail := r.refuse(cmd); fail != "" {
		r.host.Refused(cmd, fail)
		return r.failed(l, fail), true
	}
	if cmd.Has(command.Write) && !r.engine.status.mayWrite() {
		return r.failed(l, "ERR "+killedText), true
	}
	reply := r.host.Call(r.args, r.proto)
	p := parser{l: l, in: reply}
	v = p.value()
	if r.debug.shows() {
		r.debug.sayReply(reply)
	}
	return v, len(reply) > 0 && reply[0] == '-'
}

// failed is the error of a command that was not run.
func (r *run) failed(l *lua.LState, text string) lua.LValue {
	if r.debug.shows() {
		r.debug.sayRefusal(text)
	}
	return errorTable(l, text)
}

// refuse returns why scripts, this one, or any client may not use a command
// now, as an error reply.
func (r *run) refuse(cmd *command.Command) string {
	switch {
	case cmd == nil && len(r.args) == 1 && command.Lookup(r.args[0]) != nil: // a container alone
		return "ERR " + errArity
	case cmd == nil:
		return "ERR " + errUnknown
	case !cmd.ArityOK(len(r.args)):
		return "ERR " + errArity
	case cmd.Has(command.NoScript) && !r.engine.AllowAll:
		return "ERR " + errNotAllowed
	}
	return r.host.Refuses(cmd, r.args, r.readOnly)
}

// arguments copies the strings and numbers on the Lua stack into r.args.
func (r *run) arguments(l *lua.LState) string {
	n := l.GetTop()
	if n == 0 {
		return errNoArgs
	}
	r.bytes = r.bytes[:0]
	r.args = r.args[:0]
	// The buffer may move while it grows, so the words are cut out afterwards.
	ends := make([]int, 0, 16)
	for i := 1; i <= n; i++ {
		switch v := l.Get(i).(type) {
		case lua.LString:
			r.bytes = append(r.bytes, v...)
		case lua.LNumber:
			r.bytes = types.AppendDouble(r.bytes, float64(v))
		default:
			return errArgType
		}
		ends = append(ends, len(r.bytes))
	}
	from := 0
	for _, end := range ends {
		r.args = append(r.args, r.bytes[from:end:end])
		from = end
	}
	return ""
}

// errorReply is redis.error_reply: a text without a blank gets the code ERR.
func errorReply(l *lua.LState) int {
	s, ok := l.Get(1).(lua.LString)
	if l.GetTop() != 1 || !ok {
		l.Push(errorTable(l, "ERR wrong number or type of arguments"))
		return 1
	}
	text := strings.Trim(strings.TrimPrefix(string(s), "-"), "\r\n")
	if !strings.Contains(text, " ") {
		text = "ERR " + text
	}
	l.Push(errorTable(l, text))
	return 1
}

func statusReply(l *lua.LState) int {
	s, ok := l.Get(1).(lua.LString)
	if l.GetTop() != 1 || !ok {
		l.Push(errorTable(l, "ERR wrong number or type of arguments"))
		return 1
	}
	t := l.CreateTable(0, 1)
	t.RawSetString("ok", s)
	l.Push(t)
	return 1
}

func (b *sandbox) sha1hex(l *lua.LState) int {
	if l.GetTop() != 1 {
		return b.raise(l, "wrong number of arguments")
	}
	digits := shaOf([]byte(lua.LVAsString(l.Get(1))))
	l.Push(lua.LString(digits[:]))
	return 1
}

func (b *sandbox) log(l *lua.LState) int {
	if l.GetTop() < 2 {
		return b.raise(l, "redis.log() requires two arguments or more.")
	}
	level, ok := numberOf(l.Get(1))
	if !ok {
		return b.raise(l, "First argument must be a number (log level).")
	}
	if level < 0 || level > 3 {
		return b.raise(l, "Invalid debug level.")
	}
	var words []string
	for i := 2; i <= l.GetTop(); i++ {
		if v := l.Get(i); lua.LVCanConvToString(v) {
			words = append(words, v.String())
		}
	}
	b.run.host.Log(int(level), strings.Join(words, " "))
	return 0
}

func (b *sandbox) setResp(l *lua.LState) int {
	if l.GetTop() != 1 {
		return b.raise(l, "redis.setresp() requires one argument.")
	}
	proto := int(lua.LVAsNumber(l.Get(1)))
	if proto != 2 && proto != 3 {
		return b.raise(l, "RESP version must be 2 or 3.")
	}
	b.run.proto = proto
	return 0
}

func (b *sandbox) setRepl(l *lua.LState) int {
	if l.GetTop() != 1 {
		return b.raise(l, "redis.set_repl() requires one argument.")
	}
	flags := int(lua.LVAsNumber(l.Get(1)))
	if flags&^(replAOF|replReplicas) != 0 {
		return b.raise(l, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
	}
	b.run.host.SetRepl(flags&replAOF != 0, flags&replReplicas != 0)
	return 0
}

func (b *sandbox) aclCheck(l *lua.LState) int {
	if fail := b.run.arguments(l); fail != "" {
		return b.raise(l, fail)
	}
	if b.run.host.Find(b.run.args) == nil {
		return b.raise(l, "Invalid command passed to redis.acl_check_cmd()")
	}
	l.Push(lua.LBool(b.run.host.Allowed(b.run.args)))
	return 1
}

// raise raises an error as the redis table does: a table with its text,
// without a place in front.
func (b *sandbox) raise(l *lua.LState, text string) int {
	b.run.raise(l, errorTable(l, "ERR "+text), 1)
	return 0
}
