package backend

import "time"

// logFigures are what INFO tells of the append-only file.
type logFigures struct {
	enabled, failed bool
	lag             int64 // bytes that are not written yet
	size, baseSize  int64
	rewrite         rewriting
	syncPending     bool
}

// logFigures takes them. The engine lock is held.
func (n *Node) logFigures() logFigures {
	a := &n.aof
	f := logFigures{enabled: a.log != nil, failed: a.failed != nil, rewrite: a.rewrite}
	if a.dir != nil {
		f.size, f.baseSize = a.dir.Size()
	}
	if a.log != nil {
		f.lag = int64(n.stream.Offset() - a.log.Pos())
		f.syncPending = n.horizon.Synced() < a.log.Pos()
	}
	return f
}

// info tells them; ahead is what the last base had encoded before its turn, bytes.
func (f *logFigures) info(b *infoText, ahead int64) {
	r := &f.rewrite
	took, current := -1, -1
	if r.count > 0 {
		took = int(r.took.Seconds())
	}
	if r.cancel != nil {
		current = int(time.Since(r.began).Seconds())
	}
	b.field("aof_enabled", boolInt(f.enabled))
	b.field("aof_rewrite_in_progress", boolInt(r.cancel != nil))
	b.field("aof_rewrite_scheduled", boolInt(r.scheduled))
	b.field("aof_last_rewrite_time_sec", took)
	b.field("aof_current_rewrite_time_sec", current)
	b.field("aof_last_bgrewrite_status", okOrErr(r.failed))
	b.field("aof_rewrites", r.count)
	b.field("aof_rewrites_consecutive_failures", r.inARow)
	b.field("aof_last_write_status", okOrErr(f.failed))
	b.field("aof_last_cow_size", ahead)
	b.zeros("module_fork_in_progress", "module_fork_last_cow_size")
	if !f.enabled {
		return
	}
	b.field("aof_current_size", f.size)
	b.field("aof_base_size", f.baseSize)
	b.field("aof_pending_rewrite", boolInt(r.scheduled))
	b.field("aof_buffer_length", f.lag)
	b.field("aof_pending_bio_fsync", boolInt(f.syncPending))
	b.field("aof_delayed_fsync", 0)
}

func okOrErr(failed bool) string {
	if failed {
		return "err"
	}
	return "ok"
}
