package main_test

import (
	"strings"

	"holdfast/backend/resp"
)

// argument is one argument of a command as COMMAND DOCS describes it.
type argument struct {
	name, kind, token              string
	optional, multiple, everyToken bool
	parts                          []argument // of a block or a oneof
}

// grammar is how a command is called: its words, then its arguments.
type grammar struct {
	full  string // lower case, a subcommand behind a bar
	group string
	args  []argument
}

func (g *grammar) words() []string { return strings.Split(strings.ToUpper(g.full), "|") }

// grammarsOf reads the reply of COMMAND DOCS.
func grammarsOf(docs resp.Value) (all []grammar) {
	for name, doc := range docs.Pairs() {
		d := doc.Pairs()
		if subs, has := d["subcommands"]; has {
			all = append(all, grammarsOf(subs)...)
			continue
		}
		all = append(all, grammar{full: name, group: d["group"].Text, args: argumentsOf(d["arguments"])})
	}
	return all
}

func argumentsOf(list resp.Value) (all []argument) {
	for _, v := range list.Elems {
		p := v.Pairs()
		a := argument{name: p["name"].Text, kind: p["type"].Text, token: p["token"].Text, parts: argumentsOf(p["arguments"])}
		for _, f := range p["flags"].Strings() {
			a.optional = a.optional || f == "optional"
			a.multiple = a.multiple || f == "multiple"
			a.everyToken = a.everyToken || f == "multiple_token"
		}
		all = append(all, a)
	}
	return all
}
