package backend_test

import (
	"strings"
	"testing"
)

func TestRenamedCommands(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--rename-command", "FLUSHALL", "", "--rename-command", "config", "Hidden", "--rename-command", "NOSUCH", "x")
	for line, want := range map[string]string{
		"FLUSHALL":          "ERR unknown command 'FLUSHALL'",
		"CONFIG GET port":   "ERR unknown command 'CONFIG'",
		"hidden SET port x": "ERR CONFIG SET failed",
	} {
		if _, err := ask(t, p.data, strings.Fields(line)...); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
	if got := p.must("HIDDEN GET maxclients").Strings(); len(got) != 2 {
		t.Errorf("the command does not go by its new name: %v", got)
	}
	p.must("FLUSHDB")
}
