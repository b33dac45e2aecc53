package command

import (
	"slices"
	"strings"
	"testing"
)

// Every command is documented, and nothing else is.
func TestDocumentation(t *testing.T) {
	all := Documentation()
	seen := 0
	check := func(c *Command) {
		seen++
		d := all[c.Full]
		switch {
		case d == nil:
			t.Errorf("%s is not documented", c.Full)
			return
		case d.Since == "" || d.Group == "" || !strings.HasSuffix(d.Summary, "."):
			t.Errorf("%s: %+v", c.Full, d)
		}
		checkArguments(t, c, d.Arguments)
	}
	for _, c := range All {
		check(c)
		for _, sub := range c.Subs {
			check(sub)
		}
	}
	if len(all) != seen {
		t.Errorf("%d commands are documented, %d are known", len(all), seen)
	}
}

func checkArguments(t *testing.T, c *Command, all []*Argument) {
	types := []string{"string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block"}
	flags := []string{"optional", "multiple", "multiple_token"}
	for _, a := range all {
		nested := a.Type == "oneof" || a.Type == "block"
		switch {
		case !slices.Contains(types, a.Type), nested != (len(a.Arguments) > 0), nested == (a.Display != ""),
			a.Type == "pure-token" && a.Token == "", a.KeySpec >= len(c.Specs):
			t.Errorf("%s: argument %+v", c.Full, a)
		}
		for _, f := range a.Flags {
			if !slices.Contains(flags, f) {
				t.Errorf("%s: argument %s has the flag %q", c.Full, a.Name, f)
			}
		}
		checkArguments(t, c, a.Arguments)
	}
}
