package aof

import (
	"errors"
	"fmt"
)

// NewBase makes the file that a rewrite goes to.
func (d *Dir) NewBase() (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.make(); err != nil {
		return nil, err
	}
	return d.disk.Create(d.file(tempBase))
}

// DropBase removes the file of a rewrite that failed.
func (d *Dir) DropBase() { _ = d.disk.Remove(d.file(tempBase)) }

var errOutOfDate = errors.New("another append-only file was begun since")

// Commit puts the file that NewBase made, of size bytes, which is whole and
// synced, in the place of all that was written before the incremental file of
// that id (FileID) was begun, which must be the last; 0: in the place of
// everything.
func (d *Dir) Commit(size int64, snapshot bool, file int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if file != 0 && file != d.fileID {
		return errOutOfDate
	}
	suffix := "aof"
	if snapshot {
		suffix = "rdb"
	}
	seq := d.baseSeq + 1
	base := &Part{fmt.Sprintf("%s.%d.base.%s", d.cfg.Name, seq, suffix), seq, Base}
	if err := d.disk.Rename(d.file(tempBase), d.file(base.Name)); err != nil {
		return err
	}
	d.baseSeq = seq
	next := d.m.replaced(base)
	if file != 0 {
		last, err := d.lastIncr()
		if err != nil {
			return err
		}
		next.Incr = []Part{last}
		next.History = without(next.History, last.Name)
	}
	if err := d.disk.SyncDir(d.path); err != nil { // the manifest never lists what may be gone
		return err
	}
	if err := d.persist(next); err != nil {
		return err
	}
	d.temp = false
	total := size + d.sizeOf(next.Incr)
	d.size.Store(total)
	d.baseSize.Store(total)
	d.purge()
	return nil
}

// lastIncr is the incremental file in use. One that was not listed gets its
// name.
func (d *Dir) lastIncr() (Part, error) {
	if !d.temp {
		return d.m.Incr[len(d.m.Incr)-1], nil
	}
	p := d.incr()
	if err := d.disk.Rename(d.tempIncr(), d.file(p.Name)); err != nil {
		return p, err
	}
	d.incrSeq = p.Seq
	return p, nil
}

// replaced is the manifest with base in the place of all files.
func (m *Manifest) replaced(base *Part) Manifest {
	next := Manifest{Base: base, History: append([]Part(nil), m.History...)}
	if m.Base != nil {
		next.History = append([]Part{{m.Base.Name, m.Base.Seq, History}}, next.History...)
	}
	for _, p := range m.Incr {
		next.History = append([]Part{{p.Name, p.Seq, History}}, next.History...)
	}
	return next
}

func without(list []Part, name string) []Part {
	for i, p := range list {
		if p.Name == name {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

func (d *Dir) sizeOf(parts []Part) (sum int64) {
	for _, p := range parts {
		if f, size, err := d.disk.Open(d.file(p.Name)); err == nil {
			sum += size
			f.Close()
		}
	}
	return sum
}

// Keep says whether replaced files are to stay from now on (aof-disable-auto-gc).
// It does not wait for the disk: Purge removes those that need not stay.
func (d *Dir) Keep(keep bool) { d.keep.Store(keep) }

// Purge removes the files that were replaced, unless they are to stay.
func (d *Dir) Purge() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.purge()
}

// purge removes the files that were replaced. They leave the manifest first,
// so that it never lists what is not there; one that cannot be removed costs
// its room and no more.
func (d *Dir) purge() {
	if d.keep.Load() || len(d.m.History) == 0 {
		return
	}
	gone, next := d.m.History, d.m
	next.History = nil
	if err := d.persist(next); err != nil {
		d.cfg.Log.Warn(err.Error())
		return
	}
	for _, p := range gone {
		d.cfg.Log.Info(fmt.Sprintf("Removing the history file %s in the background", p.Name))
		_ = d.disk.Remove(d.file(p.Name))
	}
}
