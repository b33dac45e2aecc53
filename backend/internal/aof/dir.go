package aof

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Names beside those in the manifest (aof.c).
const (
	manifestSuffix = ".manifest"
	tempPrefix     = "temp-"
	tempBase       = "temp-rewriteaof-bg.aof"
)

// DirConfig says where the files are.
type DirConfig struct {
	Disk Disk // nil: OS
	Root string
	Dir  string // below Root: appenddirname
	Name string // what all names begin with: appendfilename
	Log  *slog.Logger
}

// Dir is the directory of the append-only files and their manifest. Its
// methods are safe for concurrent use.
type Dir struct {
	cfg      DirConfig
	disk     Disk
	path     string
	baseSize atomic.Int64 // bytes of all files when the base was new
	size     atomic.Int64 // bytes of the base and the incremental files

	mu      sync.Mutex
	m       Manifest
	baseSeq int64 // the highest in use
	incrSeq int64
	fileID  int64 // counts the incremental files that were made or opened
	temp    bool  // the incremental file in use is not in the manifest
	keep    bool  // replaced files are kept (aof-disable-auto-gc)
}

// OpenDir reads the manifest, if there is one. It changes nothing.
func OpenDir(cfg DirConfig) (*Dir, error) {
	if cfg.Disk == nil {
		cfg.Disk = OS
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	d := &Dir{cfg: cfg, disk: cfg.Disk, path: filepath.Join(cfg.Root, cfg.Dir)}
	text, err := d.read(d.file(cfg.Name + manifestSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err == nil {
		d.m, err = ParseManifest(text)
	}
	if err != nil {
		return nil, err
	}
	if d.m.Base != nil {
		d.baseSeq = d.m.Base.Seq
	}
	if n := len(d.m.Incr); n > 0 {
		d.incrSeq = d.m.Incr[n-1].Seq
	}
	return d, nil
}

func (d *Dir) file(name string) string { return filepath.Join(d.path, name) }

func (d *Dir) read(name string) ([]byte, error) {
	f, _, err := d.disk.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// Manifest returns the files as they are listed.
func (d *Dir) Manifest() Manifest {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.m
}

// ManifestName is the name of the file that lists them.
func (d *Dir) ManifestName() string { return d.file(d.cfg.Name + manifestSuffix) }

// Size is how many bytes the files of the manifest have, and how many they had
// when the base was new: aof_current_size and aof_base_size.
func (d *Dir) Size() (now, base int64) { return d.size.Load(), d.baseSize.Load() }

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

// make creates the directory, durably.
func (d *Dir) make() error {
	err := d.disk.MkdirAll(d.path)
	if err == nil {
		err = d.disk.SyncDir(d.cfg.Root)
	}
	if err != nil {
		return fmt.Errorf("Can't open or create append-only dir %s: %w", d.cfg.Dir, err)
	}
	return nil
}

// persist makes next the manifest, on disk first: a crash leaves the old one or
// the new. The caller holds mu.
func (d *Dir) persist(next Manifest) error {
	temp := d.file(tempPrefix + d.cfg.Name + manifestSuffix)
	f, err := d.disk.Create(temp)
	if err == nil {
		_, err = f.Write(next.Format())
		if err == nil {
			err = f.Sync()
		}
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		err = d.disk.Rename(temp, d.ManifestName())
	}
	if err == nil {
		err = d.disk.SyncDir(d.path)
	}
	if err != nil {
		return fmt.Errorf("cannot write the AOF manifest: %w", err)
	}
	d.m = next
	return nil
}

// Continue opens the last incremental file to write on behind its end, or makes
// one when there is none.
func (d *Dir) Continue() (File, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.disk.Remove(d.tempIncr()) // of a start that did not come so far
	n := len(d.m.Incr)
	if n == 0 {
		f, err := d.nextIncr()
		if err == nil {
			d.cfg.Log.Info(fmt.Sprintf("Creating AOF incr file %s on server start", d.m.Incr[0].Name))
		}
		return f, 0, err
	}
	name := d.m.Incr[n-1].Name
	f, size, err := d.disk.Append(d.file(name))
	if err != nil {
		return nil, 0, fmt.Errorf("Can't open the append-only file %s: %w", name, err)
	}
	d.cfg.Log.Info(fmt.Sprintf("Opening AOF incr file %s on server start", name))
	return f, size, nil
}

// NextIncr makes the incremental file that is written from now on and lists it.
func (d *Dir) NextIncr() (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, err := d.nextIncr()
	if err == nil {
		d.cfg.Log.Info(fmt.Sprintf("Creating AOF incr file %s on background rewrite", d.m.Incr[len(d.m.Incr)-1].Name))
	}
	return f, err
}

func (d *Dir) nextIncr() (File, error) {
	if err := d.make(); err != nil {
		return nil, err
	}
	p := d.incr()
	f, err := d.create(p.Name)
	if err != nil {
		return nil, err
	}
	next := d.m
	next.Incr = append(append([]Part(nil), d.m.Incr...), p)
	if err := d.persist(next); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	d.incrSeq, d.temp = p.Seq, false
	d.fileID++
	return f, nil
}

func (d *Dir) incr() Part {
	seq := d.incrSeq + 1
	return Part{fmt.Sprintf("%s.%d.incr.aof", d.cfg.Name, seq), seq, Incr}
}

func (d *Dir) create(name string) (File, error) {
	f, err := d.disk.Create(d.file(name))
	if err == nil {
		if err = d.disk.SyncDir(d.path); err != nil {
			f.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("Can't open the append-only file %s: %w", name, err)
	}
	return f, nil
}

func (d *Dir) tempIncr() string { return d.file(tempPrefix + d.cfg.Name + ".incr") }

// TempIncr makes an incremental file that the manifest does not list before
// there is a base that goes with it: until then what the manifest lists stays
// as it is.
func (d *Dir) TempIncr() (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.make(); err != nil {
		return nil, err
	}
	_ = d.disk.Remove(d.tempIncr()) // which one before may still have open
	f, err := d.create(filepath.Base(d.tempIncr()))
	if err == nil {
		d.temp = true
		d.fileID++
	}
	return f, err
}

// FileID names the incremental file that was begun last; 0: none was.
func (d *Dir) FileID() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fileID
}

// DropTemp removes the file that TempIncr made, after it turned out that no
// base goes with it.
func (d *Dir) DropTemp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.temp {
		d.cfg.Log.Info(fmt.Sprintf("Removing the temp incr aof file %s in the background", filepath.Base(d.tempIncr())))
		_ = d.disk.Remove(d.tempIncr())
		d.temp = false
	}
}

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
	next, incrSeq := d.m.replaced(base), d.incrSeq
	if file != 0 {
		last, err := d.lastIncr()
		if err != nil {
			return err
		}
		next.Incr, incrSeq = []Part{last}, last.Seq
		next.History = without(next.History, last.Name)
	}
	if err := d.disk.SyncDir(d.path); err != nil { // the manifest never lists what may be gone
		return err
	}
	if err := d.persist(next); err != nil {
		return err
	}
	d.baseSeq, d.incrSeq, d.temp = seq, incrSeq, false
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
	return p, d.disk.Rename(d.tempIncr(), d.file(p.Name))
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

// Keep says whether replaced files are to stay (aof-disable-auto-gc); those
// that are there go when they need not.
func (d *Dir) Keep(keep bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keep = keep
	d.purge()
}

// purge removes the files that were replaced. They leave the manifest first,
// so that it never lists what is not there; one that cannot be removed costs
// its room and no more.
func (d *Dir) purge() {
	if d.keep || len(d.m.History) == 0 {
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
