package backend_test

import (
	"strings"
	"testing"
)

// What there is not is refused in the words of a Redis that has it switched off.
func TestAbsent(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		for line, want := range map[string]string{
			"CLUSTER INFO":         "ERR This instance has cluster support disabled",
			"CLUSTER NODES":        "ERR This instance has cluster support disabled",
			"READONLY":             "ERR This instance has cluster support disabled",
			"ASKING":               "ERR This instance has cluster support disabled",
			"MODULE LOAD x":        "ERR MODULE command not allowed.",
			"COMMAND NOSUCH":       "ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP.",
			"CLIENT PAUSE 1 NEVER": "ERR CLIENT PAUSE mode must be WRITE or ALL",
		} {
			got, err := ask(t, p.data, strings.Fields(line)...)
			text := got.Text
			if err != nil {
				text = err.Error()
			}
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q, want %q", line, text, want)
			}
		}
		if got := p.must("MODULE LIST").Elems; len(got) != 0 {
			t.Errorf("modules: %v", got)
		}
	})
}
