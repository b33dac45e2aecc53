package conf

import (
	"errors"
	"strings"
)

var (
	errNoValue  = errors.New("the flag needs a value")
	errNotAFlag = errors.New("not a flag; write --key value, the value in quotes where it has blanks")
	errNoGroup  = errors.New("belongs to one group; write --monitor.NAME.option value")
)

// SplitFlags parts the arguments of a subcommand into the file, "" when none is given, and the flags.
func SplitFlags(args []string) (file string, flags []string) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "--") {
		return args[0], args[1:]
	}
	return "", args
}

// flags reads --key value pairs: every flag takes exactly one value, whatever that begins with.
func (r *reader) flags(args []string) {
	for len(args) > 0 {
		key, isFlag := strings.CutPrefix(args[0], "--")
		if !isFlag || key == "" {
			r.problems.add(Place{}, args[0], errNotAFlag)
			args = args[1:]
			continue
		}
		if len(args) == 1 {
			r.problems.add(Place{}, args[0], errNoValue)
			return
		}
		r.flag(key, args[1])
		args = args[2:]
	}
}

// flag takes one pair. The name of a group in --monitor.NAME.option keeps its case and may hold dots; an option holds none.
func (r *reader) flag(key, value string) {
	if len(key) < len(monitorPrefix) || !strings.EqualFold(key[:len(monitorPrefix)], monitorPrefix) {
		r.directive(Place{}, onCommandLine, strings.ToLower(key), []string{value})
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
		syntax: onCommandLine, key: monitorPrefix + option, monitor: name, words: []string{value},
	})
}
