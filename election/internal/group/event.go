package group

import (
	"fmt"
	"net"
)

// The formats are those of Redis Sentinel (sentinel.c, sentinelEvent): a master
// is "master <name> <ip> <port>", any other instance
// "<type> <id> <ip> <port> @ <name> <master ip> <master port>".

func (t *turn) say(g *Group, name, text string) {
	t.events = append(t.events, Event{Group: g.Name, Name: name, Text: text})
}

// Instance names a node as events do, in its present role.
func (g *Group) Instance(addr string) string { return g.instance(addr) }

func (g *Group) instance(addr string) string {
	if addr == g.Master.Addr {
		return g.master()
	}
	return g.slave(addr)
}

func (g *Group) master() string { return g.masterAt(g.Master.Addr) }

func (g *Group) masterAt(addr string) string {
	return fmt.Sprintf("master %s %s", g.Name, blank(addr))
}

func (g *Group) slave(addr string) string { return g.slaveOf(addr, g.Master.Addr) }

func (g *Group) slaveOf(addr, master string) string {
	return fmt.Sprintf("slave %s %s @ %s %s", addr, blank(addr), g.Name, blank(master))
}

// other names an instance that is no node.
func (g *Group) other(kind, id, addr string) string {
	return fmt.Sprintf("%s %s %s @ %s %s", kind, id, blank(addr), g.Name, blank(g.Master.Addr))
}

// Other names an instance that is no node, a sentinel, as events do.
func (g *Group) Other(kind, id, addr string) string { return g.other(kind, id, addr) }

// blank writes host:port as "host port".
func blank(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr + " 0"
	}
	return host + " " + port
}
