package backend_test

import (
	"testing"

	"holdfast/backend/resp"
)

// COMMAND DOCS says the same as redis-server, but for its texts.
func TestCommandDocs(t *testing.T) {
	t.Parallel()
	ours, theirs := begin(t, t.TempDir()), redis(t)
	have, want := docs(ours, "COMMAND DOCS"), docs(theirs, "COMMAND DOCS")
	compared := 0
	for name, d := range want {
		mine := have[name]
		if mine == nil {
			continue
		}
		compared++
		for _, field := range []string{"since", "group", "deprecated_since"} {
			if mine[field].Text != d[field].Text && !(field == "deprecated_since" && d[field].Text == "") { // 7.2 says it of more
				t.Errorf("%s: %s %q, want %q", name, field, mine[field].Text, d[field].Text)
			}
		}
		if len(mine["subcommands"].Elems) > 0 && mine["arguments"].Elems != nil || mine["summary"].Text == "" {
			t.Errorf("%s: %v", name, mine)
		}
	}
	if compared < 150 {
		t.Errorf("only %d commands were compared", compared)
	}
	if one := docs(ours, "COMMAND DOCS nosuch client|list"); len(one) != 1 || one["client|list"]["group"].Text != "connection" {
		t.Errorf("COMMAND DOCS nosuch client|list: %v", one)
	}
	condition := docs(ours, "COMMAND DOCS set")["set"]["arguments"].Elems[2].Pairs()
	if condition["name"].Text != "condition" || condition["type"].Text != "oneof" || len(condition["arguments"].Elems) != 2 ||
		condition["flags"].Strings()[0] != "optional" || condition["since"].Text != "2.6.12" {
		t.Errorf("SET's condition: %v", condition)
	}
}

// docs is a reply of COMMAND DOCS by name and field.
func docs(p *process, line string) map[string]map[string]resp.Value {
	out := make(map[string]map[string]resp.Value)
	for name, d := range p.must(line).Pairs() {
		out[name] = d.Pairs()
	}
	return out
}
