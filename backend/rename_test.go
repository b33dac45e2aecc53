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

// Scripts, transactions and rules know the names that clients know; replicas get
// the real ones.
func TestRenamedCommandsElsewhere(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--rename-command", "SET", "Put", "--rename-command", "DEL", "")
	plain := redis(t)
	plain.follows(p)
	p.must("PUT a 1")
	p.must("MULTI")
	p.must("put b 2")
	p.must("EXEC")
	if _, err := ask(t, p.data, "EVAL", "return redis.call('PUT', 'c', 3)", "0"); err != nil {
		t.Error(err)
	}
	for _, script := range []string{"return redis.call('SET', 'c', 4)", "return redis.call('DEL', 'c')"} {
		if _, err := ask(t, p.data, "EVAL", script, "0"); err == nil || !strings.Contains(err.Error(), "Unknown Redis command") {
			t.Errorf("%s: %v", script, err)
		}
	}
	p.must("ACL SETUSER u on nopass ~* +@all -set")
	if v := p.must("ACL DRYRUN u PUT a 1"); !strings.Contains(v.Text, "'set' command") {
		t.Errorf("the rule about the real name says %q", v.Text)
	}
	if list := strings.Join(p.must("COMMAND LIST").Strings(), " ") + " "; strings.Contains(list, " del ") || !strings.Contains(list, " set ") {
		t.Error("a command that is not known is listed, or one that is known is not")
	}
	equal(t, p, plain)
}
