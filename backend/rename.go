package backend

import (
	"strings"

	"holdfast/backend/command"
	"holdfast/conf"
)

// renames are the names that rename-command gives and takes away, in lower case:
// what a name means now, nil being nothing.
type renames map[string]*command.Command

// newRenames is nil when no command is renamed, which is all that a lookup asks
// then. Names of commands that do not exist are ignored, as a configuration for
// several versions may hold them.
func newRenames(all []conf.Rename) renames {
	if len(all) == 0 {
		return nil
	}
	r := make(renames)
	for _, rename := range all {
		c := command.Lookup([]byte(rename.From))
		if c == nil {
			continue
		}
		if _, taken := r[c.Name]; !taken { // by a command that took this one's place
			r[c.Name] = nil
		}
		if rename.To != "" {
			r[strings.ToLower(rename.To)] = c
		}
	}
	return r
}

// find is command.Find with the new names.
func (r renames) find(args [][]byte) *command.Command {
	c, renamed := r[strings.ToLower(string(args[0]))]
	switch {
	case !renamed:
		return command.Find(args)
	case c == nil || c.Subs == nil || len(args) < 2:
		return c
	}
	if sub := c.Sub(args[1]); sub != nil {
		return sub
	}
	return c
}
