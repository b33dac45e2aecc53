package manual

import (
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

// Docs answers COMMAND DOCS [name …]; unknown names are left out.
func (m Manual) Docs(x *commands.Ctx) {
	var shown []*command.Command
	if len(x.Args) == 2 {
		shown = m.known()
	}
	for _, name := range x.Args[2:] {
		if c := command.Named(string(name)); c != nil && m.Runs(c) {
			shown = append(shown, c)
		}
	}
	m.document(x, shown)
}

// document appends a map of full names and documentation.
func (m Manual) document(x *commands.Ctx, all []*command.Command) {
	x.Map(len(all))
	for _, c := range all {
		x.BulkString(c.Full)
		m.documentOne(x, c, command.Documentation()[c.Full])
	}
}

func (m Manual) documentOne(x *commands.Ctx, c *command.Command, d *command.Docs) {
	f := fields{x: x, at: len(x.Out)}
	f.text("summary", d.Summary)
	f.text("since", d.Since)
	f.text("group", d.Group)
	f.text("complexity", d.Complexity)
	f.names("doc_flags", d.Flags)
	f.text("deprecated_since", d.Deprecated)
	f.text("replaced_by", d.Replaced)
	if len(d.History) > 0 {
		f.key("history")
		x.Set(len(d.History))
		for _, h := range d.History {
			x.Array(2)
			x.BulkString(h[0])
			x.BulkString(h[1])
		}
	}
	if len(d.Arguments) > 0 {
		f.key("arguments")
		documentArguments(x, d.Arguments)
	}
	if len(c.Subs) > 0 {
		f.key("subcommands")
		m.document(x, m.runnable(c.Subs))
	}
	f.end()
}

func documentArguments(x *commands.Ctx, all []*command.Argument) {
	x.Array(len(all))
	for _, a := range all {
		f := fields{x: x, at: len(x.Out)}
		f.text("name", a.Name)
		f.text("type", a.Type)
		f.text("display_text", a.Display)
		if a.KeySpec >= 0 {
			f.key("key_spec_index")
			x.Int(int64(a.KeySpec))
		}
		if a.Token == `""` {
			f.key("token")
			x.BulkString("")
		} else {
			f.text("token", a.Token)
		}
		f.text("since", a.Since)
		f.text("deprecated_since", a.Deprecated)
		f.names("flags", a.Flags)
		if len(a.Arguments) > 0 {
			f.key("arguments")
			documentArguments(x, a.Arguments)
		}
		f.end()
	}
}

// fields is a map whose size is known when it is complete.
type fields struct {
	x  *commands.Ctx
	at int // where it begins
	n  int // pairs
}

func (f *fields) key(name string) {
	f.x.BulkString(name)
	f.n++
}

// text adds a string that is not empty.
func (f *fields) text(name, value string) {
	if value != "" {
		f.key(name)
		f.x.BulkString(value)
	}
}

// names adds a set of simple strings that is not empty.
func (f *fields) names(name string, values []string) {
	if len(values) > 0 {
		f.key(name)
		words(f.x, values)
	}
}

// end puts the head in front.
func (f *fields) end() { f.x.MapAt(f.at, f.n) }
