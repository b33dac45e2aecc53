package backend

import (
	"net"
	"time"

	"holdfast/backend/internal/repl"
)

// infoReplication prints every field of Redis's section, for either role.
func infoReplication(n *Node, b *infoText) {
	st := n.seen.Load()
	if st.role == roleMaster {
		b.field("role", "master")
	} else {
		b.field("role", "slave")
		infoLink(n, b, st)
	}
	infoReplicas(n, b)
	h := n.stream.History()
	log := n.stream.Backlog()
	b.field("master_failover_state", n.failoverState())
	b.field("master_replid", h.ID)
	b.field("master_replid2", h.SecondID())
	b.field("master_repl_offset", n.stream.Published())
	b.field("second_repl_offset", h.SecondOffset())
	first, end := log.Window()
	var firstByte, length uint64
	if n.stream.Active() {
		firstByte, length = first+1, end-first // Redis counts bytes from 1
	}
	b.field("repl_backlog_active", boolInt(n.stream.Active()))
	b.field("repl_backlog_size", log.Size())
	b.field("repl_backlog_first_byte_offset", firstByte)
	b.field("repl_backlog_histlen", length)
	current, pending, _ := n.confirm.Version()
	acks := n.confirm.N()
	b.field("holdfast_role", st.role)
	b.field("holdfast_serving", boolInt(st.serving))
	b.field("holdfast_group", st.Group)
	b.field("holdfast_promised_epoch", st.Epoch)
	b.field("holdfast_data_epoch", h.DataEpoch())
	b.field("holdfast_holders_version", current)
	b.field("holdfast_holders_pending", pending)
	b.field("holdfast_write_acks", acks)
	b.field("holdfast_lease_left_ms", n.leaseLeft())
	n.losses.info(b)
	n.acks.info(b, n.waiting.Load())
}

// infoLink prints what only a replica has. The fields of a resync and of a
// link that is down come only then, as in Redis.
func infoLink(n *Node, b *infoText, st *standing) {
	link := n.linkStatus()
	host, port, _ := net.SplitHostPort(st.master)
	status, lastIO := "down", -1
	if link.State == repl.LinkConnected {
		status = "up"
	}
	if !link.LastIO.IsZero() {
		lastIO = int(time.Since(link.LastIO).Seconds())
	}
	b.field("master_host", host)
	b.field("master_port", port)
	b.field("master_link_status", status)
	b.field("master_last_io_seconds_ago", lastIO)
	b.field("master_sync_in_progress", boolInt(link.State == repl.LinkSync))
	b.field("slave_read_repl_offset", n.stream.Published())
	b.field("slave_repl_offset", n.stream.Published())
	if link.State == repl.LinkSync {
		b.field("master_sync_total_bytes", max(link.SyncTotal, 0))
		b.field("master_sync_read_bytes", link.SyncRead)
		b.field("master_sync_left_bytes", max(link.SyncTotal-link.SyncRead, -1))
		b.field("master_sync_perc", shareRead(link.SyncRead, link.SyncTotal))
		b.field("master_sync_last_io_seconds_ago", int(time.Since(link.SyncIO).Seconds()))
	}
	if status == "down" && !link.DownSince.IsZero() {
		b.field("master_link_down_since_seconds", int(time.Since(link.DownSince).Seconds()))
	}
	cfg := n.cfg()
	b.field("slave_priority", cfg.ReplicaPriority)
	b.field("slave_read_only", boolInt(cfg.ReplicaReadOnly))
	b.field("replica_announced", boolInt(cfg.ReplicaAnnounced))
}

func infoReplicas(n *Node, b *infoText) {
	all := n.feeds.Replicas()
	b.field("connected_slaves", len(all))
	if cfg := n.cfg(); wantsReplicas(cfg) {
		b.field("min_slaves_good_slaves", n.goodReplicas(cfg.MinReplicasMaxLag))
	}
	for i, r := range all {
		if r.State == repl.FeedSent {
			continue // a backup that was taken, not a replica
		}
		if r.State == repl.FeedSnapshot {
			r.State = repl.FeedWait // what Redis calls it while it sends as it saves
		}
		lag := int(r.Lag.Seconds())
		b.line("slave%d:ip=%s,port=%d,state=%s,offset=%d,lag=%d", i, r.IP, r.Port, r.State, r.Offset, lag)
	}
}
