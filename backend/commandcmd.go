package backend

import (
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/manual"
)

var commandRows = []row{
	{"command", byManual(manual.Manual.All)},
	{"command|count", byManual(manual.Manual.Count)},
	{"command|list", byManual(manual.Manual.List)},
	{"command|info", byManual(manual.Manual.Info)},
	{"command|docs", byManual(manual.Manual.Docs)},
	{"command|getkeys", byManual(func(m manual.Manual, x *commands.Ctx) { m.Keys(x, false) })},
	{"command|getkeysandflags", byManual(func(m manual.Manual, x *commands.Ctx) { m.Keys(x, true) })},
}

// byManual answers by the manual of the session's node.
func byManual(tell func(manual.Manual, *commands.Ctx)) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) { tell(s.node.manual(), x) }
}

func (n *Node) manual() manual.Manual {
	return manual.Manual{Runs: n.runs, Find: func(request [][]byte) *command.Command {
		if h := n.lookup(request); h != nil {
			return h.cmd
		}
		return nil
	}}
}

// runs tells whether this node can run a command, or one of its subcommands.
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
