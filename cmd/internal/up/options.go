package up

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"holdfast/conf"
)

// Options are the command line of `holdfast up`.
type Options struct {
	Dir          string
	Nodes        int
	Sentinels    int
	Proxies      int
	ProxyPort    int // ports are consecutive from these
	NodePort     int
	SentinelPort int
	RaftPort     int
	AdminPort    int
	RestartAfter time.Duration // 0: a part that died stays dead

	Extra []Setting // directives for the parts, in the order given
}

// Setting is a directive of the configuration that parts get.
type Setting struct {
	Part  conf.Part // the parts it was narrowed to, or all
	Key   string
	Value string
}

// Defaults are the options of a bare `holdfast up`.
func Defaults() Options {
	return Options{
		Dir: "data", Nodes: 3, Sentinels: 3, Proxies: 1,
		ProxyPort: 6380, NodePort: 7001, SentinelPort: 26379, RaftPort: 27379, AdminPort: 9121,
		RestartAfter: 5 * time.Second,
	}
}

// own are the keys that up itself takes, with where each is stored.
func (o *Options) own() map[string]any {
	return map[string]any{
		"dir": &o.Dir, "nodes": &o.Nodes, "sentinels": &o.Sentinels, "proxies": &o.Proxies,
		"proxy-port": &o.ProxyPort, "node-port": &o.NodePort, "sentinel-port": &o.SentinelPort,
		"raft-port": &o.RaftPort, "admin-port": &o.AdminPort, "restart-after": &o.RestartAfter,
	}
}

// Parse reads --key value pairs (--key=value, too). What is not up's own goes
// to every part that knows it; node.KEY, sentinel.KEY and proxy.KEY to that
// part alone. An unknown key, or one that up must set by itself, is an error.
func Parse(args []string) (Options, error) {
	o := Defaults()
	own := o.own()
	for len(args) > 0 {
		key, value, rest, err := pair(args)
		if err != nil {
			return o, err
		}
		args = rest
		if target, ok := own[key]; ok {
			err = store(target, value)
		} else {
			err = o.addSetting(key, value)
		}
		if err != nil {
			return o, fmt.Errorf("--%s: %w", key, err)
		}
	}
	return o, o.validate()
}

func pair(args []string) (key, value string, rest []string, err error) {
	key, ok := strings.CutPrefix(args[0], "--")
	if !ok || key == "" {
		return "", "", nil, fmt.Errorf("%q is not a flag; write --key value", args[0])
	}
	if key, value, ok := strings.Cut(key, "="); ok {
		return strings.ToLower(key), value, args[1:], nil
	}
	if len(args) == 1 {
		return "", "", nil, fmt.Errorf("--%s needs a value", key)
	}
	return strings.ToLower(key), args[1], args[2:], nil
}

func store(target any, value string) (err error) {
	switch t := target.(type) {
	case *string:
		*t = value
	case *int:
		if *t, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("%q is not a number", value)
		}
	case *time.Duration:
		if ms, err := strconv.Atoi(value); err == nil {
			*t = time.Duration(ms) * time.Millisecond
			return nil
		}
		if *t, err = time.ParseDuration(value); err != nil {
			return fmt.Errorf("%q is not a duration such as 5s", value)
		}
	}
	return nil
}

// reserved are the directives whose value follows from the plan, with the flag
// of up that decides them.
var reserved = map[string]string{
	"port": "--node-port, --sentinel-port or --proxy-port", "bind": "", "dir": "--dir", "admin": "--admin-port",
	"logfile": "", "daemonize": "", "pidfile": "", "managed": "", "replicaof": "", "slaveof": "",
	"sentinels": "--sentinel-port", "group": "", "master": "", "replicas": "",
	"raft.id": "", "raft.listen": "--raft-port", "raft.advertise": "--raft-port", "raft.members": "--raft-port",
	"raft.single": "--sentinels",
}

var partNames = map[string]conf.Part{"node": conf.Node, "sentinel": conf.Sentinel, "proxy": conf.Proxy}

func (o *Options) addSetting(key, value string) error {
	s := Setting{Part: conf.All, Key: key, Value: value}
	if name, inner, ok := strings.Cut(key, "."); ok && partNames[name] != 0 {
		s.Part, s.Key = partNames[name], inner
	}
	if instead, ok := reserved[s.Key]; ok {
		if instead == "" {
			return fmt.Errorf("up sets %s by itself", s.Key)
		}
		return fmt.Errorf("up sets %s by itself; use %s", s.Key, instead)
	}
	if s.knownTo() == 0 {
		return fmt.Errorf("no part knows this key%s", near(s))
	}
	o.Extra = append(o.Extra, s)
	return nil
}

// knownTo is the set of parts that s is for and that know it.
func (s Setting) knownTo() conf.Part {
	var known conf.Part
	for _, part := range []conf.Part{conf.Node, conf.Sentinel, conf.Proxy} {
		if s.Part&part != 0 && s.flag(part) != "" {
			known |= part
		}
	}
	return known
}

// flag is how s is called on the command line of a part, or nothing. A
// sentinel's directive of a monitored group is given to the one group there is.
func (s Setting) flag(part conf.Part) string {
	switch {
	case conf.Lookup(part, s.Key) != nil && !strings.HasPrefix(s.Key, "monitor."):
		return "--" + s.Key
	case part == conf.Sentinel && conf.Lookup(part, "monitor."+s.Key) != nil:
		return "--monitor." + Group + "." + s.Key
	}
	return ""
}

// requirepass is the password that the parts of a kind were given; empty: none.
func (o *Options) requirepass(part conf.Part) (password string) {
	for _, s := range o.Extra {
		if s.Key == "requirepass" && s.Part&part != 0 {
			password = s.Value
		}
	}
	return password
}

// near asks the configuration what may have been meant.
func near(s Setting) string {
	for _, part := range []conf.Part{conf.Node, conf.Sentinel, conf.Proxy} {
		for _, prefix := range []string{"", "monitor."} {
			if name := conf.Nearest(part, prefix+s.Key); name != "" && s.Part&part != 0 {
				return fmt.Sprintf("; did you mean %s?", strings.TrimPrefix(name, "monitor."))
			}
		}
	}
	return ""
}

func (o *Options) validate() error {
	switch {
	case o.Nodes < 1 || o.Sentinels < 1 || o.Proxies < 1:
		return fmt.Errorf("a group needs at least one node, one sentinel and one proxy (%d, %d and %d were asked for)",
			o.Nodes, o.Sentinels, o.Proxies)
	case o.Nodes+o.Sentinels+o.Proxies > 64:
		return fmt.Errorf("%d parts are more than one machine should hold; at most 64", o.Nodes+o.Sentinels+o.Proxies)
	case o.RestartAfter < 0:
		return fmt.Errorf("--restart-after %v is negative", o.RestartAfter)
	}
	return nil
}
