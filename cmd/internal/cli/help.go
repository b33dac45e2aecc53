package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"holdfast/backend/resp"
)

// help is what a server says about its commands (COMMAND DOCS).
type help struct {
	commands map[string]*doc // by name, lower case; subcommands as "config get"
	names    []string        // sorted
}

// doc is one command's.
type doc struct {
	name, summary, since, group string
	args                        []arg
}

// arg is one argument of a command, or several as one.
type arg struct {
	text     string // as the syntax shows it, without the brackets
	token    string // the word it begins with, lower case; "": none
	optional bool
	multiple bool
}

// loadHelp asks the server. One that has no COMMAND DOCS leaves a prompt without
// completion.
func (c *Client) loadHelp(ctx context.Context) *help {
	h := &help{commands: make(map[string]*doc)}
	if c.conn == nil {
		return h
	}
	v, err := c.conn.Do(ctx, "COMMAND", "DOCS")
	if err == nil {
		h.add(v)
	}
	h.names = slices.Sorted(func(yield func(string) bool) {
		for name := range h.commands {
			if !yield(name) {
				return
			}
		}
	})
	return h
}

func (h *help) add(v resp.Value) {
	for name, about := range v.Pairs() {
		facts := about.Pairs()
		d := &doc{name: strings.ToLower(strings.ReplaceAll(name, "|", " ")), summary: facts["summary"].Text,
			since: facts["since"].Text, group: facts["group"].Text}
		for _, a := range facts["arguments"].Elems {
			d.args = append(d.args, parseArg(a))
		}
		h.commands[d.name] = d
		h.add(facts["subcommands"])
	}
}

func parseArg(v resp.Value) arg {
	facts := v.Pairs()
	name := facts["name"].Text
	if shown := facts["display_text"].Text; shown != "" {
		name = shown
	}
	var inner []string
	for _, e := range facts["arguments"].Elems {
		a := parseArg(e)
		inner = append(inner, a.shown())
	}
	flags := facts["flags"].Strings()
	token := facts["token"].Text
	text := name
	switch facts["type"].Text {
	case "pure-token":
		text = ""
	case "oneof":
		text = strings.Join(inner, "|")
		if token != "" && len(inner) > 1 {
			text = "<" + text + ">"
		}
	case "block":
		text = strings.Join(inner, " ")
	}
	a := arg{optional: slices.Contains(flags, "optional"), multiple: slices.Contains(flags, "multiple"), token: strings.ToLower(token)}
	whole := strings.TrimSpace(token + " " + text)
	switch {
	case slices.Contains(flags, "multiple_token"):
		text = whole + " [" + whole + " ...]"
	case a.multiple:
		text = strings.TrimSpace(token + " " + text + " [" + text + " ...]")
	default:
		text = whole
	}
	a.text = text
	return a
}

func (a *arg) shown() string {
	if a.optional {
		return "[" + a.text + "]"
	}
	return a.text
}

// find is the command that words begin with, and how many of them name it.
func (h *help) find(words []string) (d *doc, length int) {
	for length = min(2, len(words)); length > 0; length-- {
		if d = h.commands[strings.ToLower(strings.Join(words[:length], " "))]; d != nil {
			return d, length
		}
	}
	return nil, 0
}

// rest is the syntax of what may still follow the words behind the name.
func (d *doc) rest(typed []string) string {
	given := make(map[string]bool)
	for _, word := range typed {
		given[strings.ToLower(word)] = true
	}
	left := len(typed)
	var out []string
	for i := range d.args {
		a := &d.args[i]
		switch {
		case a.token != "" && given[a.token] && !a.multiple:
		case !a.optional && left > 0:
			left--
			if a.multiple {
				left = 0
				out = append(out, "["+a.text+"]")
			}
		default:
			out = append(out, a.shown())
		}
	}
	return strings.Join(out, " ")
}

// Do implements readline.AutoCompleter for names of commands.
func (h *help) Do(line []rune, pos int) (rest [][]rune, length int) {
	typed := string(line[:pos])
	for _, name := range h.names {
		if len(typed) > 0 && strings.HasPrefix(name, strings.ToLower(typed)) {
			tail := name[len(typed):]
			if typed == strings.ToUpper(typed) {
				tail = strings.ToUpper(tail)
			}
			rest = append(rest, []rune(tail+" "))
		}
	}
	return rest, len([]rune(typed))
}

// show prints what is known about a command, or how to ask.
func (h *help) show(w io.Writer, words []string) {
	if len(words) == 0 {
		fmt.Fprintln(w, "help COMMAND tells about a command; Tab completes its name. connect HOST PORT, clear, and quit are the prompt's own.")
		return
	}
	if group, isGroup := strings.CutPrefix(words[0], "@"); isGroup {
		for _, name := range h.names {
			if d := h.commands[name]; d.group == group {
				h.show(w, strings.Fields(name))
			}
		}
		return
	}
	d, _ := h.find(words)
	if d == nil {
		fmt.Fprintf(w, "No help about %s.\n", strings.Join(words, " "))
		return
	}
	fmt.Fprintf(w, "\n  \x1b[1m%s\x1b[0m \x1b[90m%s\x1b[0m\n  summary: %s\n  since: %s\n  group: %s\n\n",
		strings.ToUpper(d.name), d.rest(nil), d.summary, d.since, d.group)
}
