package election

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/conf"
	"holdfast/election/internal/group"
)

// CONFIG SET changes this sentinel alone; what it is called by, the others learn.
func TestConfig(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, func(c *cluster) {
		c.adjust = func(cfg *conf.SentinelConfig) { cfg.LogLevel = "notice" }
	})
	c.stable()
	for _, r := range []struct{ request, want string }{
		{"CONFIG", "ERR wrong number of arguments for 'sentinel|config' command"},
		{"CONFIG GET", "ERR wrong number of arguments for 'sentinel|config' command"},
		{"CONFIG SET loglevel", "ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...]/ SET <param> <value> [<param> <value> ...] are supported."},
		{"CONFIG GET nosuch", ""},
		{"CONFIG GET *-IP LogLevel *ip", "announce-ip 127.0.0.1 loglevel notice"},
		{"CONFIG SET loglevel notice nosuch 1", "ERR Invalid argument 'nosuch' to SENTINEL CONFIG SET"},
		{"CONFIG SET loglevel notice LOGLEVEL debug", "ERR Duplicate argument 'LOGLEVEL' to SENTINEL CONFIG SET"},
		{"CONFIG SET loglevel notice announce-port", "ERR Missing argument 'announce-port' value"},
		{"CONFIG SET announce-ip 10.0.0.1 LogLevel x", "ERR Invalid value 'x' to SENTINEL CONFIG SET 'LogLevel'"},
		{"CONFIG SET announce-port 65536", "ERR Invalid value '65536' to SENTINEL CONFIG SET 'announce-port'"},
		{"CONFIG SET resolve-hostnames maybe", "ERR Invalid value 'maybe' to SENTINEL CONFIG SET 'resolve-hostnames'"},
		{"CONFIG SET announce-hostnames no", "ERR Invalid value 'no' to SENTINEL CONFIG SET 'announce-hostnames': clients are told every address as it was given, host names included, always"},
		{"CONFIG SET announce-hostnames yes resolve-hostnames no LOGLEVEL Warning sentinel-user u sentinel-pass p", "OK"},
		{"CONFIG GET *", "resolve-hostnames no announce-hostnames yes announce-ip 127.0.0.1 announce-port 0 sentinel-user u sentinel-pass p loglevel warning"},
	} {
		v, err := c.do("s1", append([]string{"SENTINEL"}, strings.Fields(r.request)...)...)
		if got := show(v); got != r.want && (err == nil || err.Error() != r.want) {
			t.Errorf("%s\n got %s\nwant %s", r.request, got, r.want)
		}
	}
	if v, err := c.do("s2", "SENTINEL", "CONFIG", "GET", "loglevel"); err != nil || show(v) == "loglevel warning" {
		t.Errorf("another sentinel took the change too: %s, %v", show(v), err)
	}
	if v, err := c.do("s1", "SENTINEL", "CONFIG", "SET", "announce-ip", "127.0.0.2", "sentinel-user", "", "sentinel-pass", ""); err != nil || v.Text != "OK" {
		t.Fatal(v.Text, err)
	}
	eventually(t, "the others to know the new address", func() bool {
		return strings.HasPrefix(c.sentinels["s3"].machine.state.Load().Sentinels["s1"].Addr, "127.0.0.2:")
	})
}

// Without host names a sentinel with one among its nodes would not start again.
func TestHostNamesInUse(t *testing.T) {
	s := &Sentinel{cfg: &conf.SentinelConfig{Monitors: []conf.Monitor{{Master: "10.0.0.1:1", Replicas: []string{"[::1]:2"}}}}}
	state := group.NewState()
	if name := s.hostName(state); name != "" {
		t.Errorf("%s is no host name", name)
	}
	state.Groups["m"] = &group.Group{Nodes: map[string]group.Node{"node3:1": {}}}
	if name := s.hostName(state); name != "node3" {
		t.Errorf("found %q", name)
	}
}

// What CONFIG SET changes stands in the file, where there is one; a file that
// cannot be written is told.
func TestConfigInFile(t *testing.T) {
	for _, name := range []string{"sentinel.toml", "sentinel.conf"} {
		path := filepath.Join(t.TempDir(), name)
		text := "# mine\nport = 1\n"
		if name == "sentinel.conf" {
			text = "# mine\nport 1\n"
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &Sentinel{settings: conf.Of(conf.SentinelConfig{}), file: &file{path: path}}
		if err := s.configure([]conf.Pair{{Name: "announce-port", Value: "7"}, {Name: "sentinel-pass", Value: "a b"}, {Name: "announce-hostnames", Value: "yes"}}); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if got := string(b); err != nil || !strings.HasPrefix(got, text) || !strings.Contains(got, "announce-port") || !strings.Contains(got, "a b") || strings.Contains(got, "hostnames") {
			t.Errorf("%s:\n%s%v", name, got, err)
		}
		if now := s.settings.Config(); now.AnnouncePort != 7 || now.SentinelPass != "a b" {
			t.Errorf("%+v", now)
		}
		s.file.path = filepath.Join(t.TempDir(), "gone")
		if err := s.configure([]conf.Pair{{Name: "announce-port", Value: "8"}}); err == nil || s.settings.Config().AnnouncePort != 8 {
			t.Errorf("without the file: %v, port %d", err, s.settings.Config().AnnouncePort)
		}
	}
}

// Another password for the sentinels is used from the next request on.
func TestPeersLogInAnew(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, quiet)
	c.stable()
	leader := c.leader()
	heard := func() bool {
		v, err := doAt(leader.Addr(), "SENTINEL", "CKQUORUM", "mymaster")
		return err == nil && strings.HasPrefix(v.Text, "OK 3")
	}
	eventually(t, "the others to be heard", heard)
	before := leader.server.nextID.Load()
	for _, s := range c.sentinels {
		if _, err := doAt(s.Addr(), "SENTINEL", "CONFIG", "SET", "sentinel-pass", "p"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "both others to have connected anew", func() bool { return leader.server.nextID.Load() >= before+3 })
	eventually(t, "the others to be heard", heard)
}

// The bounds of SENTINEL SET are those of the file.
func TestSetAndFileAgree(t *testing.T) {
	now := group.Settings{Lease: 2e9}
	takes := func(option, text string) bool {
		_, err := now.With([]group.Option{{Name: option, Value: text}})
		return err == nil
	}
	known := 0
	for _, d := range conf.Directives(conf.Sentinel) {
		option, ours := strings.CutPrefix(d.Name, "monitor.")
		if !ours || !takes(option, d.Default) {
			continue
		}
		known++
		for _, text := range append(d.Enum, "-1", "0", "1", "16", "17", "149", "150", "60000", "60001", "2147483647", "2147483648", "9223372036854", "yes", "x") {
			if d.Type == conf.String {
				continue
			}
			if _, err := d.Parse(text, nil); (err == nil) != takes(option, text) {
				t.Errorf("%s %s: the file says %v", option, text, err)
			}
		}
	}
	if known != 12 {
		t.Errorf("%d options of the file can be set", known)
	}
}
