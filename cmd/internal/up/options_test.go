package up

import (
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/conf"
)

func TestParse(t *testing.T) {
	o, err := Parse(strings.Fields("--dir d --nodes 2 --proxies=2 --restart-after 500ms --down-after-milliseconds 1000 " +
		"--node.maxmemory 1gb --LOGLEVEL debug --proxy.read-policy master"))
	if err != nil {
		t.Fatal(err)
	}
	if o.Dir != "d" || o.Nodes != 2 || o.Proxies != 2 || o.RestartAfter != 500*time.Millisecond {
		t.Errorf("%+v", o)
	}
	want := []Setting{
		{conf.All, "down-after-milliseconds", "1000"},
		{conf.Node, "maxmemory", "1gb"},
		{conf.All, "loglevel", "debug"},
		{conf.Proxy, "read-policy", "master"},
	}
	if !slices.Equal(o.Extra, want) {
		t.Errorf("settings %v, want %v", o.Extra, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"nodes 3":                    `"nodes" is not a flag`,
		"--nodes":                    "--nodes needs a value",
		"--nodes three":              `"three" is not a number`,
		"--restart-after soon":       "not a duration",
		"--nodes 0":                  "at least one node",
		"--down-after-millisecond 9": "did you mean down-after-milliseconds?",
		"--nonesuch 1":               "no part knows this key",
		"--proxy.maxmemory 1gb":      "no part knows this key",
		"--port 7000":                "use --node-port, --sentinel-port or --proxy-port",
		"--node.managed no":          "up sets managed by itself",
		"--raft.members s1=h:1":      "use --raft-port",
	} {
		if _, err := Parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", args, err, want)
		}
	}
}

// Every part must accept the command line that is planned for it.
func TestPlanIsWhatThePartsAccept(t *testing.T) {
	for _, args := range []string{
		"",
		"--nodes 1 --sentinels 1 --proxies 2",
		"--nodes 5 --sentinels 5 --write-acks 2 --down-after-milliseconds 1000 --hold-timeout 20s --maxmemory 100mb",
	} {
		o, err := Parse(strings.Fields(args))
		if err != nil {
			t.Fatal(err)
		}
		o.Dir = t.TempDir()
		parts, err := Plan(o)
		if err != nil {
			t.Fatal(err)
		}
		if len(parts) != o.Nodes+o.Sentinels+o.Proxies {
			t.Fatalf("%q: %d parts", args, len(parts))
		}
		for _, p := range parts {
			if err := load(p); err != nil {
				t.Errorf("%q: %s %v: %v", args, p.Name, p.Args, err)
			}
		}
	}
}

func load(p Part) (err error) {
	switch p.Kind {
	case conf.Node:
		_, err = conf.New[conf.NodeConfig](p.Args[1:]...)
	case conf.Sentinel:
		_, err = conf.New[conf.SentinelConfig](p.Args[1:]...)
	case conf.Proxy:
		_, err = conf.New[conf.ProxyConfig](p.Args[1:]...)
	}
	return err
}

func TestPlanGivesSettingsToThoseWhoKnowThem(t *testing.T) {
	o, err := Parse(strings.Fields("--write-acks 2 --quorum 3 --nodes 3 --sentinel.loglevel debug --requirepass a --sentinel.requirepass b --proxy.auth-pass c"))
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		line := strings.Join(p.Args, " ")
		for text, kinds := range map[string]conf.Part{
			"--write-acks 2":                    conf.Node,
			"--monitor.mymaster.write-acks 2":   conf.Sentinel,
			"--monitor.mymaster.quorum 3":       conf.Sentinel,
			"--loglevel debug":                  conf.Sentinel,
			"--managed yes":                     conf.Node,
			"--monitor.mymaster.master 127.0.0": conf.Sentinel,
			"--sentinels 127.0.0.1:26379":       conf.Proxy,
			"--masterauth a":                    conf.Node,
			"--monitor.mymaster.auth-pass a":    conf.Sentinel,
			"--sentinel-pass b":                 conf.Sentinel | conf.Proxy,
			"--auth-pass a --sentinel-pass b":   conf.Proxy, // what was said besides stands above it:
			"--auth-pass c":                     conf.Proxy,
		} {
			if got, want := strings.Contains(line, text), kinds&p.Kind != 0; got != want {
				t.Errorf("%s has %q: %v, want %v: %s", p.Name, text, got, want, line)
			}
		}
	}
}

func TestPlanRefusesPortsThatCannotBe(t *testing.T) {
	for args, want := range map[string]string{
		"--node-port 60000":                        "does not exist",
		"--proxy-port 7002":                        "would share port 7002",
		"--sentinel-port 30000 --raft-port 30001":  "would share port 30001",
		"--admin-port 65535 --proxies 2":           "port 65536",
		"--node-port 7001 --proxy-port 17003 ":     "would share port 17003",
		"--sentinel-port 5000 --proxy-port 5003":   "",
		"--node-port 0":                            "port 0",
		"--nodes 1 --node-port 7001 --proxies 1  ": "",
	} {
		o, err := Parse(strings.Fields(args))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Plan(o)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}
