package backend

import (
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

// commandDocs documents the commands asked for, or all. Unknown names are left
// out.
func commandDocs(s *session, x *commands.Ctx) {
	n, shown := s.node, []*command.Command(nil)
	if len(x.Args) == 2 {
		shown = n.known()
	}
	for _, name := range x.Args[2:] {
		if c := command.Named(string(name)); c != nil && n.runs(c) {
			shown = append(shown, c)
		}
	}
	n.document(x, shown)
}

// document appends a map of full names and documentation.
func (n *Node) document(x *commands.Ctx, all []*command.Command) {
	x.Map(len(all))
	for _, c := range all {
		x.BulkString(c.Full)
		n.documentOne(x, c, command.Documentation()[c.Full])
	}
}

func (n *Node) documentOne(x *commands.Ctx, c *command.Command, d *command.Docs) {
	m := replyMap{x: x, at: len(x.Out)}
	m.text("summary", d.Summary)
	m.text("since", d.Since)
	m.text("group", d.Group)
	m.text("complexity", d.Complexity)
	m.names("doc_flags", d.Flags)
	m.text("deprecated_since", d.Deprecated)
	m.text("replaced_by", d.Replaced)
	if len(d.History) > 0 {
		m.key("history")
		x.Set(len(d.History))
		for _, h := range d.History {
			x.Array(2)
			x.BulkString(h[0])
			x.BulkString(h[1])
		}
	}
	if len(d.Arguments) > 0 {
		m.key("arguments")
		documentArguments(x, d.Arguments)
	}
	if len(c.Subs) > 0 {
		m.key("subcommands")
		n.document(x, n.runnable(c.Subs))
	}
	m.end()
}

// runnable are those of all that this node can run.
func (n *Node) runnable(all []*command.Command) (out []*command.Command) {
	for _, c := range all {
		if n.runs(c) {
			out = append(out, c)
		}
	}
	return out
}

func documentArguments(x *commands.Ctx, all []*command.Argument) {
	x.Array(len(all))
	for _, a := range all {
		m := replyMap{x: x, at: len(x.Out)}
		m.text("name", a.Name)
		m.text("type", a.Type)
		m.text("display_text", a.Display)
		if a.KeySpec >= 0 {
			m.key("key_spec_index")
			x.Int(int64(a.KeySpec))
		}
		if a.Token == `""` {
			m.key("token")
			x.BulkString("")
		} else {
			m.text("token", a.Token)
		}
		m.text("since", a.Since)
		m.text("deprecated_since", a.Deprecated)
		m.names("flags", a.Flags)
		if len(a.Arguments) > 0 {
			m.key("arguments")
			documentArguments(x, a.Arguments)
		}
		m.end()
	}
}

// replyMap is a map whose size is known when it is complete.
type replyMap struct {
	x  *commands.Ctx
	at int // where it begins
	n  int // pairs
}

func (m *replyMap) key(name string) {
	m.x.BulkString(name)
	m.n++
}

// text adds a string that is not empty.
func (m *replyMap) text(name, value string) {
	if value != "" {
		m.key(name)
		m.x.BulkString(value)
	}
}

// names adds a set of simple strings that is not empty.
func (m *replyMap) names(name string, values []string) {
	if len(values) > 0 {
		m.key(name)
		words(m.x, values)
	}
}

// end puts the head in front.
func (m *replyMap) end() { m.x.MapAt(m.at, m.n) }
