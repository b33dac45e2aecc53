// Package manual answers COMMAND: it says in RESP what package command knows of the
// commands that a node runs, in the shapes that clients of Redis 7.2 expect.
//
// It decides nothing: which commands run, and what a name means on this node, its
// owner tells (Manual). What it says of the arguments of commands is that of Redis
// 7.2; the texts are our own.
package manual
