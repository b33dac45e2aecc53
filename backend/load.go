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

// findSnapshot returns the name of the snapshot file when there is one, and
// lets commands wait for it.
func (n *Node) findSnapshot(cfg *conf.NodeConfig) string {
	name := filepath.Join(cfg.Dir, cfg.DBFilename)
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.loading.Store(true)
	n.derive()
	return name
}

// loadFile reads the snapshot file and tells whether it could. A node that cannot read it gives up rather
// than serve without its data, or let a group believe that it has none.
func (n *Node) loadFile(name string) (ok bool) {
	began := time.Now()
	fresh, info, err := n.readFile(name)
	if err != nil {
		n.broken <- fmt.Errorf("cannot load %s: %w. Restore the file from a copy, or move it away to start empty", name, err)
		return false
	}
	n.mu.Lock()
	if err := n.replaceFunctions(info.Functions); err != nil {
		n.mu.Unlock()
		fresh.Close()
		n.broken <- fmt.Errorf("cannot load %s: %w", name, err)
		return
	}
	keys := 0
	for i := range fresh.Databases() {
		keys += fresh.DB(i).Len()
	}
	n.saves.loaded = keys
	old := n.replaceStore(fresh)
	n.resumeHistory(info)
	n.loading.Store(false)
	n.derive()
	n.mu.Unlock()
	old.Close()
	n.log.Info(fmt.Sprintf("DB loaded from disk: %.3f seconds", time.Since(began).Seconds()), "keys", keys)
	return true
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
	n.progress.began.Store(time.Now().UnixNano())
	info, err := rdb.Load(&loadReader{n, &delayedReader{n, n.life, f}}, fresh)
	if err != nil {
		fresh.Close()
		return nil, info, err
	}
	return fresh, info, nil
}

// progress is how far the start has read the snapshot file, for INFO.
type progress struct {
	began       atomic.Int64 // unix nanoseconds
	total, read atomic.Int64 // bytes
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

// delayedReader reads slowly where key-load-delay asks for it.
type delayedReader struct {
	n   *Node
	ctx context.Context
	io.Reader
}

func (r *delayedReader) Read(p []byte) (int, error) {
	if delay := r.n.cfg().KeyLoadDelay; delay > 0 {
		if err := sleep(r.ctx, time.Duration(delay)*time.Microsecond); err != nil {
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
	if n.standing.role == roleMaster {
		n.stream.Lead()
	}
}
