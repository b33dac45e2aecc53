package conf

import (
	"errors"
	"strings"
)

var errNoGroup = errors.New("belongs to one group; write --monitor.NAME.option value")

// SplitFlags parts the arguments of a subcommand into the file, "" when none is given, and the flags.
func SplitFlags(args []string) (file string, flags []string) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "--") {
		return args[0], args[1:]
	}
	return "", args
}

// flags reads options as lines of redis.conf that were given on the command line.
func (r *reader) flags(args []string) {
	for _, option := range splitOptions(args) {
		if len(option) == 0 || option[0] == "" {
			r.problems.add(Place{}, "", unknown(r.part, "--"))
			continue
		}
		r.flag(option[0], option[1:])
	}
}

// splitOptions parts arguments into options, each a name and its values, as redis-server does (server.c, main):
// "--name" begins one; the argument behind it is its value whatever it begins with, and so are all further ones up to the
// next that begins with "--". Name and value may be one argument. Alone, --save means an empty value.
func splitOptions(args []string) (options [][]string) {
	mayBegin := true
	for i, arg := range args {
		name, begins := strings.CutPrefix(arg, "--")
		if !begins || !mayBegin {
			if len(options) == 0 {
				options = append(options, nil)
			}
			options[len(options)-1] = append(options[len(options)-1], arg)
			mayBegin = true
			continue
		}
		words, ok := SplitArgs(name)
		if !ok {
			words = []string{name}
		}
		bare := i+1 == len(args) || strings.HasPrefix(args[i+1], "--")
		if bare && len(words) == 1 && strings.EqualFold(words[0], "save") {
			words = append(words, "")
		}
		options = append(options, words)
		mayBegin = len(words) != 1
	}
	return options
}

// flag takes one option. The name of a group in --monitor.NAME.option keeps its case and may hold dots; an option holds none.
func (r *reader) flag(key string, values []string) {
	if len(key) < len(monitorPrefix) || !strings.EqualFold(key[:len(monitorPrefix)], monitorPrefix) {
		r.directive(Place{}, onCommandLine, strings.ToLower(key), values)
		return
	}
	name, option := key[len(monitorPrefix):], ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		name, option = name[:dot], strings.ToLower(name[dot+1:])
	}
	if option == "" {
		r.problems.add(Place{}, "--"+key, errNoGroup)
		return
	}
	r.settings = append(r.settings, setting{
		syntax: onCommandLine, key: monitorPrefix + option, monitor: name, words: values,
	})
}
