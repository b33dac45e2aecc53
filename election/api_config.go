//lint:file-ignore ST1005 the errors have the texts of Redis Sentinel, which its clients know

package election

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"holdfast/backend/resp"
	"holdfast/conf"
	"holdfast/election/internal/group"
)

type param struct {
	name  string
	valid func(text string) bool // nil: any text
}

// params are what SENTINEL CONFIG knows, in the order in which Redis answers
// them (sentinel.c, sentinelConfigGetCommand). They are this sentinel's own and
// not agreed on with the others.
var params = []param{
	{"resolve-hostnames", isYesNo},
	{"announce-hostnames", isYesNo},
	{"announce-ip", nil},
	{"announce-port", func(text string) bool {
		n, err := strconv.ParseUint(text, 10, 16)
		return err == nil && strconv.FormatUint(n, 10) == text
	}},
	{"sentinel-user", nil},
	{"sentinel-pass", nil},
	{"loglevel", func(text string) bool {
		return slices.Contains([]string{"debug", "verbose", "notice", "warning", "nothing"}, strings.ToLower(text))
	}},
}

func isYesNo(text string) bool {
	return strings.EqualFold(text, "yes") || strings.EqualFold(text, "no")
}

// configCommand is SENTINEL CONFIG GET|SET.
func configCommand(c *conn, args [][]byte) {
	switch sub := strings.ToUpper(string(args[0])); {
	case sub == "GET":
		c.configGet(args[1:])
	case sub == "SET" && len(args) > 2:
		c.configSet(args[1:])
	default:
		c.fail("ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...]/ SET <param> <value> [<param> <value> ...] are supported.")
	}
}

func (c *conn) configGet(patterns [][]byte) {
	var found []string
	for _, pattern := range patterns {
		for _, p := range params {
			if matches(strings.ToLower(string(pattern)), p.name) && !slices.Contains(found, p.name) {
				found = append(found, p.name)
			}
		}
	}
	c.out = resp.AppendMap(c.out, c.proto, len(found))
	for _, name := range found {
		c.out = resp.AppendBulkString(resp.AppendBulkString(c.out, name), c.server.s.valueOf(name))
	}
}

func (s *Sentinel) valueOf(name string) string {
	if name == "announce-hostnames" {
		return "yes" // clients are told every address as it was given
	}
	text, _ := s.settings.Value(name)
	return text
}

// configSet validates everything before it changes anything. What this sentinel
// cannot do is refused with the reason.
func (c *conn) configSet(args [][]byte) {
	pairs, err := pairsOf(args)
	if err == nil {
		err = c.server.s.mayConfigure(pairs)
	}
	if err != nil {
		c.fail("ERR " + err.Error())
		return
	}
	if err := c.server.s.configure(pairs); err != nil {
		c.server.s.log.Warn("CONFIG SET holds until this sentinel ends: " + err.Error())
		c.fail("ERR Failed to save config file. Check server logs.")
		return
	}
	c.ok()
}

// pairsOf reads the arguments of CONFIG SET; the errors are Redis's (sentinel.c,
// sentinelConfigSetCommand), without the leading ERR.
func pairsOf(args [][]byte) (pairs []conf.Pair, err error) {
	for i := 0; i < len(args); i += 2 {
		given := string(args[i])
		name := strings.ToLower(given)
		at := slices.IndexFunc(params, func(p param) bool { return p.name == name })
		switch {
		case at < 0:
			return nil, fmt.Errorf("Invalid argument '%s' to SENTINEL CONFIG SET", given)
		case slices.ContainsFunc(pairs, func(p conf.Pair) bool { return p.Name == name }):
			return nil, fmt.Errorf("Duplicate argument '%s' to SENTINEL CONFIG SET", given)
		case i+1 == len(args):
			return nil, fmt.Errorf("Missing argument '%s' value", given)
		}
		value := string(args[i+1])
		if valid := params[at].valid; valid != nil {
			if !valid(value) {
				return nil, fmt.Errorf("Invalid value '%s' to SENTINEL CONFIG SET '%s'", value, given)
			}
			value = strings.ToLower(value)
		}
		pairs = append(pairs, conf.Pair{Name: name, Value: value})
	}
	return pairs, nil
}

// mayConfigure refuses what has another meaning than in Redis, or would keep this
// sentinel from starting again.
func (s *Sentinel) mayConfigure(pairs []conf.Pair) error {
	for _, p := range pairs {
		refuse := func(why string) error {
			return fmt.Errorf("Invalid value '%s' to SENTINEL CONFIG SET '%s': %s", p.Value, p.Name, why)
		}
		switch {
		case p == conf.Pair{Name: "announce-hostnames", Value: "no"}:
			return refuse(conf.Lookup(conf.Sentinel, p.Name).Inert)
		case p == conf.Pair{Name: "resolve-hostnames", Value: "no"}:
			if host := s.hostName(s.machine.state.Load()); host != "" {
				return refuse(host + " is a host name")
			}
		}
	}
	return nil
}

// hostName is a host name among the addresses of the file and of the state, "" if
// there is none.
func (s *Sentinel) hostName(state *group.State) string {
	var addrs []string
	for _, m := range s.cfg.Monitors {
		addrs = append(append(addrs, m.Master), m.Replicas...)
	}
	for _, g := range state.Groups {
		addrs = append(addrs, g.Addrs()...)
	}
	for _, addr := range addrs {
		if host, _ := splitHostPort(addr); net.ParseIP(host) == nil {
			return host
		}
	}
	return ""
}

// configure changes settings of this sentinel, and then its file, where there is
// one.
func (s *Sentinel) configure(pairs []conf.Pair) error {
	var changes []conf.Change
	for _, p := range pairs {
		if conf.Lookup(conf.Sentinel, p.Name).Inert == "" {
			changes = append(changes, conf.Change{Key: p.Name, Text: p.Value})
		}
	}
	if err := s.settings.Put(pairs...); err != nil {
		return err
	}
	return s.file.write(changes...)
}
