package acl

import (
	"strings"
	"testing"
)

// given returns a user with rules; they must be right.
func given(t testing.TB, users *Users, rules string) *User {
	t.Helper()
	u, err := users.Set("u", strings.Fields(rules))
	if err != nil {
		t.Fatalf("%s: %v", rules, err)
	}
	return u
}

func TestRulesAreDescribed(t *testing.T) {
	for rules, want := range map[string]string{
		"":   "off sanitize-payload resetchannels -@all",
		"on": "on sanitize-payload resetchannels -@all",
		"on nopass allkeys allchannels allcommands": "on nopass sanitize-payload ~* &* +@all",
		">a #" + hash("b") + " >a <b":               "off sanitize-payload #" + hash("a") + " resetchannels -@all",
		"nopass >a":                                 "off sanitize-payload #" + hash("a") + " resetchannels -@all",
		">a nopass":                                 "off nopass sanitize-payload resetchannels -@all",
		"nopass resetpass":                          "off sanitize-payload resetchannels -@all",
		"skip-sanitize-payload":                     "off skip-sanitize-payload resetchannels -@all",
		"~a ~b ~a %R~c %W~c %rw~d %r~e":             "off sanitize-payload ~a ~b ~c ~d %R~e resetchannels -@all",
		"%R %W ~x":                                  "off sanitize-payload ~ ~x resetchannels -@all",
		"%R":                                        "off sanitize-payload %R~ resetchannels -@all",
		"~a allkeys resetkeys %W~b":                 "off sanitize-payload %W~b resetchannels -@all",
		"&a &b &a":                                  "off sanitize-payload resetchannels &a &b -@all",
		"+@all -@hash -@slow +hget":                 "off sanitize-payload resetchannels +@all -@hash -@slow +hget",
		"+@all -@hash +hget -@hash":                 "off sanitize-payload resetchannels +@all +hget -@hash",
		"-@all +@HASH +@hash":                       "off sanitize-payload resetchannels -@all +@hash",
		"+client|list +config|get +config +acl|list -acl":          "off sanitize-payload resetchannels -@all +client|list +config -acl",
		"+select|0 +select|0 +debug|segfault +debug":               "off sanitize-payload resetchannels -@all +select|0 +debug",
		"+config +config|get -config|set +config":                  "off sanitize-payload resetchannels -@all +config",
		"+get (~x +set) ( ~y +del ) ()":                            "off sanitize-payload resetchannels -@all +get (~x resetchannels -@all +set) (~y resetchannels -@all +del) (resetchannels -@all)",
		"+get (~x) clearselectors":                                 "off sanitize-payload resetchannels -@all +get",
		"on nopass +@all ~* &* (+get) skip-sanitize-payload reset": "off sanitize-payload resetchannels -@all",
	} {
		users := NewUsers()
		u := given(t, users, rules)
		if got := u.Rules(); got != want {
			t.Errorf("%s:\n got %s\nwant %s", rules, got, want)
		}
		before := u.Rules()
		if again := given(t, users, "reset "+before); again != u || again.Rules() != before {
			t.Errorf("%s: reads back as %s", before, again.Rules())
		}
	}
}

func TestWrongRulesChangeNothing(t *testing.T) {
	for rules, want := range map[string]string{
		"blob":                        "Error in ACL SETUSER modifier 'blob': Syntax error",
		"+nosuch":                     "Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL",
		"-@nosuch":                    "Error in ACL SETUSER modifier '-@nosuch': Unknown command or category name in ACL",
		"+config|no":                  "Error in ACL SETUSER modifier '+config|no': Unknown command or category name in ACL",
		"-get|a":                      "Error in ACL SETUSER modifier '-get|a': Unknown command or category name in ACL",
		"+get|a|b":                    "Error in ACL SETUSER modifier '+get|a|b': Unknown command or category name in ACL",
		"+select|":                    "Error in ACL SETUSER modifier '+select|': Syntax error",
		"+":                           "Error in ACL SETUSER modifier '+': Unknown command or category name in ACL",
		"+|x":                         "Error in ACL SETUSER modifier '+|x': Unknown command or category name in ACL",
		"%~a":                         "Error in ACL SETUSER modifier '%~a': Syntax error",
		"%RR~a":                       "Error in ACL SETUSER modifier '%RR~a': Syntax error",
		"%X~a":                        "Error in ACL SETUSER modifier '%X~a': Syntax error",
		"%":                           "Error in ACL SETUSER modifier '%': Syntax error",
		"<a":                          "Error in ACL SETUSER modifier '<a': The password you are trying to remove from the user does not exist",
		"#1234":                       "Error in ACL SETUSER modifier '#1234': The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters",
		"!" + strings.Repeat("A", 64): "Error in ACL SETUSER modifier '!" + strings.Repeat("A", 64) + "': The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters",
		"(+get (+set":                 "Unmatched parenthesis in acl selector starting at '(+get'.",
		"(nosuch)":                    "Error in ACL SETUSER modifier '(nosuch)': Syntax error",
		"(on)":                        "Error in ACL SETUSER modifier '(on)': Syntax error",
		"(~a) +get)":                  "Error in ACL SETUSER modifier '+get)': Unknown command or category name in ACL",
		"(+get ~a))":                  "Error in ACL SETUSER modifier '(+get ~a))': Syntax error",
		")":                           "Error in ACL SETUSER modifier ')': Syntax error",
		"allkeys ~a":                  "Error in ACL SETUSER modifier '~a': " + errAfterAll.Error(),
		"allchannels &a":              "Error in ACL SETUSER modifier '&a': " + errAfterChannels.Error(),
		"+config|get|x":               "Error in ACL SETUSER modifier '+config|get|x': Allowing first-arg of a subcommand is not supported",
	} {
		users := NewUsers()
		u := given(t, users, "on >secret +get ~k")
		before := u.Rules()
		_, err := users.Set("u", strings.Fields("off +set ~z "+rules))
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", rules, err, want)
		}
		if u.Rules() != before {
			t.Errorf("%s: changed to %s", rules, u.Rules())
		}
		if _, err := users.Set("new", strings.Fields(rules)); err == nil || users.Find("new") != nil {
			t.Errorf("%s: made a user", rules)
		}
	}
	if _, err := NewUsers().Set("a b", nil); err != ErrName {
		t.Error(err)
	}
	if _, err := NewUsers().Set("u", []string{"~a b"}); err == nil {
		t.Error("a pattern with a blank would not be read back")
	}
}

func TestFirstArgumentsAreDeprecated(t *testing.T) {
	users := NewUsers()
	var told []string
	users.Warn = func(text string) { told = append(told, text) }
	given(t, users, "+select|0")
	if len(told) != 1 || !strings.HasPrefix(told[0], "Deprecation warning: ") || !strings.Contains(told[0], "(offender: +select|0)") {
		t.Errorf("%q", told)
	}
}

func TestNewUsersFollowPubSubDefault(t *testing.T) {
	users := NewUsers()
	old := given(t, users, "")
	users.OpenChannels(true)
	open, _ := users.Set("open", []string{"(+get)"})
	if !strings.Contains(open.Rules(), "&* -@all (&* ") {
		t.Error(open.Rules())
	}
	if strings.Contains(old.Rules(), "&*") {
		t.Error("a user that was there has changed")
	}
	users.OpenChannels(false)
	if _, err := users.Set("open", []string{"reset"}); err != nil || open.MayHear("x", false) {
		t.Error("reset is not what a new user is")
	}
}

// Whatever rules are understood, what is printed of them must be understood again
// and mean the same.
func FuzzRules(f *testing.F) {
	for _, seed := range []string{
		"on >a ~* &* +@all", "+select|0 +select|1 -select +debug|a", "(%R~a* +get &c) (-@all +@read)", "reset ( +set ) +@all -@dangerous",
		"%RW~x ~y resetkeys ~[a-z]\\* &\"q", "+@all -config|set +config|get -@admin +acl", "((", "nopass #0 !1 <2", "\x00 ~\xff +GET|\xfe",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		users := NewUsers()
		if _, err := users.Load("f", "user u "+line); err == nil && users.Find("u") == nil {
			t.Fatalf("the line of u was taken and made no u: %q", line)
		}
		users = NewUsers()
		u, err := users.Set("u", strings.Split(line, " "))
		if err != nil {
			return
		}
		text := u.Rules()
		same, err := users.Set("same", strings.Split(text, " "))
		if err != nil || same.Rules() != text {
			t.Fatalf("%q becomes %q, and then %v", line, text, err)
		}
		a, b := u.now.Load(), same.now.Load()
		for i := range a.selectors {
			if string(bits(a.selectors[i].commands)) != string(bits(b.selectors[i].commands)) {
				t.Fatalf("%q: selector %d allows other commands when it is read back", text, i)
			}
		}
		file := users.File()
		if _, err := users.Load("f", file); err != nil || users.File() != file {
			t.Fatalf("the file %q is not read back: %v", file, err)
		}
	})
}

func bits(s commandSet) (out []byte) {
	for _, w := range s {
		for i := range 8 {
			out = append(out, byte(w>>(8*i)))
		}
	}
	return out
}
