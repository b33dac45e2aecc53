package command

import (
	"slices"
	"strings"
)

// Flags say how a command may be used; their names are those of COMMAND INFO.
type Flags uint32

// The flags of Redis 7.2.
const (
	Write Flags = 1 << iota
	ReadOnly
	DenyOOM
	Admin
	PubSub
	NoScript
	Blocking
	Loading
	Stale
	SkipMonitor
	SkipSlowlog
	Asking
	Fast
	NoAuth
	MovableKeys
	NoMulti
	AllowBusy
	NoAsyncLoading
	NoMandatoryKeys
)

var flagNames = []string{"write", "readonly", "denyoom", "admin", "pubsub", "noscript", "blocking", "loading",
	"stale", "skip_monitor", "skip_slowlog", "asking", "fast", "no_auth", "movablekeys", "no_multi", "allow_busy",
	"no_async_loading", "no_mandatory_keys"}

// Names returns the flags as COMMAND INFO prints them.
func (f Flags) Names() []string { return names(uint32(f), flagNames, "") }

// Categories are the ACL categories a command belongs to.
type Categories uint32

// The categories of Redis 7.2, and one for the native protocol.
const (
	CatKeyspace Categories = 1 << iota
	CatRead
	CatWrite
	CatSet
	CatSortedSet
	CatList
	CatHash
	CatString
	CatBitmap
	CatHyperLogLog
	CatGeo
	CatStream
	CatPubSub
	CatAdmin
	CatFast
	CatSlow
	CatBlocking
	CatDangerous
	CatConnection
	CatTransaction
	CatScripting
	CatHoldfast
)

var categoryNames = []string{"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap",
	"hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection",
	"transaction", "scripting", "holdfast"}

// Names returns the categories with their '@', as COMMAND INFO prints them.
func (c Categories) Names() []string { return names(uint32(c), categoryNames, "@") }

// CategoryNames lists all categories, without '@'.
func CategoryNames() []string { return slices.Clone(categoryNames) }

// Category finds a category by its name, without '@' and in any case; 0 when there
// is none.
func Category(name string) Categories {
	for i, known := range categoryNames {
		if strings.EqualFold(known, name) {
			return 1 << i
		}
	}
	return 0
}

// Command is the facts about one command or subcommand. It is never changed.
type Command struct {
	// ID numbers all commands and subcommands from 0 without gaps, so that a
	// face can keep its own facts in an array. Count is the number of IDs.
	ID    int
	Name  string // in lower case; of a subcommand only its own word
	Full  string // "config|get" for a subcommand, else Name
	Arity int    // number of words including the name; negative: at least
	Flags Flags
	Cats  Categories
	// First, Last and Step tell where the keys stand in the simple cases, as
	// COMMAND INFO does; Last counts from the end when negative.
	First, Last, Step int
	Specs             []KeySpec // where the keys stand, in full
	Tips              []string
	Parent            *Command // of a subcommand
	Subs              []*Command
}

// Has tells whether the command has all the flags f.
func (c *Command) Has(f Flags) bool { return c.Flags&f == f }

// ArityOK tells whether a request of n words, the name included, fits.
func (c *Command) ArityOK(n int) bool {
	return n == c.Arity || c.Arity < 0 && n >= -c.Arity
}

func names(bits uint32, all []string, prefix string) []string {
	var out []string
	for i, name := range all {
		if bits&(1<<i) != 0 {
			out = append(out, prefix+name)
		}
	}
	return out
}
