package acl

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestLogin(t *testing.T) {
	users := NewUsers()
	in := func(name, password string) bool { return users.Login([]byte(name), []byte(password)) != nil }
	if !in("default", "whatever") || !users.Open() || in("nobody", "") {
		t.Error("a new server has one user without a password")
	}
	users.SetPassword("secret")
	if in("default", "") || !in("default", "secret") || users.Open() {
		t.Error("requirepass")
	}
	users.SetPassword("other")
	if in("default", "secret") || !in("default", "other") {
		t.Error("requirepass leaves the old password")
	}
	users.SetPassword("")
	if !users.Open() {
		t.Error("no password is asked for any more")
	}
	u := given(t, users, ">a >b\x00c")
	if in("u", "a") {
		t.Error("a user begins switched off")
	}
	given(t, users, "on")
	if !in("u", "a") || !in("u", "b\x00c") || in("u", "b") || in("u", "") {
		t.Error("only its passwords are a user's")
	}
	given(t, users, "<a")
	if in("u", "a") {
		t.Error("a removed password is accepted")
	}
	if got := strings.Join(u.Passwords(), " "); got != hash("b\x00c") {
		t.Error(got)
	}
	given(t, users, "nopass")
	if !in("u", "zzz") {
		t.Error("nopass")
	}
	if _, err := users.Set(DefaultName, []string{"off"}); err != nil || users.Open() || in("default", "") {
		t.Error("the default user can be switched off")
	}
}

func TestGenPass(t *testing.T) {
	for bits, digits := range map[int]int{1: 1, 4: 1, 5: 2, GenPassDefault: 64, GenPassBits: 1024} {
		a, b := GenPass(bits), GenPass(bits)
		if len(a) != digits || strings.Trim(a, "0123456789abcdef") != "" {
			t.Errorf("%d bits: %q", bits, a)
		}
		if bits > 64 && a == b {
			t.Error("the same twice")
		}
	}
}

func TestDeclare(t *testing.T) {
	lines := func(text string) (all [][]string) {
		for _, line := range strings.Split(text, ";") {
			all = append(all, strings.Fields(line))
		}
		return all
	}
	users := NewUsers()
	if err := users.Declare(lines("alice on >p ~a (+get ~b);default on nopass ~* +@all -flushdb")); err != nil {
		t.Fatal(err)
	}
	if got := users.File(); got != "user alice on sanitize-payload #"+hash("p")+" ~a resetchannels -@all (~b resetchannels -@all +get)\n"+
		"user default on nopass sanitize-payload ~* resetchannels +@all -flushdb\n" {
		t.Error(got)
	}
	for text, want := range map[string]string{
		"foo on;foo off":  "Error in user declaration 'foo': Duplicate user found. A user can only be defined once in config files",
		"default;default": "Error in user declaration 'default': Duplicate user found. A user can only be defined once in config files",
		"foo +nosuch":     "Error in user declaration '+nosuch': Unknown command or category name in ACL",
		"foo on (+get ~x": "Error in user declaration '(+get': Unmatched parenthesis in selector definition.",
	} {
		if err := NewUsers().Declare(lines(text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestLoad(t *testing.T) {
	users := NewUsers()
	given(t, users, "on")
	first := users.Default()
	before, err := users.Load("f.acl", "\n  user alice on nopass ~* +@all\r\nuser  \n")
	if err == nil || before != nil || users.Find("u") == nil {
		t.Error("a file with an error was taken", err)
	}
	before, err = users.Load("f.acl", "\n  user alice on nopass ~* +@all\r\nuser bob on (+get ~x) ~y  +set")
	if err != nil || len(before) != 1 || before[0].Name() != "u" || users.Find("u") != nil {
		t.Fatal(before, err)
	}
	if users.Default() != first || !first.Unrestricted() || len(users.All()) != 3 {
		t.Error(users.File())
	}
	if before, err := users.Load("f.acl", "user default off"); err != nil || len(before) != 2 || users.Default() != first || first.Enabled() {
		t.Error("the file tells what the default user is", err)
	}
	const tail = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
	for text, want := range map[string]string{
		"user a on\nuser a off":         "WARNING: Duplicate user 'a' found on line 2. ",
		"User a on":                     "f:1 should start with user keyword followed by the username. ",
		"user":                          "f:1 should start with user keyword followed by the username. ",
		"\nuser a\tb on":                "'f:2: username 'a\tb' contains invalid characters. ",
		"user a (+get":                  "f:1: Unmatched parenthesis in selector definition.",
		"user a +no -no2":               "f:1: Error in applying operation '+no': Unknown command or category name in ACL. f:1: Error in applying operation '-no2': Unknown command or category name in ACL. ",
		"user a #secret blob\nuser b x": "f:1: The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters. f:2: Syntax error. ",
	} {
		if _, err := users.Load("f", text); err == nil || err.Error() != want+tail {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// While a file is loaded nobody may be let in whom neither the old rules nor the
// new ones let in: those who ask do not wait for the end of it.
func TestLoadLetsNobodyInMeanwhile(t *testing.T) {
	users := NewUsers()
	const closed = "user default on >secret ~* &* +@all"
	if _, err := users.Load("f", closed); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for range 2000 {
			_, _ = users.Load("f", closed)
		}
	}()
	for {
		select {
		case <-over:
			return
		default:
			if users.Open() {
				t.Fatal("open to everybody while a file is loaded")
			}
		}
	}
}

func TestChanged(t *testing.T) {
	users := NewUsers()
	if users.Changed() {
		t.Error("a new server")
	}
	users.SetPassword("x")
	if users.Changed() {
		t.Error("a password alone is requirepass's")
	}
	if _, err := users.Set(DefaultName, []string{"-flushall"}); err != nil || !users.Changed() {
		t.Error("another default user")
	}
}

func TestLog(t *testing.T) {
	var l Log
	add := func(reason Reason, object string, at int64) {
		l.Add(Entry{Reason: reason, Object: object, User: "u", Client: fmt.Sprint("at ", at), Created: at}, 12)
	}
	add(DeniedKey, "k", 1000)
	add(DeniedKey, "k", 2000)
	add(DeniedCommand, "get", 3000)
	add(DeniedKey, "k", 4000)
	all := l.Newest(10)
	if len(all) != 2 || all[0].Count != 3 || all[0].ID != 0 || all[0].Created != 1000 || all[0].Updated != 4000 || all[0].Client != "at 4000" || all[1].ID != 1 {
		t.Errorf("%+v", all)
	}
	add(DeniedKey, "k", 4001+sameWithin)
	if all := l.Newest(1); all[0].Count != 1 || all[0].ID != 2 {
		t.Errorf("too late to be the same: %+v", all)
	}
	for i := range 20 {
		add(DeniedAuth, fmt.Sprint(i), 70000)
	}
	if all := l.Newest(100); len(all) != 12 || all[0].Object != "19" || all[11].Object != "8" {
		t.Errorf("%d entries are kept", len(all))
	}
	add(DeniedAuth, "8", 70000) // the twelfth is not looked at
	if all := l.Newest(1); all[0].Count != 1 {
		t.Errorf("%+v", all)
	}
	add(DeniedKey, strings.Repeat("k", 1<<20), 75000)
	if all := l.Newest(1); len(all[0].Object) != mostText {
		t.Errorf("%d bytes of a key are kept", len(all[0].Object))
	}
	l.Reset()
	add(DeniedKey, "k", 80000)
	if all := l.Newest(5); len(all) != 1 || all[0].ID < 20 {
		t.Errorf("IDs must go on: %+v", all)
	}
	if len(l.Newest(-1)) != 0 {
		t.Error("a negative number of entries")
	}
}

func TestUsersAreSafeForConcurrentUse(t *testing.T) {
	users := NewUsers()
	u := given(t, users, "on +get ~k")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 100 {
				switch i {
				case 0:
					users.Set("u", []string{"reset", "on", "+get", "~k"})
				case 1:
					users.Set("v", []string{"on"})
					users.Delete("v")
				case 2:
					users.Login([]byte("u"), []byte("x"))
					users.All()
				default:
					if d, _, _ := ask(t, u, "GET other"); d.OK() {
						t.Error("half of a change was seen")
					}
				}
			}
		})
	}
	wg.Wait()
}
