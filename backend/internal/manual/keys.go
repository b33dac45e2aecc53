package manual

import (
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

// Keys answers COMMAND GETKEYS request…, and with flags GETKEYSANDFLAGS.
func (m Manual) Keys(x *commands.Ctx, flags bool) {
	args := x.Args[2:]
	c := m.Find(args)
	switch {
	case c == nil:
		x.Err("ERR Invalid command specified")
		return
	case !c.HasKeys():
		x.Err("ERR The command has no key arguments")
		return
	case !c.ArityOK(len(args)):
		x.Err("ERR Invalid number of arguments specified for command")
		return
	}
	var keys []int
	var uses []command.KeyFlags
	c.Keys(args, func(i int, f command.KeyFlags) {
		keys, uses = append(keys, i), append(uses, f)
	})
	if len(keys) == 0 && !c.Has(command.NoMandatoryKeys) {
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
