package acl

import (
	"strings"
	"testing"

	"holdfast/backend/command"
)

// ask checks one request in words.
func ask(t testing.TB, u *User, line string) (Denial, *command.Command, [][]byte) {
	t.Helper()
	var args [][]byte
	for _, w := range strings.Split(line, " ") {
		args = append(args, []byte(w))
	}
	c := command.Find(args)
	if c == nil || !c.ArityOK(len(args)) {
		t.Fatalf("%s: no such request", line)
	}
	return u.Check(c, args), c, args
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ rules, line, want string }{
		{"+@all ~* &*", "FLUSHALL", ""},
		{"", "GET a", "get command"},
		{"", "AUTH x", ""},
		{"+get", "GET a", "'a' key"},
		{"+get ~a*", "GET abc", ""},
		{"+get ~a*", "GET bc", "'bc' key"},
		{"+@all ~a ~b", "MGET a b c d", "'c' key"},
		{"+@all -config ~*", "CONFIG GET x", "config|get command"},
		{"+@all -config +config|get", "CONFIG GET x", ""},
		{"+@all -config|set", "CONFIG SET a b", "config|set command"},
		{"+@all -client|kill", "CLIENT ID", ""},
		{"+@stream ~*", "XINFO STREAM k", ""},
		{"+select|0 +select|1", "SELECT 1", ""},
		{"+select|0", "SELECT 1", "select command"},
		{"+select|a", "SELECT A", ""},
		{"+select|0 -select", "SELECT 0", "select command"},
		{"+select|0 +@all -@all", "SELECT 0", "select command"},
		{"+@all -ping +ping ~* &*", "PING", ""},
		// What a command does with a key decides.
		{"+@all %R~r %W~w", "GET r", ""},
		{"+@all %R~r %W~w", "GET w", "'w' key"},
		{"+@all %R~r %W~w", "SET w 1", ""},
		{"+@all %R~r %W~w", "SET w 1 GET", "'w' key"},
		{"+@all %R~r %W~w", "SET r 1", "'r' key"},
		{"+@all %R~r %W~w", "EXISTS r w", ""},
		{"+@all %R~r %W~w", "EXISTS x", "'x' key"},
		{"+@all %R~r %W~w", "COPY r w", ""},
		{"+@all %R~r %W~w", "COPY w r", "'w' key"},
		{"+@all %R~r %W~w", "BITFIELD r GET u4 0", ""},
		{"+@all %R~r %W~w", "BITFIELD r GET u4 0 SET u4 0 1", "'r' key"},
		{"+@all %R~r %W~w", "SORT r STORE w", ""},
		{"+@all %R~r %W~w", "SORT r STORE r", "'r' key"},
		{"+@all %R~r %W~w %RW~rw", "MIGRATE h p rw 0 1", ""},
		{"+@all %R~r %W~w %RW~rw", "MIGRATE h p  0 1 AUTH KEYS KEYS rw", ""},
		{"+@all %R~r %W~w %RW~rw", "MIGRATE h p  0 1 AUTH KEYS KEYS r", "'r' key"},
		{"+@all %R~r %W~w", "EVAL x 0 z", ""},
		{"+@all %R~r %W~w", "EVAL x 3 z z", ""},
		{"+@all %R~r", "EVAL_RO x 1 r", ""},
		{"+@all %R~r", "EVAL x 1 r", "'r' key"},
		{"+@all %R~r %W~w", "GEORADIUS r 0 0 1 m STOREDIST w", ""},
		{"+@all %R~r %W~w", "GEORADIUS r 0 0 1 m STORE r", "'r' key"},
		{"+@all %R~r %W~w", "XREAD STREAMS r w 0 0", "'w' key"},
		// Selectors do not add up.
		{"(+get ~a) (+set ~b)", "GET a", ""},
		{"(+get ~a) (+set ~b)", "SET b 1", ""},
		{"(+get ~a) (+set ~b)", "GET b", "'b' key"},
		{"(+get ~a) (+set ~b)", "DEL a", "del command"},
		{"(%R~r +@all) (%W~w +@all)", "COPY r w", "'w' key"},
		{"+mget ~a (+mget ~a ~b)", "MGET a b c", "'c' key"},
		// Channels.
		{"+@all &a &b*", "PUBLISH bc x", ""},
		{"+@all &a &b*", "PUBLISH c x", "'c' channel"},
		{"+@all &a &b*", "SUBSCRIBE a b c", "'c' channel"},
		{"+@all &a &b*", "SSUBSCRIBE c", "'c' channel"},
		{"+@all &a &b*", "SPUBLISH a x", ""},
		{"+@all &a &b*", "PSUBSCRIBE b*", ""},
		{"+@all &a &b*", "PSUBSCRIBE bc*", "'bc*' channel"},
		{"+@all &a", "UNSUBSCRIBE z", ""},
		{"+@all &a", "SUNSUBSCRIBE z", ""},
	} {
		u := given(t, NewUsers(), c.rules)
		d, cmd, args := ask(t, u, c.line)
		text := d.FullText(u, cmd, args)
		want := "User u has no permissions to access the " + c.want
		if name, ok := strings.CutSuffix(c.want, " command"); ok {
			want = "User u has no permissions to run the '" + name + "' command"
		}
		if d.OK() != (c.want == "") || !d.OK() && text != want {
			t.Errorf("%s: %s: %v %q", c.rules, c.line, d, text)
		}
		if !d.OK() && d.Reason != DeniedCommand && strings.Contains(d.Text(u, cmd), string(args[d.Arg])+"'") {
			t.Errorf("%s: %s: tells the %v to who may not know it", c.rules, c.line, d.Reason)
		}
	}
}

func TestUnrestricted(t *testing.T) {
	var server *User
	if !server.Unrestricted() || !server.MayHear("x", true) || server.Name() != "" {
		t.Error("the server itself may do everything")
	}
	for rules, want := range map[string]bool{
		"+@all ~* &*": true, "+@all ~*": false, "+@all &*": false, "~* &* +@all -ping": false, "~* &* +@all -ping +ping": true,
		"(+@all ~* &*)": true, "(+@all ~*) (&*)": false, "+@read (+@all ~* &*)": true,
	} {
		if u := given(t, NewUsers(), rules); u.Unrestricted() != want {
			t.Errorf("%s: %v", rules, !want)
		}
	}
}

func TestMayReadAny(t *testing.T) {
	for rules, want := range map[string]bool{
		"+sort ~l": false, "+sort ~l ~v*": false, "+sort ~l %W~*": false, "+sort ~l %R~*": true, "+sort ~*": true,
		"(+sort ~l) (+get ~*)": false, "(+get) (+sort ~*)": true,
	} {
		u := given(t, NewUsers(), rules)
		_, c, args := ask(t, u, "SORT l BY v*")
		if u.MayReadAny(c, args) != want {
			t.Errorf("%s: %v", rules, !want)
		}
	}
}

// A session sees a change at once, and nothing is left of a user that is gone.
func TestHeldUsersChange(t *testing.T) {
	users := NewUsers()
	u := given(t, users, "on +@all ~* &* >a")
	given(t, users, "-get")
	if d, _, _ := ask(t, u, "GET a"); d.Reason != DeniedCommand {
		t.Error(d)
	}
	if users.Delete("u") != u || users.Find("u") != nil || users.Delete("u") != nil {
		t.Error("not deleted")
	}
	if d, _, _ := ask(t, u, "PING"); d.OK() || u.Unrestricted() || u.MayHear("x", false) || u.Enabled() {
		t.Error("a deleted user may still do something")
	}
	if users.Delete(DefaultName) != nil || !users.Default().Unrestricted() {
		t.Error("the default user was deleted")
	}
}

func TestCheckDoesNotAllocate(t *testing.T) {
	users := NewUsers()
	for _, rules := range []string{"+@all ~* &*", "+@all ~k* -config", "+get %R~k* (+set ~k*) (+publish &k*)"} {
		u := given(t, users, "reset "+rules)
		for _, line := range []string{"GET key", "SET key v", "PUBLISH key v"} {
			_, c, args := ask(t, u, line)
			if n := testing.AllocsPerRun(100, func() { u.Check(c, args) }); n != 0 {
				t.Errorf("%s: %s: %v allocations", rules, line, n)
			}
		}
	}
}
