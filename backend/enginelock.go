package backend

import "sync"

// engineLock is the lock of the engine. What holds it from Lock to Unlock finds
// the data between two units. Only a script that runs for long lets others in
// half-way (apart.go): with part instead of Unlock, after which Lock waits until
// the script has gone on to its end, and only LockParted gets in, for which a
// unit may be open.
//
// The loops go on with the script, so code that runs on a loop uses LockParted
// and nothing else: with Lock it would wait for itself.
type engineLock struct {
	mu     sync.Mutex
	whole  sync.Cond // parted ended; guarded by mu as all below
	waits  int       // in Lock for it
	parted bool      // a script stands half-way and does not hold the lock
}

func (l *engineLock) init() { l.whole.L = &l.mu }

// Lock takes the lock when no script stands half-way.
func (l *engineLock) Lock() {
	l.mu.Lock()
	for l.parted {
		l.waits++
		l.whole.Wait()
		l.waits--
	}
}

// LockParted takes the lock even then; parted tells.
func (l *engineLock) LockParted() { l.mu.Lock() }

// TryLock takes the lock if Lock would not wait.
func (l *engineLock) TryLock() bool {
	if !l.mu.TryLock() {
		return false
	}
	if l.parted {
		l.mu.Unlock()
		return false
	}
	return true
}

// Unlock ends Lock and LockParted.
func (l *engineLock) Unlock() {
	if l.waits > 0 && !l.parted {
		l.whole.Broadcast()
	}
	l.mu.Unlock()
}
