package aof

import (
	"errors"
	"fmt"
	"time"
)

// write appends the stream up to stop, the end of a unit.
func (l *Log) write(stop uint64) error {
	from := l.cfg.Source.Pos()
	if stop <= from {
		return nil
	}
	l.pieces = l.pieces[:0]
	if now := time.Now().Unix(); l.cfg.Timestamps() && now != l.stamp {
		l.stamp = now
		l.pieces = append(l.pieces, AppendTime(nil, now))
	}
	var n int
	if l.pieces, n = l.cfg.Source.Ahead(l.pieces, stop); n == 0 {
		return nil // the stream was replaced
	}
	if err := l.put(l.pieces); err != nil {
		l.stamp = 0
		return err
	}
	clear(l.pieces)
	l.cfg.Source.Advance(n)
	l.pos.Store(stop)
	return nil
}

// put appends whole units or annotations. When it fails nothing of them stays.
func (l *Log) put(pieces [][]byte) error {
	if l.torn {
		if err := l.file.Truncate(l.size); err != nil {
			return fmt.Errorf("Could not remove short write from the append-only file: %w", err)
		}
		l.torn = false
	}
	l.lastPut = time.Now()
	size := l.size
	for _, p := range pieces {
		n, err := l.file.Write(p)
		size += int64(n)
		if err != nil {
			l.torn = l.file.Truncate(l.size) != nil
			return err
		}
	}
	l.cfg.Dir.size.Add(size - l.size)
	l.size = size
	if !l.unsynced {
		l.unsynced = true
		if l.is(EverySecond) && time.Since(l.lastSync) > syncPeriod {
			l.lastSync = l.lastPut // a second from now on, not from a sync long ago
		}
	}
	return nil
}

func (l *Log) syncIfDue() error {
	if err := l.besideDone(false); err != nil {
		return err
	}
	switch {
	case !l.unsynced, l.is(Never):
		l.publish()
		return nil
	case l.is(EverySecond) && time.Since(l.lastSync) < syncPeriod:
		return nil
	case l.cfg.Lazy():
		l.lastSync = time.Now() // to look again in a while
		l.publish()
		return nil
	case l.is(EverySecond):
		l.syncBeside()
		return nil
	}
	return l.sync()
}

// sync makes durable what is written.
func (l *Log) sync() error {
	if err := l.besideDone(true); err != nil {
		return err
	}
	if !l.unsynced {
		l.publish()
		return nil
	}
	if err := l.waiting(l.file.Sync); err != nil {
		return l.syncFailed(err)
	}
	l.unsynced, l.onDisk, l.lastSync = false, l.cfg.Source.Pos(), time.Now()
	l.publish()
	return nil
}

func (l *Log) syncFailed(err error) error {
	l.mu.Lock()
	l.suspect, l.lost, l.fresh = true, true, true
	l.mu.Unlock()
	return fmt.Errorf("Fail to fsync the AOF file: %w", err)
}

// publish moves the horizon. What a file holds in which a sync failed counts
// for nothing.
func (l *Log) publish() {
	h := l.cfg.Horizon
	l.mu.Lock()
	if !l.unsynced { // only annotations may have come since
		l.onDisk = l.cfg.Source.Pos()
	}
	moved := h.move(l, func() {
		if !l.fresh {
			h.synced.Store(l.onDisk)
		}
		if l.is(Always) && !l.lost {
			upTo := l.onDisk
			if l.cfg.Lazy() {
				upTo = l.cfg.Source.Pos()
			}
			h.gate.Store(upTo)
		}
	})
	l.mu.Unlock()
	if moved {
		l.cfg.Moved()
	}
}

// rotate begins a new file. The old one is synced first: only the last file may
// lack its end.
func (l *Log) rotate(head []byte) error {
	if err := l.begin(); err != nil {
		return err
	}
	_ = l.sync() // one that fails makes the log fresh
	next := l.cfg.Dir.NextIncr
	if l.Fresh() {
		next = l.cfg.Dir.TempIncr
	}
	old := l.file
	if err := l.open(next); err != nil {
		return err
	}
	_ = l.waiting(old.Close) // synced, or given up
	l.size, l.torn, l.unsynced, l.stamp = 0, false, false, 0
	l.fileID.Store(l.cfg.Dir.FileID())
	l.mu.Lock()
	l.suspect = false
	l.mu.Unlock()
	l.head = head
	return l.begin()
}

// settle notes how a turn went and says so when that changed. An error that a
// write had is gone with the next that works; one that a sync had stays until
// a rewrite.
func (l *Log) settle(err error) {
	l.mu.Lock()
	if err == nil && l.lost {
		l.mu.Unlock()
		return
	}
	before := l.err
	l.err = err
	l.mu.Unlock()
	switch {
	case err != nil:
		l.cfg.Log.Warn("Error writing to the AOF file: " + err.Error())
		l.cfg.Changed()
	case before != nil:
		l.cfg.Log.Warn("AOF write error looks solved, Holdfast can write again.")
		l.cfg.Changed()
	}
}

// end lets go of everything and of those who wait.
func (l *Log) end() {
	l.mu.Lock()
	orders := l.orders
	l.orders, l.over = nil, true
	l.mu.Unlock()
	for _, o := range orders {
		o.done <- errClosed
	}
	l.pen.Lock()
	_ = l.besideDone(true)
	l.alone.Store(true) // for good
	l.pen.Unlock()
	if l.file != nil {
		_ = l.file.Sync()
		_ = l.file.Close()
	}
}

var errClosed = errors.New("the append-only file was closed")
