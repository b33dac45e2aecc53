package conf

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
)

// validator checks how values stand to each other. It adds to the problems and fills in what follows from other values.
type validator struct {
	*slots
	file string
}

func validate[C Config](s *slots, file string, cfg *C) {
	v := validator{s, file}
	switch c := any(cfg).(type) {
	case *NodeConfig:
		v.common(&c.Common)
		v.node(c)
	case *SentinelConfig:
		v.common(&c.Common)
		v.raft(c)
		for i := range c.Monitors {
			v.monitor(c, &c.Monitors[i])
		}
	case *ProxyConfig:
		v.common(&c.Common)
		v.proxy(c)
	}
}

// fault reports at the place where the first of the names was set, or else for the file as a whole.
func (v validator) fault(name, format string, args ...any) { v.faultOf("", name, format, args...) }

func (v validator) faultOf(monitor, name, format string, args ...any) {
	at := v.at(name, monitor)
	if at == (Place{}) && v.find(Lookup(v.part, name), monitor) == nil {
		at = Place{File: v.file}
	}
	key := name
	if monitor != "" {
		key = monitor + " " + shortKey(name)
	}
	v.problems.add(at, key, fmt.Errorf(format, args...))
}

func (v validator) common(c *Common) {
	if c.TLS.Port != 0 && (c.TLS.CertFile == "" || c.TLS.KeyFile == "") {
		v.fault("tls-port", "needs tls-cert-file and tls-key-file")
	}
	if c.TLS.Port != 0 && c.TLS.Port == c.Port {
		v.fault("tls-port", "is the same as port, %d", c.Port)
	}
	if len(c.Bind) == 0 && c.Port != 0 && c.UnixSocket == "" {
		v.fault("bind", "needs at least one address, or port 0")
	}
}

func (v validator) node(c *NodeConfig) {
	if c.ACLFile != "" && len(c.Users) > 0 {
		v.fault("aclfile", "users come from the file or from user lines, not from both")
	}
	if control := c.EffectiveControlPort(); control > 65535 {
		v.fault("port", "port + %d, the control port, would be %d: set control-port", controlOffset, control)
	}
	if c.ControlPort != 0 && (c.ControlPort == c.Port || c.ControlPort == c.TLS.Port) {
		v.fault("control-port", "is the port of the clients too, %d", c.ControlPort)
	}
	if c.DBFilename == "" {
		v.fault("dbfilename", "can't be empty, but a name in dir")
	}
}

var errNoMembers = errors.New("a sentinel needs raft.members, identical on every sentinel; a group of one must say raft-single yes")

// raft checks the membership and derives the addresses from it. Groups of one that nobody asked for would each elect
// their own master.
func (v validator) raft(c *SentinelConfig) {
	r := &c.Raft
	if r.Single {
		v.singleRaft(c)
		return
	}
	if len(r.Members) == 0 {
		v.problems.add(Place{File: v.file}, "", errNoMembers)
		return
	}
	if !v.membersDiffer(r.Members) {
		return
	}
	own := slices.IndexFunc(r.Members, func(m Member) bool { return m.ID == r.ID })
	switch {
	case r.ID == "":
		v.fault("raft.id", "is missing: which of the members %s is this sentinel?", formatMembers(r.Members))
	case own < 0:
		v.fault("raft.members", "this sentinel, %q (raft.id), is not among the members %s", r.ID, formatMembers(r.Members))
	default:
		v.raftAddresses(r, r.Members[own].Addr)
	}
}

func (v validator) membersDiffer(members []Member) bool {
	for i, m := range members {
		for _, other := range members[:i] {
			if m.ID == other.ID || m.Addr == other.Addr {
				v.fault("raft.members", "%s=%s and %s=%s are the same member", other.ID, other.Addr, m.ID, m.Addr)
				return false
			}
		}
	}
	return true
}

func (v validator) raftAddresses(r *Raft, own string) {
	if r.Advertise != "" && r.Advertise != own {
		v.fault("raft.advertise", "is %s, but the members say %s=%s", r.Advertise, r.ID, own)
	}
	r.Advertise = own
	if r.Listen == "" {
		r.Listen = own
	}
}

// raftOffset is how far a lone sentinel's raft port lies above its port when no address is given.
const raftOffset = 1000

func (v validator) singleRaft(c *SentinelConfig) {
	r := &c.Raft
	if len(r.Members) > 1 {
		v.fault("raft.single", "contradicts raft.members, which has %d", len(r.Members))
		return
	}
	if len(r.Members) == 1 && r.ID == "" {
		r.ID = r.Members[0].ID
	}
	if r.ID == "" {
		r.ID = "s1"
	}
	if len(r.Members) == 0 {
		addr := r.Advertise
		if addr == "" {
			addr = r.Listen
		}
		if addr == "" {
			addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port+raftOffset))
		}
		r.Members = []Member{{r.ID, addr}}
	}
	if r.Members[0].ID != r.ID {
		v.fault("raft.members", "this sentinel, %q (raft.id), is not among the members %s", r.ID, formatMembers(r.Members))
		return
	}
	v.raftAddresses(r, r.Members[0].Addr)
}

// groupName is what Redis takes as a master's name.
var groupName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func (v validator) monitor(c *SentinelConfig, m *Monitor) {
	fault := func(option, format string, args ...any) { v.faultOf(m.Name, monitorPrefix+option, format, args...) }
	if !groupName.MatchString(m.Name) {
		fault("name", "a name has letters, digits and any of . - _ only")
	}
	if m.Master == "" {
		fault("master", "is missing: host:port of the master at the first start")
	}
	if m.Quorum > len(c.Raft.Members) && len(c.Raft.Members) > 0 {
		if v.find(Lookup(Sentinel, "monitor.quorum"), m.Name) == nil {
			m.Quorum = len(c.Raft.Members) // the default is for three and more
		} else {
			fault("quorum", "is %d, more than there are raft.members, %d", m.Quorum, len(c.Raft.Members))
		}
	}
	if least := 3 * c.Raft.Timeout; m.Lease < least {
		fault("lease-milliseconds", "is %d, but must be at least 3 x raft.timeout, %d", m.Lease.Milliseconds(), least.Milliseconds())
	}
	if !c.ResolveHostnames {
		for _, addr := range append([]string{m.Master}, m.Replicas...) {
			if host, _, _ := net.SplitHostPort(addr); host != "" && net.ParseIP(host) == nil {
				fault("master", "%s is a host name: set resolve-hostnames yes", host)
			}
		}
	}
}

func (v validator) proxy(c *ProxyConfig) {
	dynamic, static := len(c.Sentinels) > 0, c.Master != ""
	switch {
	case dynamic && static:
		v.fault("master", "contradicts sentinels: the topology has one source")
	case !dynamic && !static:
		v.problems.add(Place{File: v.file}, "", errors.New("a proxy needs sentinels and group, or master"))
	case dynamic && c.Group == "":
		v.fault("sentinels", "needs group, the name of the monitored group")
	case dynamic && len(c.Replicas) > 0:
		v.fault("replicas", "comes from the sentinels; it belongs to master only")
	}
}
