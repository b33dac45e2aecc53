package acl

import (
	"maps"
	"slices"
	"strings"

	"holdfast/backend/command"
)

// selector is one set of permissions. A command is allowed when one selector of
// the user allows all of it: the command, each of its keys, each of its channels.
type selector struct {
	commands    commandSet
	future      bool     // began with +@all: rules take away from everything
	rules       []string // the rules behind +@all or -@all, "+get", "-@set", each once
	firstArgs   map[int][]string
	keys        []keyPattern
	channels    []string
	allKeys     bool
	allChannels bool
}

// access is what may be done with a key.
type access uint8

const (
	mayRead access = 1 << iota
	mayWrite
)

type keyPattern struct {
	pattern string
	access  access
}

func (k keyPattern) String() string {
	switch k.access {
	case mayRead:
		return "%R~" + k.pattern
	case mayWrite:
		return "%W~" + k.pattern
	}
	return "~" + k.pattern
}

func newSelector(openChannels bool) selector {
	return selector{commands: newCommandSet(), allChannels: openChannels}
}

func (s *selector) clone() selector {
	c := *s
	c.commands = slices.Clone(s.commands)
	c.rules = slices.Clone(s.rules)
	c.keys = slices.Clone(s.keys)
	c.channels = slices.Clone(s.channels)
	c.firstArgs = maps.Clone(s.firstArgs)
	for id, words := range c.firstArgs {
		c.firstArgs[id] = slices.Clone(words)
	}
	return c
}

// allowAll and allowNone forget every rule about commands.
func (s *selector) allowAll() { s.beginWith(true) }

func (s *selector) allowNone() { s.beginWith(false) }

func (s *selector) beginWith(all bool) {
	eachCommand(func(c *command.Command) { s.commands.put(c.ID, all) })
	s.future, s.rules, s.firstArgs = all, nil, nil
}

// allow allows or forbids a command and its subcommands.
func (s *selector) allow(c *command.Command, yes bool) {
	s.commands.put(c.ID, yes)
	delete(s.firstArgs, c.ID)
	for _, sub := range c.Subs {
		s.commands.put(sub.ID, yes)
	}
}

// allowFirst allows a command with one first argument.
func (s *selector) allowFirst(c *command.Command, word string) {
	if s.firstArgs == nil {
		s.firstArgs = make(map[int][]string)
	}
	same := func(known string) bool { return strings.EqualFold(known, word) }
	if !slices.ContainsFunc(s.firstArgs[c.ID], same) {
		s.firstArgs[c.ID] = append(s.firstArgs[c.ID], word)
	}
}

// note keeps a rule about what, a command or a category, in the place of those it
// makes meaningless: of the same name, and of the subcommands of that name.
func (s *selector) note(what string, yes bool) {
	what = strings.ToLower(what)
	s.rules = slices.DeleteFunc(s.rules, func(rule string) bool {
		rest, same := strings.CutPrefix(rule[1:], what)
		return same && (rest == "" || rest[0] == '|')
	})
	sign := "-"
	if yes {
		sign = "+"
	}
	s.rules = append(s.rules, sign+what)
}

// everything tells whether the selector allows all there is.
func (s *selector) everything() bool {
	all := s.allKeys && s.allChannels
	eachCommand(func(c *command.Command) { all = all && s.commands.has(c.ID) })
	return all
}

func (s *selector) commandWords() string {
	first := "-@all"
	if s.future {
		first = "+@all"
	}
	return strings.Join(append([]string{first}, s.rules...), " ")
}

func (s *selector) keyWords() (words []string) {
	if s.allKeys {
		return []string{"~*"}
	}
	for _, k := range s.keys {
		words = append(words, k.String())
	}
	return words
}

func (s *selector) channelWords() (words []string) {
	if s.allChannels {
		return []string{"&*"}
	}
	for _, c := range s.channels {
		words = append(words, "&"+c)
	}
	return words
}

// describe returns the rules that make the selector. It says resetchannels, or a
// server that gives new users all channels would read it differently.
func (s *selector) describe() string {
	words := s.keyWords()
	if !s.allChannels {
		words = append(words, "resetchannels")
	}
	words = append(words, s.channelWords()...)
	return strings.Join(append(words, s.commandWords()), " ")
}

// commandSet has one bit per command ID.
type commandSet []uint64

func newCommandSet() commandSet { return make(commandSet, (command.Count+63)/64) }

func (s commandSet) has(id int) bool { return s[id/64]&(1<<(id%64)) != 0 }

func (s commandSet) put(id int, yes bool) {
	if yes {
		s[id/64] |= 1 << (id % 64)
	} else {
		s[id/64] &^= 1 << (id % 64)
	}
}

// eachCommand visits all commands and subcommands.
func eachCommand(visit func(*command.Command)) {
	for _, c := range command.All {
		visit(c)
		for _, sub := range c.Subs {
			visit(sub)
		}
	}
}
