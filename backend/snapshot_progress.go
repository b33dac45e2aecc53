package backend

import (
	"strconv"
	"sync/atomic"
)

// snapshotProgress is how far the snapshot under way has come: of a file, of a base
// of the append-only file, or for replicas. It is written under the engine lock and
// read by INFO without it.
type snapshotProgress struct {
	keys  atomic.Int64 // there were when it began; 0: there is none under way
	done  atomic.Int64 // of them were encoded
	ahead atomic.Int64 // bytes encoded before their turn, since a command changed what they were

	lastFile, lastBase atomic.Int64 // what ahead was in the end, of a base and of all others
}

// begin is called when a snapshot of so many keys has begun.
func (p *snapshotProgress) begin(keys int) {
	p.done.Store(0)
	p.ahead.Store(0)
	p.keys.Store(int64(keys))
}

// end is called when it is over, whatever came of it.
func (p *snapshotProgress) end(base bool) {
	last := &p.lastFile
	if base {
		last = &p.lastBase
	}
	last.Store(p.ahead.Load())
	p.begin(0)
}

// info tells it in the words that Redis has for its child processes: what is encoded
// ahead is what it would have copied on write, if in bytes and not in pages.
func (p *snapshotProgress) info(b *infoText) {
	keys, done, ahead := p.keys.Load(), p.done.Load(), p.ahead.Load()
	b.field("current_cow_peak", ahead)
	b.field("current_cow_size", ahead)
	b.zeros("current_cow_size_age")
	b.field("current_fork_perc", strconv.FormatFloat(100*float64(done)/float64(max(keys, 1)), 'f', 2, 64))
	b.field("current_save_keys_processed", done)
	b.field("current_save_keys_total", keys)
}
