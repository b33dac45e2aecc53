package aof

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Upgrade takes the single file that Redis wrote before 7.0 into the directory
// as its base, and finishes an upgrade that was interrupted.
func (d *Dir) Upgrade() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := filepath.Join(d.cfg.Root, d.cfg.Name)
	if !d.exists(old) {
		return nil
	}
	listed := d.m.Base != nil || len(d.m.Incr) > 0
	half := d.m.Base != nil && d.m.Base.Name == d.cfg.Name && len(d.m.Incr) == 0 && !d.exists(d.file(d.cfg.Name))
	if listed && !half {
		return nil
	}
	if err := d.make(); err != nil {
		return err
	}
	if !half {
		next := Manifest{Base: &Part{d.cfg.Name, 1, Base}}
		if err := d.persist(next); err != nil {
			return err
		}
		d.baseSeq = 1
	}
	err := d.disk.Rename(old, d.file(d.cfg.Name))
	if err == nil {
		err = errors.Join(d.disk.SyncDir(d.path), d.disk.SyncDir(d.cfg.Root))
	}
	if err != nil {
		return fmt.Errorf("Error trying to move the old AOF file %s into dir %s: %w", d.cfg.Name, d.cfg.Dir, err)
	}
	d.cfg.Log.Info(fmt.Sprintf("Successfully migrated an old-style AOF file (%s) into the AOF directory (%s).", d.cfg.Name, d.cfg.Dir))
	return nil
}

func (d *Dir) exists(name string) bool {
	f, _, err := d.disk.Open(name)
	if err != nil {
		return false
	}
	f.Close()
	return true
}
