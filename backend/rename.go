package backend

import (
	"log/slog"
	"strings"

	"holdfast/backend/command"
	"holdfast/conf"
)

// renames are the names that rename-command gives and takes away, in lower case:
// what a name means now, nil being nothing.
type renames map[string]*command.Command

// newRenames is nil when no command is renamed, which is all that a lookup asks
// then. Names of commands that do not exist are passed over, as a configuration
// for several versions may hold them, and told: one that was mistyped leaves a
// command open that was meant to be closed.
func newRenames(all []conf.Rename, log *slog.Logger) renames {
	if len(all) == 0 {
		return nil
	}
	r := make(renames)
	for _, rename := range all {
		c := command.Lookup([]byte(rename.From))
		if c == nil {
			log.Warn("rename-command: there is no command " + rename.From)
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
	if c, renamed := r[strings.ToLower(string(args[0]))]; renamed {
		return c.Resolve(args)
	}
	return command.Find(args)
}

// disables tells whether a command has no name at all.
func (r renames) disables(c *command.Command) bool {
	now, renamed := r[c.Name]
	if c.Parent != nil || !renamed || now == c {
		return false
	}
	for _, named := range r {
		if named == c {
			return false
		}
	}
	return true
}

// nameReal puts a command's real name in its place in a request: whatever is kept,
// shown or sent to replicas bears it, so that every node understands it, whatever
// its own names are.
func nameReal(c *command.Command, args [][]byte) {
	if c.Parent != nil {
		c = c.Parent
	}
	args[0] = []byte(c.Name)
}
