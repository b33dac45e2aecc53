package conf

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// write makes a file in the working directory, which is the test's own, so that messages name it as the tests do.
func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// loadText loads a file with that text.
func loadText[C Config](t *testing.T, name, text string, flags ...string) *C {
	t.Helper()
	s, err := Load[C](write(t, name, text), flags)
	if err != nil {
		t.Fatal(err)
	}
	return s.Config()
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s = %#v, want %#v", what, got, want)
	}
}

func TestNodeFromTOML(t *testing.T) {
	t.Chdir(t.TempDir())
	c := loadText[NodeConfig](t, "node.toml", `
bind = ["0.0.0.0", "-::"]   # everywhere
port = 7001
appendonly = true
appendfsync = "always"
managed = false
maxmemory = "1gb"
save = ""
write-acks-timeout = 2500
repl-timeout = 5
unixsocketperm = 0o770
latency-tracking-info-percentiles = [50, 99.9]
rename-command = ['CONFIG ""', "DEBUG debug2"]
user = ["alice on >secret ~* +@all", "bob off"]
client-output-buffer-limit = ["pubsub 1mb 1mb 10"]
`)
	equal(t, "bind", c.Bind, []string{"0.0.0.0", "-::"})
	equal(t, "port", c.Port, 7001)
	equal(t, "control port", c.EffectiveControlPort(), 17001)
	equal(t, "appendonly", c.AppendOnly, true)
	equal(t, "appendfsync", c.AppendFsync, "always")
	equal(t, "managed", c.Managed, "no")
	equal(t, "maxmemory", c.MaxMemory, int64(1<<30))
	equal(t, "save", len(c.Save), 0)
	equal(t, "write-acks-timeout", c.WriteAcksTimeout, 2500*time.Millisecond)
	equal(t, "repl-timeout", c.ReplTimeout, 5*time.Second)
	equal(t, "unixsocketperm", c.UnixPerm, 0o770)
	equal(t, "percentiles", c.LatencyPercentiles, []float64{50, 99.9})
	equal(t, "rename-command", c.RenameCommands, []Rename{{"CONFIG", ""}, {"DEBUG", "debug2"}})
	equal(t, "user", c.Users, []string{"alice on >secret ~* +@all", "bob off"})
	equal(t, "limits", c.OutputLimits.PubSub, OutputLimit{1 << 20, 1 << 20, 10 * time.Second})
	equal(t, "limits kept", c.OutputLimits.Replica.Hard, int64(256<<20))
	equal(t, "default", c.TCPKeepalive, 300*time.Second)
}

func TestNodeFromRedisConf(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "extra-a.conf", "maxclients 77\r\n")
	c := loadText[NodeConfig](t, "redis.conf", `# The classical file.
bind 0.0.0.0
PORT 6379
slaveof 10.0.0.11 6379
save 900 1
save 300 10 60 10000
requirepass "a \x41 b"
rename-command FLUSHALL ""
rename-command CONFIG 'hidden'
user alice on ~* +@all
user bob off
client-output-buffer-limit normal 1 2 3
client-output-buffer-limit replica 4 5 6
include extra-*.conf
include none-*.conf
latency-tracking-info-percentiles ""
`)
	equal(t, "bind", c.Bind, []string{"0.0.0.0"})
	equal(t, "replicaof", c.ReplicaOf, "10.0.0.11:6379")
	equal(t, "save", c.Save, []SavePoint{{15 * time.Minute, 1}, {5 * time.Minute, 10}, {time.Minute, 10000}})
	equal(t, "requirepass", c.RequirePass, "a A b")
	equal(t, "rename", c.RenameCommands, []Rename{{"FLUSHALL", ""}, {"CONFIG", "hidden"}})
	equal(t, "user", c.Users, []string{"alice on ~* +@all", "bob off"})
	equal(t, "normal", c.OutputLimits.Normal, OutputLimit{1, 2, 3 * time.Second})
	equal(t, "replica", c.OutputLimits.Replica, OutputLimit{4, 5, 6 * time.Second})
	equal(t, "pubsub", c.OutputLimits.PubSub.Hard, int64(32<<20))
	equal(t, "maxclients", c.MaxClients, 77)
	equal(t, "percentiles", len(c.LatencyPercentiles), 0)
}

func TestFlagsReplaceTheFile(t *testing.T) {
	t.Chdir(t.TempDir())
	c := loadText[NodeConfig](t, "redis.conf", "port 1\nsave 1 1\nsave 2 2\nsave \"\"\nsave 3 3\n",
		"--port", "2", "--PORT", "3", "--replicaof", "10.0.0.1 6379", "--save", "60 5", "--loglevel", "debug")
	equal(t, "port", c.Port, 3)
	equal(t, "replicaof", c.ReplicaOf, "10.0.0.1:6379")
	equal(t, "save", c.Save, []SavePoint{{3 * time.Second, 3}, {time.Minute, 5}}) // lines behind the file's
	c = loadText[NodeConfig](t, "redis.conf", "save \"900 1  300\t2 \"\nclient-output-buffer-limit \" normal 1 2  3\"\n")
	equal(t, "one text", c.Save, []SavePoint{{15 * time.Minute, 1}, {5 * time.Minute, 2}})
	equal(t, "limits in one text", c.OutputLimits.Normal, OutputLimit{1, 2, 3 * time.Second})
	c = loadText[NodeConfig](t, "redis.conf", "save 1 1\nsave\nsave 3 3\n")
	equal(t, "save after an empty one", c.Save, []SavePoint{{3 * time.Second, 3}})
	s, err := New[NodeConfig]("--save", "")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "save", len(s.Config().Save), 0)
}

func TestFlagsAsRedisServerTakesThem(t *testing.T) {
	s, err := New[NodeConfig]("--save", "900", "1", "300", "10", "--maxmemory 700mb", "--maxmemory-policy 'volatile-lru'",
		"--logfile", "--strange", "--replicaof", "10.0.0.1", "6379", "--rename-command", "CONFIG", "", "--user", "a", "on", "--appendonly", "yes")
	if err != nil {
		t.Fatal(err)
	}
	c := s.Config()
	equal(t, "save", c.Save, []SavePoint{{15 * time.Minute, 1}, {5 * time.Minute, 10}})
	equal(t, "maxmemory", c.MaxMemory, int64(700<<20))
	equal(t, "policy", c.MaxMemoryPolicy, "volatile-lru")
	equal(t, "a value that begins as a flag", c.LogFile, "--strange")
	equal(t, "replicaof", c.ReplicaOf, "10.0.0.1:6379")
	equal(t, "rename-command", c.RenameCommands, []Rename{{"CONFIG", ""}})
	equal(t, "user", c.Users, []string{"a on"})
	equal(t, "appendonly", c.AppendOnly, true)
	for _, flags := range [][]string{{"--save"}, {"--save", "--port", "1"}, {"loglevel", "debug", "--save", ""}} {
		s, err := New[NodeConfig](flags...)
		if err != nil || len(s.Config().Save) != 0 {
			t.Errorf("%q: %v", flags, err)
		}
	}
	t.Chdir(t.TempDir())
	c = loadText[NodeConfig](t, "node.toml", `save = "1 1"`, "--save", "60", "5")
	equal(t, "save in place of TOML's", c.Save, []SavePoint{{time.Minute, 5}})
}

func TestStandardInput(t *testing.T) {
	s, err := load[NodeConfig](Stdin, nil, strings.NewReader("port 4711\n"))
	if err != nil || s.Config().Port != 4711 {
		t.Fatal(s, err)
	}
	t.Chdir(t.TempDir())
	file := write(t, "redis.conf", "port 1\nmaxclients 77\n")
	s, err = load[NodeConfig](file, []string{"--loglevel", "debug", Stdin}, strings.NewReader("port 4711\n"))
	if err != nil || s.Config().Port != 4711 || s.Config().MaxClients != 77 || s.Config().LogLevel != "debug" {
		t.Fatal(s, err)
	}
}

func TestProxyFromTOML(t *testing.T) {
	t.Chdir(t.TempDir())
	c := loadText[ProxyConfig](t, "proxy.toml", `
port = 6380
admin = "127.0.0.1:9121"
sentinels = ["10.0.0.1:26379", "10.0.0.2:26379"]
group = "mymaster"
read-policy = "nearest"
hold-timeout = "20s"
`)
	equal(t, "sentinels", c.Sentinels, []string{"10.0.0.1:26379", "10.0.0.2:26379"})
	equal(t, "read-policy", c.ReadPolicy, "nearest")
	equal(t, "hold-timeout", c.HoldTimeout, 20*time.Second)
	equal(t, "consistency", c.Consistency, "session")
}

// faults loads a text that is wrong and compares the whole message.
func faults[C Config](t *testing.T, name, text string, flags []string, want ...string) {
	t.Helper()
	file := name
	if name != "" {
		file = write(t, name, text)
	}
	_, err := Load[C](file, flags)
	if err == nil {
		t.Errorf("no error from\n%s\nwant\n%s", text, strings.Join(want, "\n"))
		return
	}
	if err.Error() != strings.Join(want, "\n") {
		t.Errorf("got\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}
}

func TestEveryFaultIsNamedWithItsPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	faults[NodeConfig](t, "node.toml", `port = 70000
appendolny = true
loglevel = 5
# a comment
bind = [
  "a",
  true,
]
hold-timeout = "1s"
maxclients = "many"
[tables]
port = 1
`, []string{"--appendonly", "maybe"},
		`node.toml:1: port: argument must be between 0 and 65535 inclusive, got "70000"`,
		`node.toml:2: appendolny: Bad directive or wrong number of arguments; did you mean appendonly?`,
		`node.toml:3: loglevel: the value has the wrong type: it takes a string`,
		`node.toml:5: bind: the value has the wrong type: it takes an array, or a string`,
		`node.toml:9: hold-timeout: a directive of the proxy, not of the node`,
		`node.toml:10: maxclients: argument couldn't be parsed into an integer, got "many"`,
		`node.toml:12: tables.port: Bad directive or wrong number of arguments`,
		`command line: 'appendonly "maybe"': argument must be 'yes' or 'no', got "maybe"`)
	faults[NodeConfig](t, "redis.conf", `port 6379 6380
bind
slave-of 10.0.0.1 6379
requirepass "x
sentinel monitor m 1.2.3.4 5 2
include missing.conf
save 900
appendonly true
`, nil,
		`redis.conf:1: port: wrong number of arguments`,
		`redis.conf:2: bind: wrong number of arguments`,
		`redis.conf:3: slave-of: Bad directive or wrong number of arguments; did you mean slaveof?`,
		`redis.conf:4: Unbalanced quotes in configuration line`,
		`redis.conf:5: sentinel: sentinel directive while not in sentinel mode`,
		`redis.conf:6: include: open missing.conf: no such file or directory`,
		`redis.conf:7: save: Invalid save parameters, got "900"`,
		`redis.conf:8: appendonly: argument must be 'yes' or 'no', got "true"`)
}

func TestFaultsOfFlags(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--port"}, `command line: 'port': wrong number of arguments`},
		{[]string{"--port", "1", "2"}, `command line: 'port "1" "2"': wrong number of arguments`},
		{[]string{"--port", "--loglevel", "verbose"}, `command line: 'port "--loglevel" "verbose"': wrong number of arguments`},
		{[]string{"--port", "--bla", "--loglevel", "verbose"}, `command line: 'port "--bla"': argument couldn't be parsed into an integer, got "--bla"`},
		{[]string{"--requirepass", "a", "b"}, `command line: 'requirepass': wrong number of arguments`},
		{[]string{"--shutdown-on-sigint"}, `command line: 'shutdown-on-sigint': argument(s) must be one of the following: default, save, nosave, now, force`},
		{[]string{"--replicaof", "--127.0.0.1", "--abc"}, "command line: 'replicaof \"--127.0.0.1\"': wrong number of arguments\n" +
			`command line: 'abc': Bad directive or wrong number of arguments`},
		{[]string{"--"}, `command line: Bad directive or wrong number of arguments`},
		{[]string{"--prot", "1"}, `command line: 'prot "1"': Bad directive or wrong number of arguments; did you mean port?`},
		{[]string{"--group", "g"}, `command line: 'group "g"': a directive of the proxy, not of the node`},
		{[]string{"--monitor.m.quorum", "2"}, `command line: 'monitor.quorum "2"': a directive of the sentinel, not of the node`},
	} {
		if _, err := New[NodeConfig](c.flags...); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.flags, err, c.want)
		}
	}
}

func TestBrokenTOML(t *testing.T) {
	t.Chdir(t.TempDir())
	faults[NodeConfig](t, "node.toml", "port = 1\nport = 2\n", nil, "node.toml:2: port: Key 'port' has already been defined.")
	faults[NodeConfig](t, "node.toml", "\nport = \n", nil, "node.toml:2: port: expected value but found '\\n' instead")
	faults[NodeConfig](t, "node.toml", "\nrename-command = 3\n[empty]\n", nil,
		"node.toml:2: rename-command: the value has the wrong type: it takes an array, or a string",
		"node.toml:3: empty: there is no such table")
}

func TestRelationsBetweenValues(t *testing.T) {
	t.Chdir(t.TempDir())
	faults[NodeConfig](t, "node.toml", `port = 60000
tls-port = 60000
aclfile = "users.acl"
user = "alice on"
dbfilename = ""
`, nil,
		"node.toml:1: port: port + 10000, the control port, would be 70000: set control-port",
		"node.toml:2: tls-port: needs tls-cert-file and tls-key-file",
		"node.toml:2: tls-port: is the same as port, 60000",
		"node.toml:3: aclfile: users come from the file or from user lines, not from both",
		"node.toml:5: dbfilename: can't be empty, but a name in dir")
	faults[ProxyConfig](t, "", "", nil, "command line: a proxy needs sentinels and group, or master")
	faults[ProxyConfig](t, "", "", []string{"--sentinels", "a:1", "--master", "b:2"},
		"command line: master: contradicts sentinels: the topology has one source")
	faults[ProxyConfig](t, "proxy.toml", "sentinels = [\"a:1\"]\n", nil,
		"proxy.toml:1: sentinels: needs group, the name of the monitored group")
	faults[ProxyConfig](t, "", "", []string{"--sentinels", "a:1", "--group", "g", "--replicas", "b:2"},
		"command line: replicas: comes from the sentinels; it belongs to master only")
}

func TestAFileThatCannotBeRead(t *testing.T) {
	_, err := Load[NodeConfig]("/no/such.conf", nil)
	if err == nil || err.Error() != "cannot read the configuration: open /no/such.conf: no such file or directory" {
		t.Error(err)
	}
}

func TestAFileThatIncludesItself(t *testing.T) {
	t.Chdir(t.TempDir())
	faults[NodeConfig](t, "loop.conf", "include loop.conf\n", nil, "loop.conf:1: include: files include each other more than 16 deep")
}

func TestDirectivesWithoutMeaningWarnOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	file := write(t, "redis.conf", "io-threads 4\nio-threads 2\nactivedefrag yes\n")
	s, err := Load[NodeConfig](file, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range s.Warnings() {
		got = append(got, w.String())
	}
	equal(t, "warnings", got, []string{
		"redis.conf:1: io-threads is ignored: network threads are event loops: set event-loops",
		"redis.conf:3: activedefrag is ignored: memory is Go's own: there is no jemalloc to defragment",
	})
	if v, _ := s.Value("io-threads"); v != "2" {
		t.Errorf("io-threads = %q: tools read back what the file says", v)
	}
	faults[NodeConfig](t, "redis.conf", "io-threads 1000\n", nil,
		`redis.conf:1: io-threads: argument must be between 1 and 128 inclusive, got "1000"`)
}

func TestSplitFlags(t *testing.T) {
	for _, c := range []struct {
		args  []string
		file  string
		flags []string
	}{
		{nil, "", nil},
		{[]string{"a.toml", "--port", "1"}, "a.toml", []string{"--port", "1"}},
		{[]string{"--port", "1"}, "", []string{"--port", "1"}},
		{[]string{"-"}, "-", []string{}},
	} {
		file, flags := SplitFlags(c.args)
		equal(t, "file", file, c.file)
		equal(t, "flags", flags, c.flags)
	}
}

func TestPrepareDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	abs, err := PrepareDir(dir)
	if err != nil || abs != dir {
		t.Fatal(abs, err)
	}
	info, _ := os.Stat(dir)
	equal(t, "mode", info.Mode().Perm(), os.FileMode(0o700))
	left, _ := os.ReadDir(dir)
	equal(t, "files left", len(left), 0)
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o600)
	if _, err := PrepareDir(file); err == nil || !strings.Contains(err.Error(), "dir "+file+" cannot be made") {
		t.Error(err)
	}
}
