package conf

import (
	"net"
	"strconv"
	"strings"
)

// BindAddr is one address to listen at.
type BindAddr struct {
	Host     string // an IP address or host name
	Optional bool   // when the address does not exist on this machine, go on without it
}

// Join is host:port.
func (b BindAddr) Join(port int) string { return net.JoinHostPort(b.Host, strconv.Itoa(port)) }

// BindAddrs reads bind as Redis does: a leading "-" makes an address optional, "*" is every IPv4 address and "::*" every
// IPv6 address.
func (c *Common) BindAddrs() []BindAddr {
	var out []BindAddr
	for _, word := range c.Bind {
		host, optional := strings.CutPrefix(word, "-")
		switch host {
		case "*":
			host = "0.0.0.0"
		case "::*":
			host = "::"
		}
		out = append(out, BindAddr{host, optional})
	}
	return out
}
