package backend

import (
	"slices"
	"strings"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

var commandRows = []row{
	{"command", func(s *session, x *commands.Ctx) { s.node.describeAll(x, s.node.known()) }},
	{"command|count", func(s *session, x *commands.Ctx) { x.Int(int64(len(s.node.known()))) }},
	{"command|list", commandList},
	{"command|info", commandInfo},
	{"command|docs", commandDocs},
	{"command|getkeys", commandGetKeys(false)},
	{"command|getkeysandflags", commandGetKeys(true)},
}

// known lists the commands that this node can run.
func (n *Node) known() []*command.Command { return n.runnable(command.All) }

func (n *Node) runs(c *command.Command) bool {
	if n.renames.disables(c) {
		return false
	}
	h := &n.handlers[c.ID]
	if h.data != nil || h.session != nil {
		return true
	}
	for _, sub := range c.Subs {
		if n.runs(sub) {
			return true
		}
	}
	return false
}

func (n *Node) describeAll(x *commands.Ctx, all []*command.Command) {
	x.Array(len(all))
	for _, c := range all {
		n.describe(x, c)
	}
}

// describe appends what COMMAND INFO tells of a command.
func (n *Node) describe(x *commands.Ctx, c *command.Command) {
	if c == nil || !n.runs(c) {
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
	n.describeAll(x, n.runnable(c.Subs))
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

func commandInfo(s *session, x *commands.Ctx) {
	if len(x.Args) == 2 {
		s.node.describeAll(x, s.node.known())
		return
	}
	x.Array(len(x.Args) - 2)
	for _, name := range x.Args[2:] {
		s.node.describe(x, command.Named(string(name)))
	}
}

func commandList(s *session, x *commands.Ctx) {
	match := func(*command.Command) bool { return true }
	switch {
	case len(x.Args) == 2:
	case len(x.Args) == 5 && equalFold(string(x.Args[2]), "filterby"):
		if match = commandFilter(string(x.Args[3]), string(x.Args[4])); match != nil {
			break
		}
		fallthrough
	default:
		x.Err(errSyntax)
		return
	}
	var names []string
	for _, c := range s.node.known() {
		for _, c := range append([]*command.Command{c}, c.Subs...) {
			if s.node.runs(c) && match(c) {
				names = append(names, c.Full)
			}
		}
	}
	x.Array(len(names))
	for _, name := range names {
		x.BulkString(name)
	}
}

// commandFilter is what FILTERBY names; nil when it is unknown.
func commandFilter(kind, value string) func(*command.Command) bool {
	switch strings.ToLower(kind) {
	case "module": // there are none
		return func(*command.Command) bool { return false }
	case "aclcat":
		return func(c *command.Command) bool { return slices.Contains(c.Cats.Names(), "@"+strings.ToLower(value)) }
	case "pattern":
		return func(c *command.Command) bool { return command.Match([]byte(value), []byte(c.Full), true) }
	}
	return nil
}

func commandGetKeys(flags bool) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		args := x.Args[2:]
		h := s.node.lookup(args)
		switch {
		case h == nil:
			x.Err("ERR Invalid command specified")
			return
		case !h.cmd.HasKeys():
			x.Err("ERR The command has no key arguments")
			return
		case !h.cmd.ArityOK(len(args)):
			x.Err("ERR Invalid number of arguments specified for command")
			return
		}
		var keys []int
		var uses []command.KeyFlags
		h.cmd.Keys(args, func(i int, f command.KeyFlags) {
			keys, uses = append(keys, i), append(uses, f)
		})
		if len(keys) == 0 && !h.cmd.Has(command.NoMandatoryKeys) {
			x.Err("ERR Invalid arguments specified for command")
			return
		}
		x.Array(len(keys))
		for i, at := range keys {
			if flags {
				x.Array(2)
			}
			x.Bulk(args[at])
			if flags {
				words(x, uses[i].Names())
			}
		}
	}
}
