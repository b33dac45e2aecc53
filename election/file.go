package election

import (
	"context"
	"sync"

	"holdfast/conf"
)

// file is this sentinel's configuration file. The address of each group's master
// is kept current in it, as Redis Sentinel does: people read the file to learn who
// is master, and a sentinel whose log is lost starts from there.
type file struct {
	s    *Sentinel
	path string
	mu   sync.Mutex // a rewrite reads the file, changes it and replaces it
}

// follow carries each committed master of a group into the file until ctx ends.
func (f *file) follow(ctx context.Context, m conf.Monitor) {
	written := m.Master
	watch := f.s.machine.watch(m.Name)
	for {
		t, changed := watch.Next()
		if t != nil && t.Master.Addr != "" && t.Master.Addr != written {
			f.write(m.Name, t.Master.Addr)
			written = t.Master.Addr // also after an error: once told is enough
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

func (f *file) write(group, master string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := conf.Rewrite(f.path, conf.Sentinel, conf.Change{Key: "monitor.master", Monitor: group, Text: master})
	if err != nil {
		f.s.log.Warn("The file does not tell the new master; raft's state does", "group", group, "master", master, "error", err)
	}
}

// followFile has the file follow the masters, where there is a file.
func (l *loop) followFile() {
	path := l.s.path
	if path == "" || path == conf.Stdin {
		return
	}
	f := &file{s: l.s, path: path}
	for _, m := range l.cfg.Monitors {
		l.start(func(ctx context.Context) { f.follow(ctx, m) })
	}
}
