package command

import (
	"slices"
	"strings"
)

// All commands by name; subcommands hang below their parents.
var All = number(slices.Concat(stringCommands, bitmapCommands, hyperloglogCommands, listCommands, hashCommands,
	setCommands, sortedsetCommands, streamCommands, geoCommands, keyspaceCommands, transactionCommands,
	pubsubCommands, scriptingCommands, connectionCommands, serverCommands, nativeCommands))

// Count is the number of IDs in use.
var Count = countAll(All)

// index is an open-addressed hash table over All, at most a quarter full, so
// that a lookup usually compares one name.
var index = buildIndex(All)

const indexSize = 1024

// Lookup finds a command by its name in any case; nil when there is none. It
// does not allocate.
func Lookup(name []byte) *Command {
	for i := hash(name); ; i++ {
		c := index[i%indexSize]
		if c == nil || equalFold(c.Name, name) {
			return c
		}
	}
}

// Find is Lookup with the subcommand resolved: args is a whole request. A
// container whose subcommand is missing or unknown is returned itself.
func Find(args [][]byte) *Command { return Lookup(args[0]).Resolve(args) }

// Resolve returns the subcommand that a request of the command c asks for; c
// itself when it has none of that name, also when c is nil.
func (c *Command) Resolve(args [][]byte) *Command {
	if c == nil || c.Subs == nil || len(args) < 2 {
		return c
	}
	if sub := c.Sub(args[1]); sub != nil {
		return sub
	}
	return c
}

// Named finds a command or a subcommand by its full name, "config|get", in any
// case; nil when there is none.
func Named(full string) *Command {
	name, sub, hasSub := strings.Cut(full, "|")
	c := Lookup([]byte(name))
	if c == nil || !hasSub {
		return c
	}
	return c.Sub([]byte(sub))
}

// Sub finds a subcommand by its name in any case; nil when there is none.
func (c *Command) Sub(name []byte) *Command {
	for _, s := range c.Subs {
		if equalFold(s.Name, name) {
			return s
		}
	}
	return nil
}

func number(all []*Command) []*Command {
	id := 0
	for _, c := range all {
		c.ID, c.Full = id, c.Name
		id++
		for _, s := range c.Subs {
			s.ID, s.Parent, s.Full = id, c, c.Name+"|"+s.Name
			id++
		}
	}
	return all
}

func countAll(all []*Command) int {
	n := len(all)
	for _, c := range all {
		n += len(c.Subs)
	}
	return n
}

func buildIndex(all []*Command) *[indexSize]*Command {
	var t [indexSize]*Command
	for _, c := range all {
		i := hash([]byte(c.Name))
		for t[i%indexSize] != nil {
			i++
		}
		t[i%indexSize] = c
	}
	return &t
}

// hash is FNV-1a over the name with its letters in lower case. Setting bit 5
// maps some other bytes together too, which only costs a comparison.
func hash(name []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range name {
		h = (h ^ uint32(c|0x20)) * 16777619
	}
	return h
}

// equalFold compares with a lower-case ASCII word.
func equalFold(word string, b []byte) bool {
	if len(word) != len(b) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
