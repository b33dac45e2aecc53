package conf

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseAndFormat(t *testing.T) {
	type row struct {
		d      Directive
		text   string
		want   any
		format string // "" where it is the text
	}
	words := Directive{Type: Words, Enum: []string{"save", "now"}}
	for _, c := range []row{
		{Directive{Type: Bool}, "YES", true, "yes"},
		{Directive{Type: Int, Min: -5}, "-3", -3, ""},
		{Directive{Type: Port}, "65535", 65535, ""},
		{Directive{Type: Octal, Max: 0o777}, "700", 0o700, ""},
		{Directive{Type: Size}, "1k", int64(1000), "1000"},
		{Directive{Type: Size}, "2GB", int64(2 << 30), "2147483648"},
		{Directive{Type: PercentSize, Min: -100}, "5%", int64(-5), "5%"},
		{Directive{Type: PercentSize, Min: -100}, "1mb", int64(1 << 20), "1048576"},
		{Directive{Type: Duration}, "1500", 1500 * time.Millisecond, "1.5s"},
		{Directive{Type: Duration}, "60s", time.Minute, "1m"},
		{Directive{Type: Duration}, "2h", 2 * time.Hour, "2h"},
		{Directive{Type: Duration}, "10m", 10 * time.Minute, "10m"},
		{Directive{Type: Duration}, "0", time.Duration(0), "0s"},
		{Directive{Type: Seconds}, "60", time.Minute, ""},
		{Directive{Type: Millis}, "250", 250 * time.Millisecond, ""},
		{Directive{Type: Micros, Min: -1}, "-1", -time.Microsecond, ""},
		{Directive{Type: Enum, Enum: []string{"no", "yes"}}, "Yes", "yes", "yes"},
		{Directive{Type: Events}, "Exg", "gxE", "gxE"},
		{Directive{Type: Events}, "KEA", "AKE", "AKE"},
		{Directive{Type: Events}, "KEg$lshzxetdm", "AKEm", "AKEm"},
		{Directive{Type: Addr}, ":9121", ":9121", ""},
		{Directive{Type: Addr, Min: 1}, "[::1]:80", "[::1]:80", ""},
		{Directive{Type: HostPort}, "10.0.0.1 6379", "10.0.0.1:6379", ""},
		{Directive{Type: HostPort}, "10.0.0.1:6379", "10.0.0.1:6379", "10.0.0.1 6379"},
		{Directive{Type: HostPort}, "::1 6379", "[::1]:6379", ""},
		{Directive{Type: HostPort}, "NO ONE", "", ""},
		{words, "Now save now", []string{"save", "now"}, "save now"},
		{Directive{Type: List}, `a "b c" ""`, []string{"a", "b c", ""}, ""},
		{Directive{Type: Addrs, Min: 1}, "a:1 b:2", []string{"a:1", "b:2"}, ""},
		{Directive{Type: Lines}, "alice on\nbob off", []string{"alice on", "bob off"}, ""},
		{Directive{Type: Percentiles}, "50 99.9", []float64{50, 99.9}, ""},
		{Directive{Type: Save}, "900 1 300 10", []SavePoint{{15 * time.Minute, 1}, {5 * time.Minute, 10}}, ""},
		{Directive{Type: Renames}, `CONFIG "" DEBUG d`, []Rename{{"CONFIG", ""}, {"DEBUG", "d"}}, ""},
		{Directive{Type: Members, Min: 1}, "s1=a:1 s2=b:2", []Member{{"s1", "a:1"}, {"s2", "b:2"}}, ""},
		{Directive{Type: Scores}, "-5 0 2000", []int{-5, 0, 2000}, ""},
		{Directive{Type: Limits}, "replica 1kb 2 3", OutputLimits{Replica: OutputLimit{1024, 2, 3 * time.Second}},
			"normal 0 0 0 slave 1024 2 3 pubsub 0 0 0"},
	} {
		got, err := c.d.Parse(c.text, nil)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("type %d: %q reads as %#v, %v, want %#v", c.d.Type, c.text, got, err, c.want)
			continue
		}
		if c.format == "" && c.text != "NO ONE" {
			c.format = c.text
		}
		if text := c.d.Format(got); text != c.format {
			t.Errorf("type %d: %q prints as %q, want %q", c.d.Type, c.text, text, c.format)
		}
	}
}

func TestLimitsKeepTheClassesThatAreNotNamed(t *testing.T) {
	d := Lookup(Node, "client-output-buffer-limit")
	base, _ := d.Parse(d.Default, nil)
	got, err := d.Parse("normal 1mb 0 0", base)
	want := "normal 1048576 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
	if err != nil || d.Format(got) != want {
		t.Errorf("got %q, %v", d.Format(got), err)
	}
}

func TestWrongValuesSayWhatIsAccepted(t *testing.T) {
	for _, c := range []struct {
		part       Part
		name, text string
		want       string
	}{
		{Node, "appendonly", "true", "argument must be 'yes' or 'no'"},
		{Node, "port", "70000", "argument must be between 0 and 65535 inclusive"},
		{Node, "port", "http", "argument couldn't be parsed into an integer"},
		{Node, "repl-timeout", "0", "argument must be between 1 and 2147483647 inclusive"},
		{Node, "repl-backlog-ttl", "99999999999", "argument must be between 0 and 9223372036 inclusive"},
		{Node, "maxmemory", "5x", "argument must be a memory value"},
		{Node, "maxmemory", "-1", "argument must be a memory value"},
		{Node, "maxmemory", "99999999999999gb", "argument must be between 0 and 9223372036854775807 inclusive"},
		{Node, "client-query-buffer-limit", "18446744073709551616", "argument must be between 1048576 and 9223372036854775807 inclusive"},
		{Node, "timeout", "010", "argument couldn't be parsed into an integer"},
		{Node, "databases", "+5", "argument couldn't be parsed into an integer"},
		{Node, "set-max-listpack-value", "1kb", "argument couldn't be parsed into an integer"},
		{Node, "latency-monitor-threshold", "-1", "argument must be between 0 and 9223372036854775807 inclusive"},
		{Node, "latency-monitor-threshold", "9223372036854775807", "argument must be between 0 and 9223372036854 inclusive"},
		{Node, "appendfsync", "x", "argument(s) must be one of the following: everysec, always, no"},
		{Node, "dbfilename", "a/b", "dbfilename can't be a path, just a filename"},
		{Node, "appendfilename", "a/b", "appendfilename can't be a path, just a filename"},
		{Node, "appenddirname", `a\b`, "appenddirname can't be a path, just a dirname"},
		{Node, "appenddirname", "", "appenddirname can't be empty"},
		{Node, "shutdown-on-sigterm", "save nosave", "shutdown options SAVE and NOSAVE can't be used simultaneously"},
		{Node, "shutdown-on-sigterm", "", "argument(s) must be one of the following: default, save, nosave, now, force"},
		{Node, "bind", strings.Repeat("127.0.0.1 ", 17), "Too many bind addresses specified."},
		{Node, "save", " ", "Invalid save parameters"},
		{Node, "save", "900 1  300 2", "Invalid save parameters"},
		{Node, "client-output-buffer-limit", " ", "Wrong number of arguments in buffer limit configuration."},
		{Node, "latency-tracking-info-percentiles", "50 ", "Invalid latency-tracking-info-percentiles parameters"},
		{Node, "latency-tracking-info-percentiles", "nan", "Invalid latency-tracking-info-percentiles parameters"},
		{Node, "maxmemory", "gb", "argument must be a memory value"},
		{Node, "maxmemory-clients", "101%", "percentage argument must be less or equal to 100"},
		{Node, "maxmemory-clients", "x%", "argument must be a memory or percent value"},
		{Node, "unixsocketperm", "800", "argument couldn't be parsed as an octal number"},
		{Node, "unixsocketperm", "1000", "argument must be between 0 and 777 inclusive"},
		{Node, "loglevel", "loud", "argument(s) must be one of the following: debug, verbose, notice, warning, nothing"},
		{Node, "notify-keyspace-events", "KEq", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."},
		{Node, "save", "900", "Invalid save parameters"},
		{Node, "save", "0 1", "Invalid save parameters"},
		{Node, "replicaof", "a b c", "wrong number of arguments"},
		{Node, "replicaof", "10.0.0.1 65536", "Invalid master port"},
		{Node, "rename-command", "CONFIG", "wrong number of arguments"},
		{Node, "rename-command", "GET a get b", `command "get" is renamed twice, or has no name`},
		{Node, "client-output-buffer-limit", "normal 0 0", "Wrong number of arguments in buffer limit configuration."},
		{Node, "client-output-buffer-limit", "guest 0 0 0", "Invalid client class specified in buffer limit configuration."},
		{Node, "client-output-buffer-limit", "normal x 0 0", "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
		{Node, "latency-tracking-info-percentiles", "x", "Invalid latency-tracking-info-percentiles parameters"},
		{Node, "latency-tracking-info-percentiles", "101", "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"},
		{Node, "bind", `"a`, "unbalanced quotes"},
		{Proxy, "hold-timeout", "soon", "argument must be a duration such as 15s, or an integer of milliseconds"},
		{Proxy, "hold-timeout", "-1s", "argument must be a duration such as 15s, or an integer of milliseconds"},
		{Proxy, "hold-timeout", "6m", "argument must be between 0s and 5m inclusive"},
		{Proxy, "connect-timeout", "1", "argument must be between 10ms and 1m inclusive"},
		{Proxy, "master", "10.0.0.1", "argument must be host:port, an IPv6 host in brackets"},
		{Proxy, "master", ":6379", "argument must be host:port, an IPv6 host in brackets"},
		{Proxy, "sentinels", "a:1 b", `argument must be host:port, an IPv6 host in brackets, got "b"`},
		{Sentinel, "raft.members", "s1", `argument must be id=host:port for every member, got "s1"`},
		{Sentinel, "raft.timeout", "10ms", "argument must be between 50ms and 10s inclusive"},
	} {
		d := Lookup(c.part, c.name)
		if _, err := d.Parse(c.text, nil); err == nil || err.Error() != c.want {
			t.Errorf("%s %q: %v, want %s", c.name, c.text, err, c.want)
		}
	}
}

func TestSplitArgs(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
		ok   bool
	}{
		{"", nil, true},
		{"  save 900\t1 \r", []string{"save", "900", "1"}, true},
		{`a "" ''`, []string{"a", "", ""}, true},
		{`"a\x41\n\"\q" 'it\'s \n'`, []string{"aA\n\"q", `it's \n`}, true},
		{`"\xZZ"`, []string{"xZZ"}, true},
		{`pre"fix x"`, []string{"prefix x"}, true},
		{`a\b`, []string{`a\b`}, true},
		{`"a"b`, nil, false},
		{`"a`, nil, false},
		{`'a`, nil, false},
		{`"a\`, nil, false},
	} {
		got, ok := SplitArgs(c.line)
		if ok != c.ok || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %q %v, want %q %v", c.line, got, ok, c.want, c.ok)
		}
		if again, _ := SplitArgs(JoinArgs(got)); ok && !reflect.DeepEqual(again, got) {
			t.Errorf("%q does not survive: %q", got, again)
		}
	}
}

func FuzzJoinArgs(f *testing.F) {
	f.Add("a b", "\x00\"'\\\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		got, ok := SplitArgs(JoinArgs([]string{a, b}))
		if !ok || len(got) != 2 || got[0] != a || got[1] != b {
			t.Errorf("%q %q came back as %q, %v", a, b, got, ok)
		}
	})
}
