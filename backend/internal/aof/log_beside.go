package aof

import "time"

// besideSync is a sync during which the log goes on writing: nobody waits for those
// of every second, and what is written is safe from the end of the process, however
// long the disk takes. All syncs of a file end before it is closed.
type besideSync struct {
	pos  uint64 // up to where the stream is synced by it
	size int64  // of the file by then
	done chan error
}

// syncBeside begins a sync, unless one is under way.
func (l *Log) syncBeside() {
	if l.beside != nil {
		return
	}
	b, file := &besideSync{l.cfg.Source.Pos(), l.size, make(chan error, 1)}, l.file
	l.beside, l.lastSync = b, time.Now()
	l.alone.Store(true)
	go func() {
		b.done <- file.Sync()
		l.cfg.Source.Interrupt()
	}()
}

// besideDone takes note of a sync that has ended; with wait it waits for the end of
// the one that is under way.
func (l *Log) besideDone(wait bool) error {
	if l.beside == nil || !wait && len(l.beside.done) == 0 {
		return nil
	}
	b := l.beside
	err := l.waiting(func() error { return <-b.done })
	l.beside = nil
	if err != nil {
		return l.syncFailed(err)
	}
	l.onDisk = b.pos
	l.unsynced = l.size > b.size
	l.publish()
	return nil
}
