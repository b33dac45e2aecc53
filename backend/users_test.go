package backend_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"holdfast/backend/client"
)

// as is a connection of a user whose password is p.
func (p *process) as(user string) *client.Conn {
	p.t.Helper()
	c := p.dial(p.port)
	if _, err := ask(p.t, c, "AUTH", user, "p"); err != nil {
		p.t.Fatalf("AUTH %s: %v", user, err)
	}
	return c
}

// refused makes sure that a request is, in these words.
func refused(t *testing.T, c *client.Conn, want, line string) {
	t.Helper()
	if v, err := ask(t, c, strings.Fields(line)...); err == nil || err.Error() != want {
		t.Errorf("%s: %v, %v; want %s", line, v.Text, err, want)
	}
}

// cut waits until the node has closed a connection.
func cut(t *testing.T, c *client.Conn) {
	t.Helper()
	await(t, "the connection is closed", func() bool {
		_, err := c.Do(t.Context(), "PING")
		return err != nil && c.Broken() != nil
	})
}

func TestUsersOfTheConfiguration(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"redis.conf": "# ours\nuser alice on >p ~a* ( +get ~b ) +set\nuser default on nopass ~* &* +@all -flushdb\n",
		"node.toml":  "# ours\nuser = [\"alice on >p ~a* (+get ~b) +set\", \"default on nopass ~* &* +@all -flushdb\"]\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			p := beginFile(t, dir, file)
			refused(t, p.data, "NOPERM User default has no permissions to run the 'flushdb' command", "FLUSHDB")
			if _, err := ask(t, p.as("alice"), "SET", "a1", "x"); err != nil {
				t.Error(err)
			}
			p.must(`ACL SETUSER bob on >p ~"q &c`)
			p.must("ACL DELUSER alice")
			p.must("CONFIG REWRITE")
			users := strings.Join(p.must("ACL LIST").Strings(), "\n")
			p.stop()
			again := beginFile(t, dir, file)
			if got := strings.Join(again.must("ACL LIST").Strings(), "\n"); got != users || !strings.Contains(got, `~"q resetchannels &c`) {
				t.Errorf("after the restart:\n%s\nwant\n%s", got, users)
			}
			if now, _ := os.ReadFile(file); !strings.HasPrefix(string(now), "# ours\n") || strings.Contains(string(now), "alice") {
				t.Errorf("the file is now\n%s", now)
			}
			if got := again.must("CONFIG GET user").Strings(); len(got) != 0 {
				t.Errorf("CONFIG GET shows users: %q", got)
			}
		})
	}
}

func TestWrongUsersStopTheStart(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.acl")
	if err := os.WriteFile(bad, []byte("user a +nosuch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string]string{
		"--user a on +nosuch":        "Unknown command or category name in ACL",
		"--user a --user a":          "Duplicate user found",
		"--aclfile " + bad:           "bad.acl:1: Error in applying operation '+nosuch'",
		"--aclfile /nosuch/file.acl": "Error loading ACLs, opening file '/nosuch/file.acl'",
	} {
		if err := run(t, append([]string{"--dir", t.TempDir()}, strings.Fields(flag)...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", flag, err, want)
		}
	}
}

func TestACLFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "users.acl")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("user alice on >p +get ~a\nuser bob on >p +@all\n")
	p := begin(t, dir, "--aclfile", "users.acl")
	alice := p.as("alice")
	p.must("ACL SETUSER carol on >p +ping")
	p.must("ACL SAVE")
	carol := p.as("carol")
	p.must("ACL DELUSER bob")
	p.must("ACL LOAD")
	if got := strings.Join(p.must("ACL USERS").Strings(), " "); got != "alice bob carol default" {
		t.Errorf("what was saved was not read back: %s", got)
	}
	cut(t, alice)
	cut(t, carol)
	write("user alice on\nuser alice off\n")
	_, err := ask(t, p.data, "ACL", "LOAD")
	if err == nil || !strings.HasPrefix(err.Error(), "ERR WARNING: Duplicate user 'alice' found on line 2.") {
		t.Error(err)
	}
	if _, err := ask(t, p.as("alice"), "GET", "a"); err != nil {
		t.Errorf("a file with an error changed a user: %v", err)
	}
	write("user default off +@all ~*\n")
	p.must("ACL LOAD") // who is in stays in
	refused(t, p.dial(p.port), "NOAUTH Authentication required.", "PING")
	p.must("ACL SETUSER default on")
	if _, err := ask(t, p.dial(p.port), "AUTH", "default", "x"); err == nil {
		t.Error("the default user of the file has no password")
	}
}

func TestRulesReachWhoIsConnected(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("ACL SETUSER alice on >p ~* &news* +@all")
	deleted, listener, patterns, blocked, queued := p.as("alice"), p.wire(), p.wire(), p.wire(), p.as("alice")
	listener.command("AUTH alice p", "SUBSCRIBE news:1")
	listener.expect("+OK\r\n*3\r\n$9\r\nsubscribe\r\n$6\r\nnews:1\r\n:1\r\n")
	patterns.command("AUTH alice p", "PSUBSCRIBE news*")
	patterns.expect("+OK\r\n*3\r\n$10\r\npsubscribe\r\n$5\r\nnews*\r\n:1\r\n")
	blocked.command("AUTH alice p", "BLPOP list 0")
	blocked.expect("+OK\r\n")
	p.blocked(1)
	for _, words := range [][]string{{"MULTI"}, {"GET", "a"}, {"SET", "a", "1"}} {
		if _, err := ask(t, queued, words...); err != nil {
			t.Fatal(err)
		}
	}

	p.must("ACL SETUSER alice resetchannels &news:1 -get resetkeys ~a")
	patterns.ended()
	if list := p.must("CLIENT LIST").Text; strings.Contains(list, "psub=1") || !strings.Contains(list, " sub=1 ") || !strings.Contains(list, " user=alice ") {
		t.Errorf("who may not listen is still there, or who may is not:\n%s", list)
	}
	p.must("LPUSH list x")
	blocked.expect("-NOPERM No permissions to access a key\r\n")
	blocked.command("PING")
	blocked.expect("+PONG\r\n")
	v, err := ask(t, queued, "EXEC")
	if err != nil || len(v.Elems) != 2 || v.Elems[1].Err() != nil || v.Elems[0].Err() == nil ||
		!strings.HasSuffix(v.Elems[0].Text, "for the following reason: no permission to execute the command or subcommand") {
		t.Errorf("EXEC: %v, %v", v, err)
	}
	if got := p.must("LLEN list").Int; got != 1 {
		t.Errorf("the refused client took its element: %d are left", got)
	}

	p.must("ACL SETUSER alice resetchannels")
	listener.ended()
	p.must("ACL DELUSER alice")
	cut(t, deleted)
	cut(t, queued)
	if got := p.must("PUBLISH news:1 x").Int; got != 0 {
		t.Errorf("%d clients of a user that is gone still listen", got)
	}
}

func TestDefaultUser(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	w.command("PING") // it is there before anything changes
	w.expect("+PONG\r\n")
	p.must("ACL SETUSER default off")
	w.command("PING")
	w.expect("+PONG\r\n")
	late := p.wire()
	late.command("PING", "AUTH default x", "QUIT")
	late.expect("-NOAUTH Authentication required.\r\n-WRONGPASS invalid username-password pair or user is disabled.\r\n+OK\r\n")
	late = p.wire()
	late.send("*11\r\n")
	late.expect("-ERR Protocol error: unauthenticated multibulk length\r\n")
	waits := p.wire()
	waits.command("PING")
	waits.expect("-NOAUTH Authentication required.\r\n")
	p.must("ACL SETUSER default on")
	waits.command("PING", "HELLO 3") // nobody needs a password now, but it never logged in
	waits.expect("+PONG\r\n-NOAUTH HELLO must be called with the client already authenticated")
	p.must("ACL SETUSER default -@all +acl +ping")
	w.command("PING", "GET a", "AUTH x", "HELLO 3")
	w.expect("+PONG\r\n-NOPERM User default has no permissions to run the 'get' command\r\n-ERR AUTH <password> called without any password configured")
}

func TestClientKillUser(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("ACL SETUSER alice on >p +ping")
	a, b := p.as("alice"), p.as("alice")
	refused(t, p.data, "ERR No such user 'nobody'", "CLIENT KILL USER nobody")
	if got := p.must("CLIENT KILL USER alice").Int; got != 2 {
		t.Errorf("%d clients were closed", got)
	}
	cut(t, a)
	cut(t, b)
}

// Whoever sends orders to a node must be allowed to.
func TestControlPortAsksWho(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--requirepass", "secret", "--user", "default on #"+strings.Repeat("0", 64)+" ~* &* +@all",
		"--user", "sentinel on >p +@holdfast +ping +info", "--user", "alice on >p ~* +@all -@holdfast")
	p.group("NOAUTH", "HELLO 1")
	login := func(user string) {
		t.Helper()
		if _, err := ask(t, p.ctl, "AUTH", user, "p"); err != nil {
			t.Fatal(err)
		}
	}
	login("alice")
	p.group("NOPERM User alice has no permissions to run the 'holdfast' command", "SEAL g 7")
	if _, err := ask(t, p.ctl, "PING"); err != nil {
		t.Error(err)
	}
	login("sentinel")
	p.group("", "HELLO 1")
	p.group("", "SEAL g 7")
	if _, err := ask(t, p.ctl, "SCRIPT", "KILL"); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
		t.Errorf("SCRIPT KILL: %v", err)
	}
	if _, err := ask(t, p.ctl, "AUTH", "sentinel", "x"); err == nil {
		t.Error("a wrong password was taken")
	}
	v, err := ask(t, p.as("alice"), "ACL", "LOG")
	if log := v.Elems; err != nil || len(log) != 1 || log[0].Pairs()["username"].Text != "sentinel" || !strings.HasSuffix(log[0].Pairs()["client-info"].Text, " control-port") {
		t.Errorf("the log: %v, %v", log, err)
	}
}

// A replica needs little: a user that may do no more than replicate serves.
func TestReplicaLogsIn(t *testing.T) {
	t.Parallel()
	m := begin(t, t.TempDir())
	m.must("ACL SETUSER replica on >p +psync +replconf +ping")
	m.must("SET a 1")
	r := begin(t, t.TempDir(), "--masteruser", "replica", "--masterauth", "wrong")
	m.must("CONFIG SET requirepass secret") // our own connection stays in
	r.must("REPLICAOF 127.0.0.1 " + strconv.Itoa(m.port))
	await(t, "the login fails", func() bool { return strings.Contains(logOf(m), "auth") })
	r.must("CONFIG SET masterauth p")
	r.inSync()
	plain := redis(t, "--masteruser", "replica", "--masterauth", "p")
	plain.follows(m)
	equal(t, m, r)
	equal(t, m, plain)
	m.must("ACL DELUSER replica")
	for _, p := range []*process{r, plain} {
		await(t, "who replicates as a deleted user is cut off", func() bool {
			return strings.Contains(p.must("INFO replication").Text, "master_link_status:down")
		})
	}
}

// logOf is the reason of the newest entry of ACL LOG.
func logOf(p *process) string {
	v := p.must("ACL LOG 1")
	if len(v.Elems) == 0 {
		return ""
	}
	return v.Elems[0].Pairs()["reason"].Text
}

// A native link said who it is when it began: what the proxy asks on it later is
// not its client's business, and what the client asks is.
func TestNativeLinkOfALimitedUser(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("ACL SETUSER alice on >p +get ~a")
	alice := p.as("alice")
	refused(t, alice, "NOPERM User alice has no permissions to run the 'holdfast|hello' command", "HOLDFAST HELLO 1 PROXY")
	link := p.dial(p.port)
	for _, line := range []string{"HOLDFAST HELLO 1 PROXY", "AUTH alice p", "HOLDFAST EPOCH", "GET a", "HOLDFAST HELLO 1 PROXY"} {
		link.Send(strings.Fields(line)...)
		v, err := link.Receive(t.Context())
		for v.Kind == '>' { // frames of the link
			v, err = link.Receive(t.Context())
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	refused(t, alice, "NOPERM User alice has no permissions to run the 'holdfast|epoch' command", "HOLDFAST EPOCH")
}

// SORT makes up names of keys, wherever it runs.
func TestSortReadsNoForeignKeys(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("ACL SETUSER alice on >p +@all ~l")
	p.must("RPUSH l 1 2")
	const denied = "GET option of SORT denied due to insufficient ACL permissions."
	alice := p.as("alice")
	refused(t, alice, "ERR "+denied, "SORT l GET secret_*")
	if _, err := ask(t, alice, "EVAL", "return redis.call('SORT', 'l', 'GET', 'secret_*')", "0"); err == nil || !strings.Contains(err.Error(), denied) {
		t.Errorf("in a script: %v", err)
	}
	for _, words := range [][]string{{"MULTI"}, {"EVAL", "return 1", "0"}, {"SORT", "l", "GET", "secret_*"}} {
		if _, err := ask(t, alice, words...); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := ask(t, alice, "EXEC"); err != nil || len(v.Elems) != 2 || v.Elems[1].Text != "ERR "+denied {
		t.Errorf("in a transaction: %v, %v", v, err)
	}
}
