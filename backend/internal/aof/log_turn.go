package aof

import (
	"context"
	"math"
	"time"
)

// run writes until the log is closed or the stream replaced.
func (l *Log) run() {
	defer close(l.done)
	defer l.cfg.Source.Close()
	defer l.cancel()
	if l.cfg.After != nil {
		<-l.cfg.After
	}
	for goOn := true; goOn; {
		idle, err := l.turn()
		l.settle(err)
		switch {
		case err != nil && l.ended(), err == nil && idle && l.ended():
			goOn = false
		case err != nil:
			l.pause(retryPeriod)
		case idle:
			goOn = l.await()
		}
	}
	l.end()
}

// begin makes the file where there is none, and writes what must stand in it
// before anything else: without that, what follows would be taken for another
// place in the history, or for another database.
func (l *Log) begin() (err error) {
	if l.file == nil {
		if err = l.open(l.cfg.Dir.TempIncr); err == nil {
			l.fileID.Store(l.cfg.Dir.FileID())
		}
	}
	if err == nil && len(l.head) > 0 {
		err = l.put([][]byte{l.head})
	}
	if err == nil {
		l.head = nil
	}
	return err
}

// turn writes what there is, carries out orders and syncs when that is due. idle
// tells that nothing is left to do.
func (l *Log) turn() (idle bool, err error) {
	l.slowDown()
	l.pen.Lock()
	defer l.pen.Unlock()
	defer func() { l.alone.Store(err != nil || l.beside != nil) }()
	if err := l.begin(); err != nil {
		return false, err
	}
	end := l.published() // before the orders: each was given before what is behind it
	if err := l.write(min(end, l.nextOrder())); err != nil {
		return false, err
	}
	l.obey()
	if err := l.syncIfDue(); err != nil {
		return false, err
	}
	pos := l.cfg.Source.Pos()
	idle = pos >= l.published() && l.nextOrder() > pos
	if idle && l.ended() {
		return true, l.sync()
	}
	return idle, nil
}

// published is the position up to which there is something to write.
func (l *Log) published() uint64 { return min(l.cfg.Source.Published(), l.stop.Load()) }

// slowDown keeps the pace of writes that nobody waits for, and takes the time that
// tests ask for.
func (l *Log) slowDown() {
	l.pen.Lock()
	pace := writePace
	if l.eased && l.beside == nil {
		pace = restPace
	}
	l.eased = false
	rest := pace - time.Since(l.lastPut)
	l.pen.Unlock()
	if rest > 0 && !l.is(Always) && !l.ended() {
		l.rest(rest)
	}
	if d := l.cfg.Delay(); d > 0 && l.Pos() < l.published() {
		l.pause(d)
	}
}

// rest waits for d unless it is called or the log is to end.
func (l *Log) rest(d time.Duration) {
	select {
	case <-l.rouse:
	case <-l.closed:
	case <-l.ctx.Done():
	case <-time.After(d):
	}
}

// pause waits for d unless the log is to end.
func (l *Log) pause(d time.Duration) {
	select {
	case <-l.closed:
	case <-l.ctx.Done():
	case <-time.After(d):
	}
}

func (l *Log) ended() bool {
	select {
	case <-l.closed:
	case <-l.ctx.Done():
	default:
		return false
	}
	return true
}

func (l *Log) nextOrder() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.orders) == 0 {
		return math.MaxUint64
	}
	return l.orders[0].at
}

// obey carries out the orders for this position.
func (l *Log) obey() {
	for l.nextOrder() <= l.cfg.Source.Pos() {
		l.mu.Lock()
		o := l.orders[0]
		l.orders = l.orders[1:]
		l.mu.Unlock()
		o.done <- o.do()
	}
}

// await sleeps until there is something to do; false when the stream was
// replaced and nothing will come any more.
func (l *Log) await() bool {
	ctx := l.ctx
	if at, due := l.nextSync(); due {
		until, cancel := context.WithDeadline(l.ctx, at)
		defer cancel()
		ctx = until
	}
	err := l.cfg.Source.Wait(ctx)
	return err == nil || ctx.Err() != nil && l.ctx.Err() == nil
}

// nextSync is when there is something to sync, if no sync is under way: that
// interrupts the wait when it is done.
func (l *Log) nextSync() (at time.Time, due bool) {
	l.pen.Lock()
	defer l.pen.Unlock()
	return l.lastSync.Add(syncPeriod), l.unsynced && !l.is(Never) && l.beside == nil
}
