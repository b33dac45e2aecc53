package conf

import (
	"os"
	"strings"
	"testing"
)

type rewriteCase struct {
	name    string
	part    Part
	before  string
	changes []Change
	after   string
}

func runRewrites(t *testing.T, ext string, cases []rewriteCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			file := write(t, "file."+ext, c.before)
			if err := Rewrite(file, c.part, c.changes...); err != nil {
				t.Fatal(err)
			}
			got, _ := os.ReadFile(file)
			if string(got) != c.after {
				t.Errorf("got\n%s\nwant\n%s", got, c.after)
			}
			if err := Rewrite(file, c.part, c.changes...); err != nil {
				t.Fatal(err)
			}
			if again, _ := os.ReadFile(file); string(again) != string(got) {
				t.Errorf("a second time it becomes\n%s", again)
			}
			if left, _ := os.ReadDir("."); len(left) != 1 {
				t.Errorf("%d files are left", len(left))
			}
		})
	}
}

func TestRewriteTOML(t *testing.T) {
	const group = "[raft]\nid = \"s1\" # mine\n\n[[monitor]]\nname = 'a'\nmaster = \"x:1\" # the first\n\n# the second group\n[[monitor]]\nname = \"b\"\nmaster = \"y:1\"\n"
	runRewrites(t, "toml", []rewriteCase{
		{"a value in place", Node, "# top\nport = 1 # why\nhz = 5\n", []Change{{Key: "port", Text: "7001"}}, "# top\nport = 7001 # why\nhz = 5\n"},
		{"a value of many lines", Node, "bind = [ # all\n  \"a]\", # one\n  'b',\n] # end\nport = 1\n", []Change{{Key: "bind", Text: "c d"}}, "bind = [\"c\", \"d\"] # end\nport = 1\n"},
		{"every kind of value", Node, "", []Change{
			{Key: "appendonly", Text: "yes"}, {Key: "maxmemory", Text: "1048576"}, {Key: "maxmemory-clients", Text: "5%"}, {Key: "write-acks-timeout", Text: "5s"},
			{Key: "replicaof", Text: "10.0.0.1 6379"}, {Key: "rename-command", Text: `A "" B c`}, {Key: "user", Text: "alice on\nbob \"x\" off"},
			{Key: "save", Text: ""}, {Key: "unixsocketperm", Text: "700"}, {Key: "requirepass", Text: "a\"\\\n"},
		}, "appendonly = true\nmaxmemory = 1048576\nmaxmemory-clients = \"5%\"\nwrite-acks-timeout = \"5s\"\nreplicaof = \"10.0.0.1 6379\"\n" +
			"rename-command = [\"A \\\"\\\"\", \"B c\"]\nuser = [\"alice on\", \"bob \\\"x\\\" off\"]\nsave = \"\"\nunixsocketperm = \"700\"\nrequirepass = \"a\\\"\\\\\\u000a\"\n"},
		{"an older name", Node, "slaveof = \"a 1\"\n", []Change{{Key: "replicaof", Text: "b 2"}}, "slaveof = \"b 2\"\n"},
		{"a removal", Node, "port = 1\nreplicaof = \"a 1\" # x\nhz = 5\n", []Change{{Key: "replicaof", Remove: true}}, "port = 1\nhz = 5\n"},
		{"below its sample", Node, "# port = 6379\n# hz = 10\n\nmaxclients = 1\n", []Change{{Key: "port", Text: "1"}}, "# port = 6379\nport = 1\n# hz = 10\n\nmaxclients = 1\n"},
		{"without a last newline", Node, "hz = 5", []Change{{Key: "port", Text: "1"}}, "hz = 5\nport = 1\n"},
		{"in a table", Sentinel, group, []Change{{Key: "raft.id", Text: "s2"}, {Key: "raft.timeout", Text: "300ms"}},
			strings.Replace(group, "id = \"s1\" # mine\n", "id = \"s2\" # mine\ntimeout = \"300ms\"\n", 1)},
		{"before the tables", Sentinel, group, []Change{{Key: "port", Text: "1"}}, "port = 1\n" + group},
		{"a table without a header", Sentinel, "port = 1\n", []Change{{Key: "raft.id", Text: "s1"}}, "port = 1\nraft.id = \"s1\"\n"},
		{"a group's setting", Sentinel, group, []Change{{Key: "monitor.master", Monitor: "a", Text: "z:9"}, {Key: "monitor.quorum", Monitor: "b", Text: "3"}},
			strings.Replace(group, "x:1", "z:9", 1) + "quorum = 3\n"},
		{"a new group", Sentinel, "port = 1\n", []Change{{Key: "monitor.name", Monitor: "n"}, {Key: "monitor.master", Monitor: "n", Text: "a:1"}},
			"port = 1\n\n[[monitor]]\nname = \"n\"\nmaster = \"a:1\"\n"},
		{"a group that goes", Sentinel, group, []Change{{Key: "monitor.name", Monitor: "a", Remove: true}},
			strings.Replace(group, "[[monitor]]\nname = 'a'\nmaster = \"x:1\" # the first\n", "", 1)},
		{"a group that is not there", Sentinel, group, []Change{{Key: "monitor.name", Monitor: "z", Remove: true}}, group},
	})
}

func TestRewriteLines(t *testing.T) {
	const group = "port 1\nsentinel raft-id s1\nsentinel monitor a x 1 2\nsentinel quorum b 2\nsentinel known-replica a y 1\nsentinel known-replica a z 1\nsentinel monitor b u 1 2\n"
	runRewrites(t, "conf", []rewriteCase{
		{"a value in place", Node, "# port 5\nPORT 1\n\n hz 5\n", []Change{{Key: "port", Text: "7001"}}, "# port 5\nport 7001\n\n hz 5\n"},
		{"a value with blanks", Node, "requirepass x\n", []Change{{Key: "requirepass", Text: "a \"b"}}, "requirepass \"a \\\"b\"\n"},
		{"several lines become one", Node, "save 1 1\nhz 5\nsave 2 2\n", []Change{{Key: "save", Text: "9 9 8 8"}}, "save 9 9 8 8\nhz 5\n"},
		{"none of many", Node, "save 1 1\nsave 2 2\n", []Change{{Key: "save", Text: ""}}, "save \"\"\n"},
		{"one line becomes several", Node, "rename-command A b\n", []Change{{Key: "rename-command", Text: `A "" C d`}, {Key: "user", Text: "alice on\nbob off"}},
			"rename-command A \"\"\nrename-command C d\nuser alice on\nuser bob off\n"},
		{"the classical switch", Node, "port 6379\nslaveof 10.0.0.11 6379\n", []Change{{Key: "replicaof", Remove: true}}, "port 6379\n"},
		{"and back", Node, "port 6379\n", []Change{{Key: "replicaof", Text: "10.0.0.13 6379"}}, "port 6379\nreplicaof 10.0.0.13 6379\n"},
		{"an empty file", Node, "", []Change{{Key: "port", Text: "1"}}, "port 1\n"},
		{"the monitored address", Sentinel, group, []Change{{Key: "monitor.master", Monitor: "a", Text: "[::1]:7"}, {Key: "monitor.quorum", Monitor: "b", Text: "3"}},
			strings.NewReplacer("monitor a x 1 2", "monitor a ::1 7 2", "monitor b u 1 2", "monitor b u 1 3").Replace(group)},
		{"a group's settings", Sentinel, group, []Change{{Key: "monitor.quorum", Monitor: "a", Text: "1"}, {Key: "monitor.replicas", Monitor: "a", Text: "q:2"}, {Key: "monitor.failover-timeout", Monitor: "a", Text: "5"}},
			strings.NewReplacer("x 1 2", "x 1 1", "sentinel known-replica a y 1\nsentinel known-replica a z 1", "sentinel known-replica a q 2").Replace(group) + "sentinel failover-timeout a 5\n"},
		{"the sentinel's own", Sentinel, "port 1\nannounce-ip y\n", []Change{{Key: "raft.id", Text: "s2"}, {Key: "announce-ip", Text: "x"}, {Key: "port", Text: "2"}},
			"port 2\nsentinel announce-ip x\nsentinel raft-id s2\n"},
		{"a new group", Sentinel, "port 1\n", []Change{{Key: "monitor.master", Monitor: "n", Text: "a:1"}, {Key: "monitor.quorum", Monitor: "n", Text: "1"}},
			"port 1\nsentinel monitor n a 1 1\n"},
		{"a group that goes", Sentinel, group, []Change{{Key: "monitor.name", Monitor: "a", Remove: true}},
			"port 1\nsentinel raft-id s1\nsentinel quorum b 2\nsentinel monitor b u 1 2\n"},
	})
}

func TestRewriteKeepsModeAndLink(t *testing.T) {
	t.Chdir(t.TempDir())
	file := write(t, "real.conf", "port 1\n")
	os.Chmod(file, 0o640)
	if err := os.Symlink("real.conf", "link.conf"); err != nil {
		t.Fatal(err)
	}
	if err := Rewrite("link.conf", Node, Change{Key: "port", Text: "2"}); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink("link.conf"); target != "real.conf" {
		t.Error(target, err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Error(info.Mode(), err)
	}
	if got, _ := os.ReadFile(file); string(got) != "port 2\n" {
		t.Errorf("%q", got)
	}
}

func TestRewriteRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	file := write(t, "a.conf", "port 1\n")
	for _, c := range []struct {
		file   string
		change Change
		want   string
	}{
		{"none.conf", Change{Key: "port"}, "rewriting none.conf: lstat none.conf: no such file or directory"},
		{file, Change{Key: "prot"}, "rewriting a.conf: prot: Bad directive or wrong number of arguments; did you mean port?"},
		{file, Change{Key: "group"}, "rewriting a.conf: group: a directive of the proxy, not of the node"},
	} {
		if err := Rewrite(c.file, Node, c.change); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

func TestScanTOML(t *testing.T) {
	o := scanTOML("a=1\r\n\"b c\" = '''x\n'''' # y\n[t.u]\n  v = [ # ]\n 1 ]\nw.z = {q=\"}\"}\n[[m]]\nx = \"\"\"\n\\\"\"\"\"\n[[m]]\nx = 2")
	want := map[string]int{"a": 1, "b c": 2, "t.u.v": 5, "t.u.w.z": 7, "m[0].x": 9, "m[1].x": 12}
	for _, k := range o.keys {
		if want[k.path] != k.line {
			t.Errorf("%q stands in line %d, want %d", k.path, k.line, want[k.path])
		}
	}
	equal(t, "keys", len(o.keys), len(want))
	equal(t, "line of a table", o.line("m[1]"), 11)
	equal(t, "line of what is inside a value", o.line("t.u.w.z.q"), 7)
	equal(t, "line of nothing", o.line("zz"), 0)
}

func FuzzScanTOML(f *testing.F) {
	f.Add("a = \"\"\"\n[b\n'")
	f.Add("[[m]]\nx = [1,\n2] # c\n\"k\".z = '")
	f.Fuzz(func(t *testing.T, src string) {
		o := scanTOML(src)
		for _, s := range o.keys {
			if s.start > s.value || s.value > s.valueEnd || s.valueEnd > s.end || s.end > len(src) {
				t.Errorf("%q: spans out of order: %+v", src, s)
			}
		}
	})
}
