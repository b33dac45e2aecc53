package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/repl"
	"holdfast/backend/internal/store"
	"holdfast/conf"
)

// findData returns what loads the data of the last run, nil when there is
// none, and lets commands wait for it.
func (n *Node) findData(cfg *conf.NodeConfig) (load func() error) {
	name := filepath.Join(cfg.Dir, cfg.DBFilename)
	_, missing := os.Stat(name)
	switch err := n.openLogDir(cfg); {
	case err != nil && cfg.AppendOnly:
		load = func() error { return err }
	case cfg.AppendOnly:
		load = func() error { return n.startFromLog(name, missing == nil) }
	case errors.Is(missing, fs.ErrNotExist):
		return nil
	default:
		load = func() error { return n.loadFile(name) }
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.loading.Store(true)
	n.derive()
	return load
}

// loadData loads and tells whether it could. A node that cannot gives up rather
// than serve without its data, or let a group believe that it has none.
func (n *Node) loadData(load func() error) (ok bool) {
	n.progress.began.Store(time.Now().UnixNano())
	err := load()
	if err == nil {
		err = n.settleIdentity()
	}
	if err != nil {
		n.breakDown(err)
		return false
	}
	n.mu.Lock()
	n.loading.Store(false)
	n.derive()
	n.expireLoaded()
	n.mu.Unlock()
	return true
}

// breakDown ends the node: it cannot serve.
func (n *Node) breakDown(err error) {
	select {
	case n.broken <- err:
	default: // it ends already
	}
}

// expireLoaded deletes what a snapshot file has of keys whose time has come, as a
// master: what follows it from before is sent a DEL of each. A replica waits for
// its master to do so. What is left of an append-only file is for the expire cycle.
func (n *Node) expireLoaded() {
	if !n.unit.leads || n.cfg().AppendOnly {
		return
	}
	n.tick()
	n.saves.expired = n.store.ExpireAll()
	n.saves.loaded -= n.saves.expired
	if n.unit.publish() {
		n.stream.Wake()
	}
}

// loadFile reads the snapshot file.
func (n *Node) loadFile(name string) error {
	began := time.Now()
	fresh, info, err := n.readFile(name)
	if err != nil {
		n.log.Warn(err.Error())
		n.log.Warn("Terminating server after rdb file reading failure.")
		return fmt.Errorf("cannot load %s: %w. Restore the file from a copy, or move it away to start empty", name, err)
	}
	n.mu.Lock()
	if err := n.replaceFunctions(info.Functions); err != nil {
		n.mu.Unlock()
		fresh.Close()
		return fmt.Errorf("cannot load %s: %w", name, err)
	}
	keys := countKeys(fresh)
	n.saves.loaded = keys
	old := n.replaceStore(fresh)
	n.resumeHistory(info)
	n.mu.Unlock()
	old.Close()
	for _, key := range info.Empty[:min(len(info.Empty), 100)] {
		n.log.Warn("skipping empty key: " + key)
	}
	if len(info.Empty) > 0 {
		n.log.Warn(fmt.Sprintf("Done loading RDB, empty keys skipped: %d.", len(info.Empty)))
	}
	n.tellDamaged(info)
	n.log.Info(fmt.Sprintf("DB loaded from disk: %.3f seconds", time.Since(began).Seconds()), "keys", keys)
	return nil
}

// tellDamaged logs which values a snapshot held that cannot be used.
func (n *Node) tellDamaged(info rdb.Info) {
	for _, key := range info.Damaged[:min(len(info.Damaged), 100)] {
		n.log.Warn("a value is damaged: it is kept as it is, and cannot be used", "key", clip([]byte(key)))
	}
	if len(info.Damaged) > 0 {
		n.log.Warn("there are damaged values, of which SCAN 0 TYPE damaged tells", "values", len(info.Damaged))
	}
}

func countKeys(s *store.Store) (keys int) {
	for i := range s.Databases() {
		keys += s.DB(i).Len()
	}
	return keys
}

// readFile loads a snapshot file into a new store.
func (n *Node) readFile(name string) (*store.Store, rdb.Info, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, rdb.Info{}, err
	}
	defer f.Close()
	fresh, err := n.newStore()
	if err != nil {
		return nil, rdb.Info{}, err
	}
	if stat, err := f.Stat(); err == nil {
		n.progress.total.Store(stat.Size())
	}
	info, err := rdb.LoadEach(&loadReader{n, f}, fresh, func() error { return n.delayLoad(n.life) })
	if err != nil {
		fresh.Close()
		return nil, info, err
	}
	return fresh, info, nil
}

// progress is how far the start, or a full resync, has read the snapshot, for
// INFO.
type progress struct {
	began       atomic.Int64 // unix nanoseconds
	total, read atomic.Int64 // bytes; a total of 0 is not known
}

// begin starts anew with a snapshot of total bytes.
func (p *progress) begin(total int64) {
	p.began.Store(time.Now().UnixNano())
	p.total.Store(total)
	p.read.Store(0)
}

// loadReader counts what is read, and fails once the node is to end.
type loadReader struct {
	n *Node
	io.Reader
}

func (r *loadReader) Read(p []byte) (int, error) {
	if err := r.n.life.Err(); err != nil {
		return 0, err
	}
	n, err := r.Reader.Read(p)
	r.n.progress.read.Add(int64(n))
	return n, err
}

// delayLoad is key-load-delay, taken behind each key that is loaded.
func (n *Node) delayLoad(ctx context.Context) error {
	if delay := n.cfg().KeyLoadDelay; delay > 0 {
		return sleep(ctx, time.Duration(delay)*time.Microsecond)
	}
	return nil
}

// delayedReader reads until ctx ends, and slowly where key-load-delay asks for it,
// for files of commands: what stands for a key is a KiB.
type delayedReader struct {
	n   *Node
	ctx context.Context
	io.Reader
}

func (r *delayedReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if r.n.cfg().KeyLoadDelay > 0 {
		if err := r.n.delayLoad(r.ctx); err != nil {
			return 0, err
		}
		p = p[:min(len(p), 1<<10)]
	}
	return r.Reader.Read(p)
}

// resumeHistory goes on with the history that loaded data belongs to. A master
// begins a new one of its own behind it, which replicas of the old may join
// (server.c, loadDataFromDisk). The engine lock is held.
func (n *Node) resumeHistory(info rdb.Info) {
	if len(info.StreamID) != repl.IDLen {
		return
	}
	n.stream.Reset(repl.NewHistory(info.StreamID, info.DataEpoch, info.StreamOffset), info.StreamOffset, info.StreamDB)
	n.stream.Recall(info.Told, false)
	n.kept.recall(info.Kept)
	n.takeUp()
	n.hideLoaded()
}

// takeUp goes on at the end of a history that was loaded.
func (n *Node) takeUp() {
	switch n.standing.role {
	case roleMaster:
		n.stream.Lead()
	case roleReplica:
		n.stream.Follow()
	}
}
