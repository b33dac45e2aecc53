package backend

import (
	"strings"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/resp"
)

// admit decides whether a command may run or be queued now, and replies why
// not. The order is that of Redis (server.c, processCommand).
func (n *Node) admit(s *session, x *commands.Ctx, c *command.Command) bool {
	switch {
	case !s.authed && !c.Has(command.NoAuth):
		n.fail(s, x, "NOAUTH Authentication required.")
	case s.multi != nil && c.Has(command.NoMulti):
		n.fail(s, x, "ERR Command not allowed inside a transaction")
	case s.subs != nil && s.proto < 3 && !allowedWhileSubscribed(c):
		n.fail(s, x, "ERR Can't execute '"+c.Full+"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
	default:
		if text := n.routing(c); text != "" {
			n.refuseRouting(s, x, text)
			return false
		}
		return true
	}
	return false
}

// routing says why this node is not the one to ask for a command; empty when
// it is. A proxy takes these as events, not as replies.
func (n *Node) routing(c *command.Command) string {
	writes := c.Flags&command.Write != 0
	switch n.standing.role {
	case roleMaster:
		if writes && !n.standing.serving {
			return "READONLY You can't write against a read only replica."
		}
	case roleReplica:
		switch {
		case n.loading && !c.Has(command.Loading):
			return "LOADING Holdfast is loading the dataset in memory"
		case writes && n.cfg().ReplicaReadOnly:
			return "READONLY You can't write against a read only replica."
		case !n.linkUp() && !n.cfg().ReplicaServeStaleData && !c.Has(command.Stale):
			return "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
		}
	case roleNone:
		switch {
		case writes:
			return "READONLY You can't write against a read only replica."
		case n.empty() && !c.Has(command.Stale):
			// Nothing was ever received since the start: what Redis would
			// call stale data does not even exist.
			return "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
		}
	}
	return ""
}

// refuseRouting answers a routing refusal: as Redis does to a client, out of
// band on a native link, where it also ends the link's use: what was sent
// behind the refused command must not overtake it.
func (n *Node) refuseRouting(s *session, x *commands.Ctx, text string) {
	if !s.native {
		n.fail(s, x, text)
		return
	}
	s.poison = text
	refuse(x, text)
}

// refuse appends the frame that stands for the reply of a refused command.
func refuse(x *commands.Ctx, text string) {
	code, rest, _ := strings.Cut(text, " ")
	x.Out = append(x.Out, ">3\r\n+hfx\r\n"...)
	x.Out = resp.AppendSimple(x.Out, code)
	x.Out = resp.AppendSimple(x.Out, rest)
}

func allowedWhileSubscribed(c *command.Command) bool {
	switch c.Name {
	case "subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe", "ping", "quit", "reset":
		return true
	}
	return false
}
