package command

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

// Docs is what COMMAND DOCS tells of a command. The facts in it (names, versions,
// groups, arguments) are those of Redis 7.2.
type Docs struct {
	Summary    string
	Since      string // version
	Group      string
	Complexity string
	Flags      []string    // deprecated, syscmd
	Deprecated string      // version since which it is; empty: it is not
	Replaced   string      // what to use instead
	History    [][2]string // version and change
	Arguments  []*Argument
}

// Argument is one argument of a command, or an alternative or a sequence of
// several (types oneof and block).
type Argument struct {
	Name, Type string
	Display    string // what to show in a usage line; empty for oneof and block
	KeySpec    int    // which of the command's key specifications it belongs to; -1: to none
	Token      string // the word in front of it, or that it is; `""` is the empty word
	Since      string
	Deprecated string
	Flags      []string // optional, multiple, multiple_token
	Arguments  []*Argument
}

// docsText has a paragraph for each command: its name behind an @, a line for
// each field, and below `arguments` a line for each argument, indented by its
// depth: type, name, then flags and values.
//
//go:embed docs.txt
var docsText string

// Documentation is the documentation of all commands by their full names. It is
// read at the first call.
var Documentation = sync.OnceValue(func() map[string]*Docs { return parseDocs(docsText) })

func parseDocs(text string) map[string]*Docs {
	all := make(map[string]*Docs)
	var d *Docs
	var above []*Argument // the last argument of each depth
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
		case line[0] == '@':
			d = new(Docs)
			all[line[1:]] = d
		case line[0] == ' ':
			depth := len(line) - len(strings.TrimLeft(line, " "))
			a := parseArgument(strings.Fields(line))
			if depth == 1 {
				d.Arguments = append(d.Arguments, a)
			} else {
				parent := above[depth-2]
				parent.Arguments = append(parent.Arguments, a)
			}
			above = append(above[:depth-1], a)
		default:
			d.set(strings.Cut(line, " "))
		}
	}
	return all
}

func (d *Docs) set(field, value string, _ bool) {
	switch field {
	case "summary":
		d.Summary = value
	case "since":
		d.Since = value
	case "group":
		d.Group = value
	case "complexity":
		d.Complexity = value
	case "flags":
		d.Flags = strings.Fields(value)
	case "deprecated":
		d.Deprecated = value
	case "replaced":
		d.Replaced = value
	case "history":
		version, change, _ := strings.Cut(value, " ")
		d.History = append(d.History, [2]string{version, change})
	}
}

func parseArgument(words []string) *Argument {
	a := &Argument{Type: words[0], Name: words[1], KeySpec: -1}
	if a.Type != "oneof" && a.Type != "block" {
		a.Display = a.Name
	}
	for _, w := range words[2:] {
		switch field, value, _ := strings.Cut(w, "="); field {
		case "spec":
			a.KeySpec, _ = strconv.Atoi(value) // the tests hold that it is a number
		case "token":
			a.Token = value
		case "display":
			a.Display = value
		case "since":
			a.Since = value
		case "deprecated":
			a.Deprecated = value
		default:
			a.Flags = append(a.Flags, w)
		}
	}
	return a
}
