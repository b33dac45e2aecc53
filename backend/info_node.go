package backend

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/conf"
)

func infoServer(n *Node, b *infoText) {
	var uts unix.Utsname
	_ = unix.Uname(&uts)
	text := unix.ByteSliceToString
	up := time.Since(n.started)
	exe, _ := os.Executable()
	cfg := n.cfg()
	b.field("redis_version", RedisVersion)
	b.field("holdfast_version", Version)
	b.field("redis_git_sha1", "00000000")
	b.field("redis_git_dirty", 0)
	b.field("redis_build_id", "0")
	b.field("redis_mode", "standalone")
	b.field("os", text(uts.Sysname[:])+" "+text(uts.Release[:])+" "+text(uts.Machine[:]))
	b.field("arch_bits", strconv.IntSize)
	b.field("monotonic_clock", "POSIX clock_gettime")
	b.field("multiplexing_api", "epoll")
	b.field("atomicvar_api", "go")
	b.field("gcc_version", runtime.Version())
	b.field("process_id", os.Getpid())
	b.field("process_supervised", "no")
	b.field("run_id", n.runID)
	b.field("tcp_port", cfg.Port)
	b.field("server_time_usec", time.Now().UnixMicro())
	b.field("uptime_in_seconds", int(up.Seconds()))
	b.field("uptime_in_days", int(up.Hours()/24))
	b.field("hz", n.hz.Load())
	b.field("configured_hz", cfg.Hz)
	b.field("lru_clock", time.Now().Unix()&(1<<24-1))
	b.field("executable", exe)
	b.field("config_file", configFile(n.settings.File()))
	b.field("io_threads_active", 0)
	if until := n.endBy.Load(); until != 0 {
		b.field("shutdown_in_milliseconds", max(until-time.Now().UnixMilli(), 0))
	}
	for i, listener := range listeners(cfg) {
		b.field("listener"+strconv.Itoa(i), listener)
	}
	b.field("holdfast_control_port", n.control.port())
}

// listeners are the kinds of addresses that are listened at, as Redis tells them
// (server.c, getListensInfoString): that of plain clients also when its port is 0.
func listeners(cfg *conf.NodeConfig) []string {
	at := func(kind string, port int) string {
		if port == 0 {
			return "name=" + kind
		}
		return "name=" + kind + ",bind=" + strings.Join(cfg.Bind, ",bind=") + ",port=" + strconv.Itoa(port)
	}
	all := []string{at("tcp", cfg.Port)}
	if cfg.UnixSocket != "" {
		all = append(all, "name=unix,bind="+cfg.UnixSocket)
	}
	if cfg.TLS.Port != 0 {
		all = append(all, at("tls", cfg.TLS.Port))
	}
	return all
}

// configFile is the file's absolute name, as Redis shows it.
func configFile(name string) string {
	if abs, err := filepath.Abs(name); err == nil && name != "" && name != conf.Stdin {
		return abs
	}
	return ""
}

func infoClients(n *Node, b *infoText) {
	f := n.figures.Load()
	b.field("connected_clients", f.clients)
	b.field("cluster_connections", 0)
	b.field("maxclients", n.cfg().MaxClients)
	b.zeros("client_recent_max_input_buffer", "client_recent_max_output_buffer")
	b.field("blocked_clients", f.blocked)
	b.field("tracking_clients", f.tracking.clients)
	b.zeros("clients_in_timeout_table")
	b.field("total_blocking_keys", f.blockingKeys)
	b.field("total_blocking_keys_on_nokey", f.orGone)
}

func infoPersistence(n *Node, b *infoText) {
	f := n.figures.Load()
	v := &f.saves
	status, took, current := "ok", -1, -1
	if v.failed {
		status = "err"
	}
	if v.took > 0 {
		took = int(v.took.Seconds())
	}
	if v.busy {
		current = int(time.Since(v.began).Seconds())
	}
	b.field("loading", boolInt(n.loading.Load()))
	b.field("async_loading", boolInt(n.resyncing.Load()))
	n.snapshots.info(b)
	b.field("rdb_changes_since_last_save", f.dirty-v.dirtyAt)
	b.field("rdb_bgsave_in_progress", boolInt(v.busy || n.feeding.Load() > 0))
	b.field("rdb_last_save_time", v.last.Unix())
	b.field("rdb_last_bgsave_status", status)
	b.field("rdb_last_bgsave_time_sec", took)
	b.field("rdb_current_bgsave_time_sec", current)
	b.field("rdb_saves", v.count)
	b.field("rdb_last_cow_size", n.snapshots.lastFile.Load())
	b.field("rdb_last_load_keys_expired", v.expired)
	b.field("rdb_last_load_keys_loaded", v.loaded)
	f.aof.info(b, n.snapshots.lastBase.Load())
	if n.loading.Load() || n.resyncing.Load() {
		n.infoLoading(b)
	}
}

func (n *Node) infoLoading(b *infoText) {
	p := &n.progress
	since := time.Since(time.Unix(0, p.began.Load()))
	total, read := p.total.Load(), p.read.Load()
	eta := 1
	if read > 0 && total > 0 {
		eta = int(since.Seconds() * float64(total-read) / float64(read))
	}
	b.field("loading_start_time", p.began.Load()/1e9)
	b.field("loading_total_bytes", total)
	b.field("loading_rdb_used_mem", 0)
	b.field("loading_loaded_bytes", read)
	b.field("loading_loaded_perc", shareRead(read, total))
	b.field("loading_eta_seconds", eta)
}

// shareRead is how many percent of a total has been read; 0 where that is not known.
func shareRead(read, total int64) string {
	if total <= 0 {
		return "0.00"
	}
	return strconv.FormatFloat(100*float64(read)/float64(total), 'f', 2, 64)
}
