package backend

import (
	"fmt"

	"golang.org/x/sys/unix"

	"holdfast/backend/acl"
)

func infoStats(n *Node, b *infoText) {
	f := n.figures.Load()
	syncs := n.feeds.Stats()
	b.field("total_connections_received", f.stats.connections)
	b.field("total_commands_processed", f.calls)
	b.field("instantaneous_ops_per_sec", f.rates.ops)
	b.field("total_net_input_bytes", f.stats.netIn)
	b.field("total_net_output_bytes", f.stats.netOut)
	b.zeros("total_net_repl_input_bytes", "total_net_repl_output_bytes")
	b.line("instantaneous_input_kbps:%.2f", f.rates.in)
	b.line("instantaneous_output_kbps:%.2f", f.rates.out)
	for _, name := range []string{"input_repl", "output_repl"} {
		b.field("instantaneous_"+name+"_kbps", "0.00")
	}
	b.field("rejected_connections", f.stats.rejected)
	b.field("sync_full", syncs.Full)
	b.field("sync_partial_ok", syncs.PartialOK)
	b.field("sync_partial_err", syncs.PartialErr)
	b.field("expired_keys", f.store.Expired)
	b.field("expired_stale_perc", fmt.Sprintf("%.2f", f.expiry.stale*100))
	b.field("expired_time_cap_reached_count", f.expiry.reached)
	b.field("expire_cycle_cpu_milliseconds", f.expiry.spent.Milliseconds())
	b.field("evicted_keys", f.store.Evicted)
	b.field("evicted_clients", f.stats.evicted)
	b.field("total_eviction_exceeded_time", f.evicting.total(f.at).Milliseconds())
	b.field("current_eviction_exceeded_time", f.evicting.current(f.at).Milliseconds())
	b.field("keyspace_hits", f.store.Hits)
	b.field("keyspace_misses", f.store.Misses)
	b.field("pubsub_channels", f.channels)
	b.field("pubsub_patterns", f.patterns)
	b.field("pubsubshard_channels", f.shards)
	b.field("latest_fork_usec", 0)
	b.field("total_forks", f.stats.forks)
	b.field("migrate_cached_sockets", f.targets)
	b.field("slave_expires_tracked_keys", f.ownKeys)
	b.zeros(
		"active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses",
		"total_active_defrag_time", "current_active_defrag_time")
	b.field("tracking_total_keys", f.tracking.keys)
	b.field("tracking_total_items", f.tracking.items)
	b.field("tracking_total_prefixes", f.tracking.prefixes)
	b.zeros("unexpected_error_replies")
	b.field("total_error_replies", f.stats.errors)
	b.zeros("dump_payload_sanitizations", "total_reads_processed", "total_writes_processed",
		"io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks", "reply_buffer_expands")
	b.field("eventloop_cycles", f.turns.count)
	b.field("eventloop_duration_sum", f.turns.spent/1000)
	b.field("eventloop_duration_cmd_sum", f.turns.commands/1000)
	b.field("instantaneous_eventloop_cycles_per_sec", f.rates.turns)
	b.field("instantaneous_eventloop_duration_usec", f.rates.turnUsec)
	b.field("acl_access_denied_auth", f.stats.denied[acl.DeniedAuth])
	b.field("acl_access_denied_cmd", f.stats.denied[acl.DeniedCommand])
	b.field("acl_access_denied_key", f.stats.denied[acl.DeniedKey])
	b.field("acl_access_denied_channel", f.stats.denied[acl.DeniedChannel])
}

func infoCommands(n *Node, b *infoText) {
	for _, c := range n.figures.Load().commands {
		usec := c.nanos / 1000
		b.line("cmdstat_%s:calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			c.name, c.calls, usec, float64(usec)/float64(max(c.calls, 1)), c.rejected, c.failed)
	}
}

// infoDebug is shown only to those who ask for it by its name.
func infoDebug(n *Node, b *infoText) {
	t := &n.figures.Load().turns
	b.field("eventloop_duration_aof_sum", 0)
	b.field("eventloop_duration_cron_sum", t.cron/1000)
	b.field("eventloop_duration_max", t.longest/1000)
	b.field("eventloop_cmd_per_cycle_max", t.busiest)
}

func infoLatencies(n *Node, b *infoText) {
	for _, line := range n.figures.Load().latencies {
		b.line("%s", line)
	}
}

func infoErrors(n *Node, b *infoText) {
	for _, e := range n.figures.Load().errors {
		b.line("errorstat_%s:count=%d", e.code, e.count)
	}
}

func infoKeyspace(n *Node, b *infoText) {
	for _, db := range n.figures.Load().databases {
		b.line("db%d:keys=%d,expires=%d,avg_ttl=%d", db.index, db.keys, db.expires, db.avgTTL)
	}
}

func infoCPU(_ *Node, b *infoText) {
	var self, children unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &self)
	_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &children)
	seconds := func(t unix.Timeval) string { return fmt.Sprintf("%d.%06d", t.Sec, t.Usec) }
	b.field("used_cpu_sys", seconds(self.Stime))
	b.field("used_cpu_user", seconds(self.Utime))
	b.field("used_cpu_sys_children", seconds(children.Stime))
	b.field("used_cpu_user_children", seconds(children.Utime))
	b.field("used_cpu_sys_main_thread", seconds(self.Stime))
	b.field("used_cpu_user_main_thread", seconds(self.Utime))
}
