package aof

import "fmt"

// ProofFile is in a node's dir while the files prove to its group that the node has
// all it confirmed. Whoever cuts from them what may have been confirmed takes it
// away first.
const ProofFile = "incarnation"

// CutAt ends the files at an offset of one of them, which is behind a unit: what
// follows it there is cut off, and the files behind it go. No name: only the base
// stays. A crash leaves all of them, or those up to that one, whole or cut. No
// log writes meanwhile.
func (d *Dir) CutAt(file string, offset int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next, last := d.m, -1
	for i, p := range d.m.Incr {
		if p.Name == file {
			last = i
		}
	}
	if last < 0 && (d.m.Base == nil || file != "" && d.m.Base.Name != file) {
		return fmt.Errorf("aof: %s is none of the append-only files", file)
	}
	next.Incr = append([]Part(nil), d.m.Incr[:last+1]...)
	gone := d.m.Incr[last+1:]
	if len(gone) > 0 {
		if err := d.persist(next); err != nil {
			return err
		}
	}
	if file != "" {
		if err := d.disk.Truncate(d.file(file), offset); err != nil {
			return fmt.Errorf("cannot cut the append-only file %s at %d: %w", file, offset, err)
		}
	}
	for _, p := range gone {
		_ = d.disk.Remove(d.file(p.Name)) // it is not listed any more
	}
	d.size.Store(d.sizeOf(next.loaded()))
	return nil
}
