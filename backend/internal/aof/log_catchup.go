package aof

// catchUp is Horizon.CatchUp. The file is the one whose goroutine holds the pen, or
// the log's own as long as alone says so: no loop waits for more than a write, its
// own or the goroutine's.
//
// Where it cannot write, the goroutine tries again, and says so.
func (l *Log) catchUp() {
	if l.is(Always) || l.cfg.Delay() > 0 || l.alone.Load() || l.Pos() >= l.published() {
		return
	}
	l.pen.Lock()
	defer l.pen.Unlock()
	if l.alone.Load() {
		return
	}
	clean := !l.unsynced
	l.eased = true
	err := l.write(min(l.published(), l.nextOrder()))
	if err != nil {
		l.alone.Store(true)
	}
	switch {
	case err != nil: // every reply until it has said so is one to a write that may be lost
		l.call()
	case clean: // it may sleep without a deadline
		l.cfg.Source.Interrupt()
	}
}

// waiting does on the log's goroutine what may take the disk its time, without the
// pen but with the file to itself.
func (l *Log) waiting(f func() error) error {
	l.alone.Store(true)
	l.pen.Unlock()
	err := f()
	l.pen.Lock()
	l.alone.Store(l.beside != nil)
	return err
}

// open begins a new file.
func (l *Log) open(create func() (File, error)) error {
	return l.waiting(func() error {
		f, err := create()
		if err == nil {
			l.file = f
		}
		return err
	})
}
