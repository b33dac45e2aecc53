package manual

import (
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

// Manual is what a node tells of its commands. Its methods answer a subcommand of
// COMMAND each; the request has passed the gate.
type Manual struct {
	Runs func(*command.Command) bool             // whether this node runs it, or one of its subcommands
	Find func(request [][]byte) *command.Command // whose request that is, by the names of this node; nil: nobody's
}

// All answers COMMAND.
func (m Manual) All(x *commands.Ctx) { m.describeAll(x, m.known()) }

// Count answers COMMAND COUNT.
func (m Manual) Count(x *commands.Ctx) { x.Int(int64(len(m.known()))) }

// Info answers COMMAND INFO [name …].
func (m Manual) Info(x *commands.Ctx) {
	if len(x.Args) == 2 {
		m.All(x)
		return
	}
	x.Array(len(x.Args) - 2)
	for _, name := range x.Args[2:] {
		m.describe(x, command.Named(string(name)))
	}
}

// known lists the commands that this node can run.
func (m Manual) known() []*command.Command { return m.runnable(command.All) }

// runnable are those of all that this node can run.
func (m Manual) runnable(all []*command.Command) (out []*command.Command) {
	for _, c := range all {
		if m.Runs(c) {
			out = append(out, c)
		}
	}
	return out
}

func (m Manual) describeAll(x *commands.Ctx, all []*command.Command) {
	x.Array(len(all))
	for _, c := range all {
		m.describe(x, c)
	}
}

// describe appends what COMMAND INFO tells of a command.
func (m Manual) describe(x *commands.Ctx, c *command.Command) {
	if c == nil || !m.Runs(c) {
		x.Null()
		return
	}
	x.Array(10)
	x.BulkString(c.Full)
	x.Int(int64(c.Arity))
	words(x, c.Flags.Names())
	x.Int(int64(c.First))
	x.Int(int64(c.Last))
	x.Int(int64(c.Step))
	words(x, c.Cats.Names())
	x.Set(len(c.Tips))
	for _, t := range c.Tips {
		x.BulkString(t)
	}
	x.Set(len(c.Specs))
	for i := range c.Specs {
		describeSpec(x, &c.Specs[i])
	}
	if len(c.Subs) == 0 {
		x.Set(0)
		return
	}
	m.describeAll(x, m.runnable(c.Subs))
}

func words(x *commands.Ctx, list []string) {
	x.Set(len(list))
	for _, w := range list {
		x.Simple(w)
	}
}

// describeSpec appends one key specification.
func describeSpec(x *commands.Ctx, k *command.KeySpec) {
	x.Map(3)
	x.BulkString("flags")
	words(x, k.Flags.Names())
	x.BulkString("begin_search")
	switch k.Begin {
	case command.AtIndex:
		typed(x, "index", "index", k.Index)
	case command.AtKeyword:
		x.Map(2)
		x.BulkString("type")
		x.BulkString("keyword")
		x.BulkString("spec")
		x.Map(2)
		x.BulkString("keyword")
		x.BulkString(k.Keyword)
		named(x, "startfrom", k.From)
	default:
		typed(x, "unknown", "", 0)
	}
	x.BulkString("find_keys")
	switch k.Find {
	case command.Range:
		typed(x, "range", "lastkey", k.Last, "keystep", k.Step, "limit", k.Limit)
	case command.Counted:
		typed(x, "keynum", "keynumidx", k.CountAt, "firstkey", k.First, "keystep", k.Step)
	default:
		typed(x, "unknown", "", 0)
	}
}

// typed appends {type, spec} with spec's pairs of name and number.
func typed(x *commands.Ctx, kind, name string, value int, more ...any) {
	x.Map(2)
	x.BulkString("type")
	x.BulkString(kind)
	x.BulkString("spec")
	if name == "" {
		x.Map(0)
		return
	}
	x.Map(1 + len(more)/2)
	named(x, name, value)
	for i := 0; i+1 < len(more); i += 2 {
		named(x, more[i].(string), more[i+1].(int))
	}
}

func named(x *commands.Ctx, name string, value int) {
	x.BulkString(name)
	x.Int(int64(value))
}
