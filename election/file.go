package election

import (
	"context"
	"path/filepath"
	"sync"

	"holdfast/conf"
)

// file is this sentinel's configuration file. The address of each group's master
// is kept current in it, as Redis Sentinel does: people read the file to learn who
// is master, and a sentinel whose log is lost starts from there. What SENTINEL
// CONFIG SET changes is written there too; a group's settings are in raft's log.
type file struct {
	path string
	mu   sync.Mutex // a rewrite reads the file, changes it and replaces it
}

// exists tells whether there is a file to write to.
func (f *file) exists() bool { return f.path != "" && f.path != conf.Stdin }

// name is the file's absolute name, as Redis shows it; empty without a file.
func (f *file) name() string {
	if !f.exists() {
		return ""
	}
	abs, _ := filepath.Abs(f.path)
	return abs
}

// write carries changes into the file; without one it does nothing.
func (f *file) write(changes ...conf.Change) error {
	if !f.exists() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return conf.Rewrite(f.path, conf.Sentinel, changes...)
}

// followMaster carries each committed master of a group into the file until ctx ends.
func (l *loop) followMaster(ctx context.Context, m conf.Monitor) {
	written := m.Master
	watch := l.machine.watch(m.Name)
	for {
		t, changed := watch.Next()
		if t != nil && t.Master.Addr != "" && t.Master.Addr != written {
			written = t.Master.Addr // also after an error: once told is enough
			if err := l.s.file.write(conf.Change{Key: "monitor.master", Monitor: m.Name, Text: written}); err != nil {
				l.log.Warn("The file does not tell the new master; raft's state does", "group", m.Name, "master", written, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// followFile has the file follow the masters, where there is a file.
func (l *loop) followFile() {
	if !l.s.file.exists() {
		return
	}
	for _, m := range l.cfg.Monitors {
		l.start(func(ctx context.Context) { l.followMaster(ctx, m) })
	}
}
