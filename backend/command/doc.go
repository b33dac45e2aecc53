// Package command is what can be known about a command without running it: its
// arity, flags, categories and where its keys stand, for every command of
// Redis 7.2 and for Holdfast's own. A node asks it at its gate, a proxy when it
// routes.
//
// The package does not know which commands a node can run.
package command
