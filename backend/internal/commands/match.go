package commands

import "holdfast/backend/command"

// Match reports whether s matches a glob pattern: command.Match.
func Match(pattern, s []byte, fold bool) bool { return command.Match(pattern, s, fold) }
