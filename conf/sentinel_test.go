package conf

import (
	"strings"
	"testing"
	"time"
)

const threeMembers = `members = ["s1=10.0.0.1:27379", "s2=10.0.0.2:27379", "s3=10.0.0.3:27379"]` + "\n"

func TestSentinelFromTOML(t *testing.T) {
	t.Chdir(t.TempDir())
	c := loadText[SentinelConfig](t, "sentinel.toml", `
port = 26379
dir = "data/s1"
[raft]
id = "s1"
listen = "0.0.0.0:27379"
`+threeMembers+`
[[monitor]]
name = "mymaster"
master = "10.0.0.1:6379"
replicas = ["10.0.0.2:6379"]
down-after-milliseconds = 1000
[[monitor]]
name = "other"
master = "10.0.0.9:6379"
quorum = 3
fast-down = false
write-acks = 0
`, "--monitor.mymaster.quorum", "1", "--raft.timeout", "300ms", "--monitor.third.one.master", "h:1")
	equal(t, "raft", c.Raft, Raft{
		ID: "s1", Listen: "0.0.0.0:27379", Advertise: "10.0.0.1:27379", Timeout: 300 * time.Millisecond,
		Members: []Member{{"s1", "10.0.0.1:27379"}, {"s2", "10.0.0.2:27379"}, {"s3", "10.0.0.3:27379"}},
	})
	if len(c.Monitors) != 3 {
		t.Fatalf("%d monitors", len(c.Monitors))
	}
	want := NewMonitor("mymaster", "10.0.0.1:6379")
	want.Replicas, want.Quorum, want.DownAfter = []string{"10.0.0.2:6379"}, 1, time.Second
	equal(t, "mymaster", c.Monitors[0], want)
	equal(t, "other", []any{c.Monitors[1].Name, c.Monitors[1].Quorum, c.Monitors[1].FastDown, c.Monitors[1].WriteAcks, c.Monitors[1].FailoverTimeout},
		[]any{"other", 3, false, 0, 10 * time.Second})
	equal(t, "third.one", c.Monitors[2], NewMonitor("third.one", "h:1"))
}

func TestSentinelFromSentinelConf(t *testing.T) {
	t.Chdir(t.TempDir())
	file := write(t, "sentinel.conf", `
port 26379
protected-mode no
daemonize no
SENTINEL resolve-hostnames no
sentinel down-after-milliseconds mymaster 5000
sentinel monitor mymaster 10.0.0.11 6379 2
sentinel failover-timeout mymaster 60000
sentinel auth-pass mymaster "s3 cret"
sentinel rename-command mymaster CONFIG conf2
sentinel known-replica mymaster 10.0.0.12 6379
sentinel known-slave mymaster 10.0.0.13 6379
sentinel known-sentinel mymaster 10.0.0.12 26379 0123456789
sentinel myid 0123456789
sentinel current-epoch 0
sentinel announce-ip 10.0.0.1
sentinel raft-id s1
sentinel raft-listen 0.0.0.0:27379
sentinel raft-members s1=10.0.0.1:27379 s2=10.0.0.2:27379
sentinel raft-timeout 200ms
latency-tracking-info-percentiles 50 99 99.9
user default on nopass ~* &* +@all
`)
	s, err := Load[SentinelConfig](file, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, m := s.Config(), s.Config().Monitors[0]
	equal(t, "master", m.Master, "10.0.0.11:6379")
	equal(t, "replicas", m.Replicas, []string{"10.0.0.12:6379", "10.0.0.13:6379"})
	equal(t, "times", []time.Duration{m.DownAfter, m.FailoverTimeout}, []time.Duration{5 * time.Second, time.Minute})
	equal(t, "auth-pass", m.AuthPass, "s3 cret")
	equal(t, "announce-ip", c.AnnounceIP, "10.0.0.1")
	equal(t, "raft", []any{c.Raft.ID, c.Raft.Listen, c.Raft.Advertise, c.Raft.Timeout},
		[]any{"s1", "0.0.0.0:27379", "10.0.0.1:27379", 200 * time.Millisecond})
	var ignored []string
	for _, w := range s.Warnings() {
		ignored = append(ignored, w.Key)
	}
	equal(t, "ignored", strings.Join(ignored, ", "),
		"sentinel known-sentinel, sentinel myid, sentinel current-epoch, monitor.rename-command, latency-tracking-info-percentiles, user")
}

func TestALoneSentinel(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  Raft
	}{
		{nil, Raft{ID: "s1", Listen: "127.0.0.1:27379", Advertise: "127.0.0.1:27379", Members: []Member{{"s1", "127.0.0.1:27379"}}}},
		{[]string{"--port", "5000", "--raft.id", "x"},
			Raft{ID: "x", Listen: "127.0.0.1:6000", Advertise: "127.0.0.1:6000", Members: []Member{{"x", "127.0.0.1:6000"}}}},
		{[]string{"--raft-listen", "10.0.0.1:1"},
			Raft{ID: "s1", Listen: "10.0.0.1:1", Advertise: "10.0.0.1:1", Members: []Member{{"s1", "10.0.0.1:1"}}}},
		{[]string{"--raft.members", "s9=10.0.0.1:1"},
			Raft{ID: "s9", Listen: "10.0.0.1:1", Advertise: "10.0.0.1:1", Members: []Member{{"s9", "10.0.0.1:1"}}}},
	} {
		s, err := New[SentinelConfig](append(c.flags, "--raft-single", "yes", "--sentinel", "monitor m 10.0.0.1 6379 1")...)
		if err != nil {
			t.Error(err)
			continue
		}
		c.want.Single, c.want.Timeout = true, 250*time.Millisecond
		equal(t, strings.Join(c.flags, " "), s.Config().Raft, c.want)
		equal(t, "quorum", s.Config().Monitors[0].Quorum, 1)
		s, err = New[SentinelConfig](append(c.flags, "--raft-single", "yes", "--monitor.m.master", "10.0.0.1:6379")...)
		if err != nil || s.Config().Monitors[0].Quorum != 1 {
			t.Errorf("the default quorum of one sentinel: %v", err)
		}
	}
}

func TestFaultsOfASentinel(t *testing.T) {
	t.Chdir(t.TempDir())
	toml := func(text string, want ...string) {
		t.Helper()
		faults[SentinelConfig](t, "sentinel.toml", text, nil, want...)
	}
	conf := func(text string, want ...string) {
		t.Helper()
		faults[SentinelConfig](t, "sentinel.conf", text+"raft-single yes\n", nil, want...)
	}
	toml("", "sentinel.toml: a sentinel needs raft.members, identical on every sentinel; a group of one must say raft-single yes")
	toml("[raft]\n"+threeMembers,
		"sentinel.toml: raft.id: is missing: which of the members s1=10.0.0.1:27379 s2=10.0.0.2:27379 s3=10.0.0.3:27379 is this sentinel?")
	toml("[raft]\nid = \"s4\"\n"+threeMembers,
		`sentinel.toml:3: raft.members: this sentinel, "s4" (raft.id), is not among the members s1=10.0.0.1:27379 s2=10.0.0.2:27379 s3=10.0.0.3:27379`)
	toml("[raft]\nid = \"s1\"\nmembers = [\"s1=a:1\", \"s1=b:1\"]\n", "sentinel.toml:3: raft.members: s1=a:1 and s1=b:1 are the same member")
	toml("[raft]\nid = \"s1\"\nmembers = [\"s1=a:1\", \"s2=a:1\"]\n", "sentinel.toml:3: raft.members: s1=a:1 and s2=a:1 are the same member")
	toml("[raft]\nid = \"s1\"\nadvertise = \"x:1\"\n"+threeMembers,
		"sentinel.toml:3: raft.advertise: is x:1, but the members say s1=10.0.0.1:27379")
	toml("[raft]\nsingle = true\n"+threeMembers, "sentinel.toml:2: raft.single: contradicts raft.members, which has 3")
	toml("raft-single = true\n[[monitor]]\nname = \"a b\"\nquorum = 2\nlease-milliseconds = 500\n",
		"sentinel.toml: a b master: is missing: host:port of the master at the first start",
		"sentinel.toml:3: a b name: a name has letters, digits and any of . - _ only",
		"sentinel.toml:4: a b quorum: is 2, more than there are raft.members, 1",
		"sentinel.toml:5: a b lease-milliseconds: is 500, but must be at least 3 x raft.timeout, 750")
	toml("raft-single = true\n[[monitor]]\nname = \"m\"\nmaster = \"a:1\"\nqorum = 1\n\n[[monitor]]\nname = \"m\"\nmaster = \"b:1\"\n[[monitor]]\nmaster = \"c:1\"\n",
		"sentinel.toml:5: monitor.qorum: Bad directive or wrong number of arguments; did you mean monitor.quorum?",
		"sentinel.toml:8: monitor m: Duplicate master name: the first is at sentinel.toml:3",
		"sentinel.toml:10: monitor: every [[monitor]] needs a name")
	toml("raft-single = true\n[monitor]\nname = \"m\"\n", "sentinel.toml:2: monitor: groups are written as tables [[monitor]]")
	conf("sentinel monitor m 10.0.0.1 6379 1\nsentinel monitor m 10.0.0.2 6379 1\n",
		"sentinel.conf:2: monitor m: Duplicate master name: the first is at sentinel.conf:1")
	conf("sentinel quorum m 1\nsentinel monitor m 10.0.0.1\nsentinel quroum m 1\nsentinel down-after-milliseconds m 0\nsentinel\n",
		"sentinel.conf:1: quorum m: No such master with specified name",
		"sentinel.conf:2: sentinel monitor: wrong number of arguments",
		"sentinel.conf:3: sentinel quroum: Bad directive or wrong number of arguments; did you mean quorum?",
		`sentinel.conf:4: monitor.down-after-milliseconds: argument must be between 1 and 9223372036854775807 inclusive, got "0"`,
		"sentinel.conf:5: sentinel: wrong number of arguments")
	conf("sentinel resolve-hostnames no\nsentinel monitor m node1 6379 1\n",
		"sentinel.conf:2: m master: node1 is a host name: set resolve-hostnames yes")
	conf("sentinel monitor m 10.0.0.1 6379 1\nuser alice on\naclfile users.acl\n",
		"sentinel.conf:2: user: a directive of the node, not of the sentinel",
		"sentinel.conf:3: aclfile: a directive of the node, not of the sentinel")
}
