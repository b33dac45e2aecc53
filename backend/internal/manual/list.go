package manual

import (
	"slices"
	"strings"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

// List answers COMMAND LIST [FILTERBY MODULE|ACLCAT|PATTERN value].
func (m Manual) List(x *commands.Ctx) {
	match := func(*command.Command) bool { return true }
	switch {
	case len(x.Args) == 2:
	case len(x.Args) == 5 && strings.EqualFold(string(x.Args[2]), "filterby"):
		if match = filter(string(x.Args[3]), string(x.Args[4])); match != nil {
			break
		}
		fallthrough
	default:
		x.Err("ERR syntax error")
		return
	}
	var names []string
	for _, c := range m.known() {
		for _, c := range append([]*command.Command{c}, c.Subs...) {
			if m.Runs(c) && match(c) {
				names = append(names, c.Full)
			}
		}
	}
	x.Array(len(names))
	for _, name := range names {
		x.BulkString(name)
	}
}

// filter is what FILTERBY names; nil when it is unknown.
func filter(kind, value string) func(*command.Command) bool {
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
