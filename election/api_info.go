package election

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/resp"
	"holdfast/conf"
	"holdfast/election/internal/group"
)

// info is INFO [section …]: Redis's sections of a sentinel and, in the last one,
// what is ours.
func info(c *conn, args [][]byte) {
	wants := func(section string) bool {
		return len(args) == 0 || slices.ContainsFunc(args, func(a []byte) bool {
			w := strings.ToLower(string(a))
			return w == section || w == "all" || w == "everything" || w == "default"
		})
	}
	s := c.server.s
	var parts []string
	if wants("server") {
		parts = append(parts, s.infoServer())
	}
	if wants("clients") {
		parts = append(parts, fmt.Sprintf("# Clients\r\nconnected_clients:%d\r\nmaxclients:%d\r\n", s.server.clients(), s.cfg.MaxClients))
	}
	if wants("sentinel") {
		parts = append(parts, s.infoSentinel(c))
	}
	c.out = resp.AppendVerbatim(c.out, c.proto, "txt", strings.Join(parts, "\r\n"))
}

func (s *Sentinel) infoServer() string {
	up := int(time.Since(s.started).Seconds())
	return fmt.Sprintf("# Server\r\nredis_version:%s\r\nholdfast_version:%s\r\nredis_mode:sentinel\r\nos:%s %s\r\narch_bits:64\r\nprocess_id:%d\r\nrun_id:%s\r\n"+
		"tcp_port:%d\r\nuptime_in_seconds:%d\r\nuptime_in_days:%d\r\n",
		conf.RedisVersion, conf.Version, runtime.GOOS, runtime.GOARCH, os.Getpid(), s.runID, s.server.port(), up, up/86400)
}

func (s *Sentinel) infoSentinel(c *conn) string {
	state := s.machine.state.Load()
	var b strings.Builder
	lost := map[string]int{}
	c.inLoop(func(l *loop) {
		since := -1
		if l.tilt {
			since = int(time.Since(l.tiltSince).Seconds())
		}
		fmt.Fprintf(&b, "# Sentinel\r\nsentinel_masters:%d\r\nsentinel_tilt:%d\r\nsentinel_tilt_since_seconds:%d\r\n"+
			"sentinel_running_scripts:0\r\nsentinel_scripts_queue_length:0\r\nsentinel_simulate_failure_flags:0\r\n",
			len(state.Groups), bit(l.tilt), since)
		for i, name := range state.Names() {
			g := state.Groups[name]
			addr := clientMaster(g)
			fmt.Fprintf(&b, "master%d:name=%s,status=%s,address=%s,slaves=%d,sentinels=%d\r\n",
				i, name, l.status(g), addr, len(g.Nodes)-1, len(state.Sentinels))
			lost[name] = l.lostAcked(name)
		}
		fmt.Fprintf(&b, "holdfast_raft_id:%s\r\nholdfast_raft_leader:%s\r\nholdfast_raft_term:%d\r\n", l.id, l.raft.Leader(), l.raft.Term())
	})
	for i, name := range state.Names() {
		g := state.Groups[name]
		fmt.Fprintf(&b, "holdfast_group%d:name=%s,phase=%s,epoch=%d,holders_version=%d,holders=%d,write_acks=%d,degraded=%d,lost_acked_writes=%d\r\n",
			i, name, g.Phase, g.Epoch, g.Holders.Version, len(g.Holders.Members), g.Holders.N, bit(g.Degraded), lost[name])
		if g.Reason != "" {
			fmt.Fprintf(&b, "holdfast_group%d_waiting:%s\r\n", i, g.Reason)
		}
	}
	return b.String()
}

// lostAcked sums what the nodes of a group say, as of their last INFO, of writes
// that were answered and that they gave up since they started.
func (l *loop) lostAcked(name string) (sum int) {
	if m := l.groups[name]; m != nil {
		for _, w := range m.nodes {
			n, _ := strconv.Atoi(w.info["lost_acked_writes_total"]) // a plain Redis has none
			sum += n
		}
	}
	return sum
}

func bit(v bool) int {
	if v {
		return 1
	}
	return 0
}

// status is what INFO says of a master.
func (l *loop) status(g *group.Group) string {
	m := l.groups[g.Name]
	switch {
	case odown(g):
		return "odown"
	case m != nil && m.nodes[g.Master.Addr] != nil && m.nodes[g.Master.Addr].down:
		return "sdown"
	}
	return "ok"
}

// odown tells whether the group's master is objectively down.
func odown(g *group.Group) bool {
	return g.Attempt.ODown || g.Votes(func(string) bool { return true }) >= g.Settings.Quorum
}

// clientMaster is the address that clients are told. While a new master is on
// its way through its barrier it is the old one's, as with Redis, which tells
// the new one at the end of a failover too.
func clientMaster(g *group.Group) string {
	if g.Opened.Addr != "" {
		return g.Opened.Addr
	}
	return g.Master.Addr
}

// parseInfo reads the fields of an INFO reply.
func parseInfo(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if ok {
			fields[name] = value
		}
	}
	return fields
}
