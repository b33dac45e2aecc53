package election

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/backend/resp"
	"holdfast/conf"
	"holdfast/election/internal/group"
)

// infoSections are Redis's of a sentinel, in its order (sentinel.c,
// sentinelInfoCommand). What has no meaning here is left out.
var infoSections = []struct {
	name string
	text func(c *conn) string
}{
	{"server", infoServer},
	{"clients", infoClients},
	{"stats", infoStats},
	{"cpu", infoCPU},
	{"sentinel", func(c *conn) string { return c.server.s.infoSentinel(c) }},
}

// info is INFO [section …]: Redis's sections of a sentinel and, in the last one,
// what is ours.
func info(c *conn, args [][]byte) {
	var parts []string
	for _, section := range infoSections {
		wanted := func(a []byte) bool {
			w := strings.ToLower(string(a))
			return w == section.name || w == "all" || w == "everything" || w == "default"
		}
		if len(args) == 0 || slices.ContainsFunc(args, wanted) {
			parts = append(parts, section.text(c))
		}
	}
	c.out = resp.AppendVerbatim(c.out, c.proto, "txt", strings.Join(parts, "\r\n"))
}

// fields writes a section: name and value by turns.
func fields(title string, pairs ...any) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\r\n", title)
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%v:%v\r\n", pairs[i], pairs[i+1])
	}
	return b.String()
}

func infoServer(c *conn) string {
	s, v := c.server.s, c.server
	var uts unix.Utsname
	_ = unix.Uname(&uts)
	text := unix.ByteSliceToString
	up := time.Since(s.started)
	exe, _ := os.Executable()
	pairs := []any{
		"redis_version", conf.RedisVersion, "holdfast_version", conf.Version,
		"redis_git_sha1", "00000000", "redis_git_dirty", 0, "redis_build_id", 0, "redis_mode", "sentinel",
		"os", text(uts.Sysname[:]) + " " + text(uts.Release[:]) + " " + text(uts.Machine[:]),
		"arch_bits", strconv.IntSize, "monotonic_clock", "POSIX clock_gettime", "multiplexing_api", "epoll",
		"atomicvar_api", "go", "gcc_version", runtime.Version(),
		"process_id", os.Getpid(), "process_supervised", "no", "run_id", s.runID, "tcp_port", v.port(),
		"server_time_usec", time.Now().UnixMicro(), "uptime_in_seconds", int(up.Seconds()), "uptime_in_days", int(up.Hours() / 24),
		"hz", int(time.Second / tick), "configured_hz", int(time.Second / tick),
		"executable", exe, "config_file", s.file.name(), "io_threads_active", 0,
	}
	for i, l := range v.listeners() {
		pairs = append(pairs, fmt.Sprint("listener", i), l)
	}
	return fields("Server", pairs...)
}

func infoClients(c *conn) string {
	return fields("Clients", "connected_clients", c.server.clients(), "maxclients", c.server.s.cfg.MaxClients, "blocked_clients", 0)
}

func infoStats(c *conn) string {
	t := &c.server.tally
	channels, patterns := c.server.subscriptions()
	return fields("Stats",
		"total_connections_received", t.connections.Load(), "total_commands_processed", t.commands.Load(),
		"total_net_input_bytes", t.in.Load(), "total_net_output_bytes", t.out.Load(), "rejected_connections", t.rejected.Load(),
		"pubsub_channels", channels, "pubsub_patterns", patterns, "total_error_replies", t.errors.Load(),
		"total_reads_processed", t.reads.Load(), "total_writes_processed", t.writes.Load())
}

func infoCPU(*conn) string {
	var self, children unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &self)
	_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &children)
	seconds := func(t unix.Timeval) string { return fmt.Sprintf("%d.%06d", t.Sec, t.Usec) }
	return fields("CPU", "used_cpu_sys", seconds(self.Stime), "used_cpu_user", seconds(self.Utime),
		"used_cpu_sys_children", seconds(children.Stime), "used_cpu_user_children", seconds(children.Utime))
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
			"sentinel_running_scripts:0\r\nsentinel_scripts_queue_length:0\r\nsentinel_simulate_failure_flags:%d\r\n",
			len(state.Groups), bit(l.tilt), since, s.failure.Load())
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
