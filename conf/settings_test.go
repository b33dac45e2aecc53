package conf

import (
	"errors"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func names(pairs []Pair) []string {
	var out []string
	for _, p := range pairs {
		out = append(out, p.Name)
	}
	return out
}

func TestGetMatchesAsConfigGetDoes(t *testing.T) {
	s := Of(Default[NodeConfig]())
	for _, c := range []struct {
		patterns []string
		want     []string
	}{
		{[]string{"PORT"}, []string{"PORT"}},
		{[]string{"Port", "port", "P[o]rt"}, []string{"Port"}},
		{[]string{"P[O]RT"}, []string{"port"}},
		{[]string{"Slave-Priority"}, []string{"Slave-Priority"}},
		{[]string{`\hz`}, nil},
		{[]string{"append*"}, []string{"appendonly", "appendfilename", "appenddirname", "appendfsync"}},
		{[]string{"slave-prio*", "replica-prio*"}, []string{"replica-priority", "slave-priority"}},
		{[]string{"tls-po[rs]t", "hz", "hz"}, []string{"tls-port", "hz"}},
		{[]string{"watchdog*"}, nil},
		{[]string{"watchdog-period"}, []string{"watchdog-period"}},
		{[]string{"nothing", "["}, nil},
	} {
		if got := names(s.Get(c.patterns...)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %q, want %q", c.patterns, got, c.want)
		}
	}
	want := []Pair{{"maxmemory", "0"}}
	equal(t, "maxmemory", s.Get("maxmemory"), want)
	equal(t, "save", s.Get("save"), []Pair{{"save", "3600 1 300 100 60 10000"}})
	equal(t, "active-defrag-ignore-bytes", s.Get("active-defrag-ignore-bytes"), []Pair{{"active-defrag-ignore-bytes", "104857600"}})
}

func TestSetIsAllOrNothing(t *testing.T) {
	s := Of(Default[NodeConfig]())
	var told []string
	s.OnChange(func(next *NodeConfig, changed []string) error {
		told = append(told, changed...)
		if next.MaxMemory == 13 {
			return errors.New("unlucky")
		}
		return nil
	})
	before := s.Config()
	for _, c := range []struct {
		pairs []Pair
		want  string
	}{
		{[]Pair{{"hz", "20"}, {"nosuch", "1"}}, "Unknown option or number of arguments for CONFIG SET - 'nosuch'"},
		{[]Pair{{"databases", "1"}}, "CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config"},
		{[]Pair{{"dir", "/"}}, "CONFIG SET failed (possibly related to argument 'dir') - can't set protected config"},
		{[]Pair{{"hz", "20"}, {"hz", "30"}}, "CONFIG SET failed (possibly related to argument 'hz') - duplicate parameter"},
		{[]Pair{{"hz", "20"}, {"HZ", "30"}}, "CONFIG SET failed (possibly related to argument 'HZ') - duplicate parameter"},
		{[]Pair{{"hz", "bad"}, {"NoSuch", "1"}}, "Unknown option or number of arguments for CONFIG SET - 'NoSuch'"},
		{[]Pair{{"hz", "bad"}, {"Databases", "1"}}, "CONFIG SET failed (possibly related to argument 'Databases') - can't set immutable config"},
		{[]Pair{{"user", "alice on"}}, "Unknown option or number of arguments for CONFIG SET - 'user'"},
		{[]Pair{{"HZ", "bad"}}, "CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be parsed into an integer"},
		{[]Pair{{"hz", "20"}, {"appendonly", "maybe"}}, "CONFIG SET failed (possibly related to argument 'appendonly') - argument must be 'yes' or 'no'"},
		{[]Pair{{"maxmemory", "13"}, {"hz", "20"}}, "CONFIG SET failed (possibly related to argument 'maxmemory') - unlucky"},
	} {
		if err := s.Set(false, c.pairs...); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %s", c.pairs, err, c.want)
		}
		if s.Config() != before {
			t.Errorf("%v: a refused change changed something", c.pairs)
		}
	}
	told = nil
	if err := s.Set(true, Pair{"MAXMEMORY", "1mb"}, Pair{"hz", "10"}, Pair{"dir", "/tmp"}, Pair{"io-threads-do-reads", "no"}); err == nil {
		t.Error("io-threads-do-reads is immutable")
	}
	if err := s.Set(true, Pair{"MAXMEMORY", "1mb"}, Pair{"hz", "10"}, Pair{"dir", "/tmp"}, Pair{"dynamic-hz", "no"}); err != nil {
		t.Error(err)
	}
	equal(t, "changed", told, []string{"maxmemory", "dir", "dynamic-hz"})
	equal(t, "next", s.Config().MaxMemory, int64(1<<20))
	equal(t, "the old struct", before.MaxMemory, int64(0))
	if v, _ := s.Value("dynamic-hz"); v != "no" {
		t.Error("a directive without meaning does not read back")
	}
}

// What Redis takes, and what it makes of it.
func TestSetRespells(t *testing.T) {
	s := Of(Default[NodeConfig]())
	for _, c := range []struct{ name, text, want string }{
		{"hz", "0", "1"},
		{"hz", "1000", "500"},
		{"repl-backlog-size", "1", "16384"},
		{"shutdown-on-sigterm", "now default", "now"},
		{"proc-title-template", "{{ {port}", "{{ {port}"},
		{"tls-protocols", "", ""},
	} {
		if err := s.Set(false, Pair{c.name, c.text}); err != nil {
			t.Error(err)
		}
		if got, _ := s.Value(c.name); got != c.want {
			t.Errorf("%s %q reads back as %q, want %q", c.name, c.text, got, c.want)
		}
	}
	if err := s.Set(false, Pair{"slave-priority", "1"}, Pair{"replica-priority", "2"}); err != nil || s.Config().ReplicaPriority != 2 {
		t.Errorf("two names of one directive: %v, and it is %d", err, s.Config().ReplicaPriority)
	}
}

// What CONFIG SET refuses although the directive does nothing; in a file that is no reason not to start.
func TestSetRefusesWhatDoesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct{ name, text, want string }{
		{"activedefrag", "yes", string(errDefrag)},
		{"proc-title-template", "{nosuch}", string(errTitle)},
		{"proc-title-template", "{title} {server-mode}", string(errTitle)},
		{"proc-title-template", "{title", string(errTitle)},
		{"locale-collate", "xx_YY", string(errLocale)},
		{"cluster-announce-hostname", "a_b", string(errHostChars)},
		{"cluster-announce-hostname", strings.Repeat("h", 256), string(errHostLength)},
		{"cluster-announce-human-nodename", "a{b", string(errNodeName)},
	} {
		want := "CONFIG SET failed (possibly related to argument '" + c.name + "') - " + c.want
		if err := Of(Default[NodeConfig]()).Set(false, Pair{c.name, c.text}); err == nil || err.Error() != want {
			t.Errorf("%s %q: %v, want %s", c.name, c.text, err, want)
		}
		if _, err := Load[NodeConfig](write(t, "redis.conf", c.name+` "`+c.text+`"`), nil); err != nil {
			t.Errorf("a file: %v", err)
		}
	}
}

func TestPutChangesWhatSetMayNot(t *testing.T) {
	s := Of(Default[NodeConfig]())
	if err := s.Put(Pair{"replicaof", "10.0.0.1 6379"}, Pair{"port", "0"}); err != nil {
		t.Fatal(err)
	}
	equal(t, "replicaof", s.Config().ReplicaOf, "10.0.0.1:6379")
	equal(t, "slaveof", s.Get("slaveof"), []Pair{{"slaveof", "10.0.0.1 6379"}})
	if err := s.Put(Pair{"replicaof", "no one"}); err != nil || s.Config().ReplicaOf != "" {
		t.Error(err)
	}
}

func TestSettingsAreSafeForConcurrentUse(t *testing.T) {
	s := Of(Default[NodeConfig]())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				value := "10"
				if i%2 == 0 {
					value = "20"
				}
				if err := s.Set(false, Pair{"hz", value}, Pair{"timeout", value}); err != nil {
					t.Error(err)
				}
				if c := s.Config(); c.Hz != 10 && (c.Timeout.Seconds() != float64(c.Hz)) {
					t.Errorf("hz %d beside timeout %s: half a change was seen", c.Hz, c.Timeout)
				}
				s.Get("*")
			}
		})
	}
	wg.Wait()
}

func TestConfigDoesNotAllocate(t *testing.T) {
	s := Of(Default[ProxyConfig]())
	if n := testing.AllocsPerRun(100, func() { _ = s.Config().HoldTimeout }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestConfigRewrite(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := Of(Default[NodeConfig]()).Rewrite(false); err != ErrNoFile {
		t.Error(err)
	}
	file := write(t, "redis.conf", "# mine\nport 6379\nslaveof 10.0.0.1 6379\nhz 20\n")
	s, err := Load[NodeConfig](file, []string{"--maxclients", "50"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(Pair{"replicaof", ""}, Pair{"hz", "10"}, Pair{"requirepass", "a b"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Rewrite(false); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(file)
	equal(t, "file", string(got), "# mine\nport 6379\nhz 10\nrequirepass \"a b\"\nmaxclients 50\n")
	again, err := Load[NodeConfig](file, nil)
	if err != nil || !reflect.DeepEqual(again.Config(), s.Config()) {
		t.Errorf("what was written reads differently: %v", err)
	}
}

// Whatever can be set is written into either syntax and read back from it, and what stood there before stays as it was.
func TestRewriteCarriesEveryDirective(t *testing.T) {
	t.Chdir(t.TempDir())
	special := map[string]string{"save": "60 5 30 100", "user": "alice on ~* +@all", "rename-command": `DEBUG ""`, "bind": "127.0.0.1 -::*",
		"replicaof": "10.0.0.1 6379", "tls-protocols": "TLSv1.3", "shutdown-on-sigint": "nosave now", "shutdown-on-sigterm": "force",
		"latency-tracking-info-percentiles": "50 99.99", "notify-keyspace-events": "KEA", "maxmemory-clients": "5%", "unixsocketperm": "770",
		"client-output-buffer-limit": "normal 1 2 3 slave 4 5 6 pubsub 7 8 9", "oom-score-adj-values": "1 2 3", "loadmodule": "a.so b",
		"admin": "127.0.0.1:9121", "write-acks-timeout": "1m30s", "port": "7001", "tls-port": "0"}
	for _, name := range []string{"node.toml", "redis.conf"} {
		start := "# mine\n\nmaxclients 50\n"
		if strings.HasSuffix(name, ".toml") {
			start = "# mine\n\nmaxclients = 50\n"
		}
		s, err := Load[NodeConfig](write(t, name, start), nil)
		if err != nil {
			t.Fatal(err)
		}
		var pairs []Pair
		for _, d := range Directives(Node) {
			if d.Name != "maxclients" && d.Name != "aclfile" { // which excludes users
				pairs = append(pairs, Pair{d.Name, otherValue(d, special)})
			}
		}
		if err := s.Put(pairs...); err != nil {
			t.Fatal(err)
		}
		for _, all := range []bool{false, true} {
			if err := s.Rewrite(all); err != nil {
				t.Fatal(err)
			}
			text, _ := os.ReadFile(name)
			if !strings.HasPrefix(string(text), start) {
				t.Errorf("%s: what stood there is gone:\n%s", name, text)
			}
			again, err := Load[NodeConfig](name, nil)
			if err != nil {
				t.Fatalf("%s cannot be read back: %v\n%s", name, err, text)
			}
			for _, p := range pairs {
				want, _ := s.Value(p.Name)
				if got, _ := again.Value(p.Name); got != want {
					t.Errorf("%s: %s = %q, want %q", name, p.Name, got, want)
				}
			}
		}
	}
}

// otherValue is a value that is not the directive's default.
func otherValue(d *Directive, special map[string]string) string {
	switch {
	case special[d.Name] != "":
		return special[d.Name]
	case d.Type == Bool && d.Default == "yes":
		return "no"
	case d.Type == Bool:
		return "yes"
	case d.Type == Enum && d.Default == d.Enum[0]:
		return d.Enum[1]
	case d.Type == Enum:
		return d.Enum[0]
	case d.Type == String:
		return `some "name"`
	case d.Min > 1:
		return strconv.FormatInt(d.Min, 10)
	}
	return "3"
}

// A file that cannot be written stays, and the error says so.
func TestRewriteOfAReadOnlyFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("conf", 0o700); err != nil {
		t.Fatal(err)
	}
	file := write(t, "conf/redis.conf", "hz 10\n")
	s, err := Load[NodeConfig](file, []string{"--hz", "20"})
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		t.Skip("root writes everywhere")
	}
	os.Chmod("conf", 0o500)
	defer os.Chmod("conf", 0o700)
	if err := s.Rewrite(false); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Error(err)
	}
	if text, _ := os.ReadFile(file); string(text) != "hz 10\n" {
		t.Errorf("the file is %q", text)
	}
}
