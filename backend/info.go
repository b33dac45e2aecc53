package backend

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/backend/internal/repl"
	"holdfast/backend/internal/store"
)

// infoSection is one section of INFO; everything shows it without being asked
// when it is listed by default.
type infoSection struct {
	name  string
	print func(n *Node, b *strings.Builder)
}

var infoSections = []infoSection{
	{"Server", infoServer},
	{"Clients", infoClients},
	{"Memory", infoMemory},
	{"Persistence", infoPersistence},
	{"Stats", infoStats},
	{"Replication", infoReplication},
	{"CPU", infoCPU},
	{"Errorstats", func(*Node, *strings.Builder) {}},
	{"Cluster", func(_ *Node, b *strings.Builder) { field(b, "cluster_enabled", 0) }},
	{"Keyspace", infoKeyspace},
}

// info prints the sections asked for; none, "default", "all" and "everything"
// are all of them.
func (n *Node) info(names [][]byte) string {
	var b strings.Builder
	for _, s := range infoSections {
		if !wanted(s.name, names) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("# " + s.name + "\r\n")
		s.print(n, &b)
	}
	return b.String()
}

func wanted(section string, names [][]byte) bool {
	if len(names) == 0 {
		return true
	}
	for _, name := range names {
		if w := strings.ToLower(string(name)); w == "all" || w == "default" || w == "everything" || w == strings.ToLower(section) {
			return true
		}
	}
	return false
}

func field(b *strings.Builder, name string, value any) { fmt.Fprintf(b, "%s:%v\r\n", name, value) }

func infoServer(n *Node, b *strings.Builder) {
	var uts unix.Utsname
	_ = unix.Uname(&uts)
	up := time.Since(n.started)
	exe, _ := os.Executable()
	field(b, "redis_version", redisVersion)
	field(b, "holdfast_version", Version)
	field(b, "redis_git_sha1", "00000000")
	field(b, "redis_git_dirty", 0)
	field(b, "redis_build_id", "0")
	field(b, "redis_mode", "standalone")
	field(b, "os", unix.ByteSliceToString(uts.Sysname[:])+" "+unix.ByteSliceToString(uts.Release[:])+" "+unix.ByteSliceToString(uts.Machine[:]))
	field(b, "arch_bits", 64)
	field(b, "multiplexing_api", "epoll")
	field(b, "gcc_version", runtime.Version())
	field(b, "process_id", os.Getpid())
	field(b, "process_supervised", "no")
	field(b, "run_id", n.runID)
	field(b, "tcp_port", n.cfg().Port)
	field(b, "server_time_usec", time.Now().UnixMicro())
	field(b, "uptime_in_seconds", int(up.Seconds()))
	field(b, "uptime_in_days", int(up.Hours()/24))
	field(b, "hz", 10)
	field(b, "configured_hz", n.cfg().Hz)
	field(b, "lru_clock", time.Now().Unix()&(1<<24-1))
	field(b, "executable", exe)
	field(b, "config_file", n.settings.File())
	field(b, "holdfast_control_port", n.control.port())
}

func infoClients(n *Node, b *strings.Builder) {
	f := n.figures.Load()
	field(b, "connected_clients", f.clients)
	field(b, "cluster_connections", 0)
	field(b, "maxclients", n.cfg().MaxClients)
	field(b, "client_recent_max_input_buffer", 0)
	field(b, "client_recent_max_output_buffer", 0)
	field(b, "blocked_clients", f.blocked)
	field(b, "tracking_clients", 0)
	field(b, "clients_in_timeout_table", 0)
}

func infoMemory(n *Node, b *strings.Builder) {
	f := n.figures.Load()
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	used := f.dataset + int64(heap.HeapAlloc)
	field(b, "used_memory", used)
	field(b, "used_memory_human", human(used))
	field(b, "used_memory_rss", residentSize())
	field(b, "used_memory_dataset", f.dataset)
	field(b, "used_memory_overhead", heap.HeapAlloc)
	field(b, "used_memory_scripts", 0)
	field(b, "maxmemory", n.cfg().MaxMemory)
	field(b, "maxmemory_human", human(n.cfg().MaxMemory))
	field(b, "maxmemory_policy", n.cfg().MaxMemoryPolicy)
	field(b, "mem_allocator", "holdfast-arena")
	field(b, "mem_replication_backlog", n.stream.Backlog().Size())
}

func human(bytes int64) string {
	v, unit := float64(bytes), "B"
	for _, next := range []string{"K", "M", "G", "T"} {
		if v < 1024 {
			break
		}
		v, unit = v/1024, next
	}
	return fmt.Sprintf("%.2f%s", v, unit)
}

// residentSize is the process's resident set, bytes; 0 where it is not known.
func residentSize() int64 {
	raw, err := os.ReadFile("/proc/self/statm")
	var size, resident int64
	if err == nil {
		_, _ = fmt.Sscan(string(raw), &size, &resident)
	}
	return resident * int64(os.Getpagesize())
}

func infoPersistence(_ *Node, b *strings.Builder) {
	field(b, "loading", 0)
	field(b, "async_loading", 0)
	field(b, "rdb_bgsave_in_progress", 0)
	field(b, "aof_enabled", 0)
	field(b, "aof_rewrite_in_progress", 0)
}

func infoStats(n *Node, b *strings.Builder) {
	f := n.figures.Load()
	field(b, "total_connections_received", f.stats.connections)
	field(b, "total_commands_processed", f.calls)
	field(b, "instantaneous_ops_per_sec", f.opsPerSecond)
	field(b, "rejected_connections", f.stats.rejected)
	field(b, "sync_full", f.stats.fullSyncs)
	field(b, "expired_keys", f.store.Expired)
	field(b, "evicted_keys", 0)
	field(b, "keyspace_hits", f.store.Hits)
	field(b, "keyspace_misses", f.store.Misses)
	field(b, "pubsub_channels", f.channels)
	field(b, "pubsub_patterns", f.patterns)
	field(b, "latest_fork_usec", 0)
}

func infoKeyspace(n *Node, b *strings.Builder) {
	for _, db := range n.figures.Load().databases {
		fmt.Fprintf(b, "db%d:keys=%d,expires=%d,avg_ttl=%d\r\n", db.index, db.keys, db.expires, db.avgTTL)
	}
}

// figures are what INFO tells of things under the engine lock, taken with it.
// INFO on the control port shows the last ones instead of waiting for a long
// command.
type figures struct {
	clients, blocked   int
	channels, patterns int
	calls              int64
	opsPerSecond       int64
	dataset            int64
	stats              stats
	store              store.Stats
	databases          []keyspaceFigures
	at                 time.Time
}

type keyspaceFigures struct {
	index, keys, expires int
	avgTTL               int64
}

// stats are counters since the start or CONFIG RESETSTAT.
type stats struct {
	connections int64
	rejected    int64
	fullSyncs   int64
	errors      int64
}

// takeFigures is called under the engine lock.
func (n *Node) takeFigures() {
	f := &figures{
		clients: len(n.clients), channels: len(n.audience[channels]), patterns: len(n.audience[patterns]),
		calls: n.calls, dataset: n.store.UsedMemory(), stats: n.stats, store: n.store.Stats, at: time.Now(),
	}
	for _, c := range n.clients {
		if c.waiting != nil {
			f.blocked++
		}
	}
	for i := range n.store.Databases() {
		if db := n.store.DB(i); db.Len() > 0 {
			f.databases = append(f.databases, keyspaceFigures{i, db.Len(), db.Expires(), db.AvgTTL()})
		}
	}
	if last := n.figures.Load(); last != nil {
		f.opsPerSecond = last.opsPerSecond
		if since := f.at.Sub(last.at); since > cronEvery/2 {
			f.opsPerSecond = int64(float64(f.calls-last.calls) / since.Seconds())
		}
	}
	n.figures.Store(f)
}

// infoReplication prints every field of Redis's section, for either role.
func infoReplication(n *Node, b *strings.Builder) {
	st := n.seen.Load()
	if st.role == roleMaster {
		field(b, "role", "master")
	} else {
		field(b, "role", "slave")
		infoLink(n, b, st)
	}
	infoReplicas(n, b)
	h := n.stream.History()
	log := n.stream.Backlog()
	field(b, "master_failover_state", "no-failover")
	field(b, "master_replid", h.ID)
	field(b, "master_replid2", h.SecondID())
	field(b, "master_repl_offset", n.stream.Published())
	field(b, "second_repl_offset", h.SecondOffset())
	first, end := log.Window()
	active := 0
	if n.stream.Active() {
		active = 1
	}
	field(b, "repl_backlog_active", active)
	field(b, "repl_backlog_size", log.Size())
	field(b, "repl_backlog_first_byte_offset", first+1)
	field(b, "repl_backlog_histlen", end-first)
	current, pending, _ := n.confirm.Version()
	field(b, "holdfast_role", st.role)
	field(b, "holdfast_serving", boolInt(st.serving))
	field(b, "holdfast_group", st.Group)
	field(b, "holdfast_promised_epoch", st.Epoch)
	field(b, "holdfast_data_epoch", h.DataEpoch())
	field(b, "holdfast_holders_version", current)
	field(b, "holdfast_holders_pending", pending)
}

func boolInt(v bool) int {
	if v {
		return 1
	}
	return 0
}

// infoLink prints what only a replica has. The fields of a resync and of a
// link that is down come only then, as in Redis.
func infoLink(n *Node, b *strings.Builder, st *standing) {
	link := n.linkStatus()
	host, port, _ := net.SplitHostPort(st.master)
	status, lastIO := "down", -1
	if link.State == repl.LinkConnected {
		status = "up"
	}
	if !link.LastIO.IsZero() {
		lastIO = int(time.Since(link.LastIO).Seconds())
	}
	field(b, "master_host", host)
	field(b, "master_port", port)
	field(b, "master_link_status", status)
	field(b, "master_last_io_seconds_ago", lastIO)
	field(b, "master_sync_in_progress", boolInt(link.State == repl.LinkSync))
	field(b, "slave_read_repl_offset", n.stream.Published())
	field(b, "slave_repl_offset", n.stream.Published())
	if link.State == repl.LinkSync {
		field(b, "master_sync_total_bytes", max(link.SyncTotal, 0))
		field(b, "master_sync_read_bytes", link.SyncRead)
		field(b, "master_sync_left_bytes", max(link.SyncTotal-link.SyncRead, -1))
		field(b, "master_sync_last_io_seconds_ago", int(time.Since(link.SyncIO).Seconds()))
	}
	if status == "down" && !link.DownSince.IsZero() {
		field(b, "master_link_down_since_seconds", int(time.Since(link.DownSince).Seconds()))
	}
	cfg := n.cfg()
	field(b, "slave_priority", cfg.ReplicaPriority)
	field(b, "slave_read_only", boolInt(cfg.ReplicaReadOnly))
	field(b, "replica_announced", boolInt(cfg.ReplicaAnnounced))
}

func infoReplicas(n *Node, b *strings.Builder) {
	all := n.feeds.Replicas()
	field(b, "connected_slaves", len(all))
	for i, r := range all {
		lag := int(r.Lag.Seconds())
		fmt.Fprintf(b, "slave%d:ip=%s,port=%d,state=%s,offset=%d,lag=%d\r\n", i, r.IP, r.Port, r.State, r.Offset, lag)
	}
}

func infoCPU(_ *Node, b *strings.Builder) {
	var self, children unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &self)
	_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &children)
	seconds := func(t unix.Timeval) string { return fmt.Sprintf("%d.%06d", t.Sec, t.Usec) }
	field(b, "used_cpu_sys", seconds(self.Stime))
	field(b, "used_cpu_user", seconds(self.Utime))
	field(b, "used_cpu_sys_children", seconds(children.Stime))
	field(b, "used_cpu_user_children", seconds(children.Utime))
}
