package backend

import (
	"strings"
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/repl"
	"holdfast/backend/resp"
	"holdfast/conf"
)

// admit decides whether a command may run or be queued now, and replies why
// not. The order is that of Redis (server.c, processCommand).
func (n *Node) admit(s *session, x *commands.Ctx, h *handler, args [][]byte) bool {
	c := n.facts(h, args)
	switch {
	case c.Name == "debug" && !s.isTrusted(n.cfg().EnableDebugCommand): // before it is queued
		n.fail(s, x, debugRefused)
	case !s.authed && !c.Has(command.NoAuth) && !n.users.Open():
		n.fail(s, x, noAuth)
	case s.multi != nil && c.Has(command.NoMulti):
		n.fail(s, x, "ERR Command not allowed inside a transaction")
	case !n.permits(s, x, h, args):
	case s.subs != nil && s.proto < 3 && !allowedWhileSubscribed(c):
		n.fail(s, x, "ERR Can't execute '"+c.Full+"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
	case n.mu.parted && !c.Has(command.AllowBusy) && (c.Has(command.Loading) || !n.loading.Load()): // else LOADING comes first
		n.refuseBusy(s, x, c)
	default:
		if text := s.routing(h, c); text != "" {
			n.refuseRouting(s, x, text)
			return false
		}
		n.relieve(s, x)
		text := n.trouble(c)
		if text == "" && n.noRoom && s.multi != nil && !endsQueue(c) {
			text = oomText // what is queued takes memory too
		}
		if text != "" {
			n.fail(s, x, text)
			return false
		}
		return true
	}
	return false
}

const noAuth = "NOAUTH Authentication required."

// refuseBusy says what to do while a script has run for too long. EXEC ends its
// transaction: half of what it was to hold may have been refused.
func (n *Node) refuseBusy(s *session, x *commands.Ctx, c *command.Command) {
	what, _ := n.scripts.Running()
	text := what.Kind.Busy()
	if c.Name == "exec" {
		s.endMulti()
		s.unwatch()
		text = execAbort + text
	}
	n.fail(s, x, text)
}

// Texts of routing refusals.
const (
	readOnlyText = "READONLY You can't write against a read only replica."
	loadingText  = "LOADING Redis is loading the dataset in memory"
)

// routing says why this node is not the one to ask for a command; empty when
// it is. A proxy takes these as events, not as replies.
func (n *Node) routing(c *command.Command) string {
	writes := c.Has(command.Write)
	st := &n.standing
	switch {
	case n.loading.Load() && !c.Has(command.Loading):
		return loadingText
	case st.role == roleMaster && writes && (!st.serving || n.lapsed),
		st.role == roleReplica && writes && n.cfg().ReplicaReadOnly,
		st.role == roleNone && writes:
		return readOnlyText
	case !c.Has(command.Stale) && n.stale():
		return staleText
	}
	return ""
}

const staleText = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."

// stale tells whether the data is too old to be shown.
func (n *Node) stale() bool {
	switch n.standing.role {
	case roleReplica:
		return !n.cfg().ReplicaServeStaleData && !n.linkUp()
	case roleNone:
		// Nothing was ever received since the start: what Redis would call stale
		// data does not even exist.
		return n.empty()
	}
	return false
}

// routing adds what only a native link is told: a command that may reach the
// replicas without being a write, such as a script, belongs to the master, and
// must not be found out half-way. So does all that a strong link asks for.
func (s *session) routing(h *handler, c *command.Command) string {
	st := &s.node.standing
	if (s.native && mayReplicate(c) || s.strong && h.mustBeProved()) && (st.role != roleMaster || !st.serving || s.node.lapsed) {
		return readOnlyText
	}
	return s.node.routing(c)
}

func mayReplicate(c *command.Command) bool {
	switch c.Name {
	case "eval", "evalsha", "fcall", "publish", "spublish", "pfcount":
		return true
	}
	return c.Full == "holdfast|linkpos"
}

const misconfText = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
	"Commands that may modify the data set are disabled, because this instance is configured to report errors during writes " +
	"if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error."

// trouble says why a command cannot be run with the disk, the memory or the
// replicas there are; empty when it can.
func (n *Node) trouble(c *command.Command) string {
	if n.standing.role != roleMaster { // what the master could do, its replicas must
		return ""
	}
	cfg := n.cfg()
	switch {
	case n.noRoom && c.Has(command.DenyOOM):
		return oomText
	case n.saves.failed && cfg.StopWritesOnSaveError && len(cfg.Save) > 0 && (c.Has(command.Write) || c.Name == "ping"):
		return misconfText
	case n.aof.failed != nil && (c.Has(command.Write) || c.Name == "ping"):
		return aofErrorText(n.aof.failed)
	case wantsReplicas(cfg) && c.Has(command.Write) && n.goodReplicas(cfg.MinReplicasMaxLag) < cfg.MinReplicasToWrite:
		return "NOREPLICAS Not enough good replicas to write."
	}
	return ""
}

// wantsReplicas tells whether writes need a number of good replicas; either
// setting switches that off.
func wantsReplicas(cfg *conf.NodeConfig) bool {
	return cfg.MinReplicasToWrite > 0 && cfg.MinReplicasMaxLag > 0
}

// goodReplicas counts those that were heard within maxLag.
func (n *Node) goodReplicas(maxLag time.Duration) (good int) {
	for _, r := range n.feeds.Replicas() {
		if r.State == repl.FeedOnline && r.Lag <= maxLag {
			good++
		}
	}
	return good
}

const oomText = "OOM command not allowed when used memory > 'maxmemory'."

// refuseRouting answers a routing refusal: as Redis does to a client, out of
// band on a native link, where it also ends the link's use: what was sent
// behind the refused command must not overtake it.
func (n *Node) refuseRouting(s *session, x *commands.Ctx, text string) {
	if !s.native {
		n.fail(s, x, text)
		return
	}
	n.countError(text)
	s.poison = text
	refuse(x, text)
}

// refuse replies the frame that stands for the reply of a refused command.
func refuse(x *commands.Ctx, text string) { x.Out = appendRefusal(x.Out, text) }

func appendRefusal(b []byte, text string) []byte {
	code, rest, _ := strings.Cut(text, " ")
	b = append(b, ">3\r\n+hfx\r\n"...)
	return resp.AppendSimple(resp.AppendSimple(b, code), rest)
}

func allowedWhileSubscribed(c *command.Command) bool {
	switch c.Name {
	case "subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe", "ping", "quit", "reset":
		return true
	}
	return false
}
