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

	keep atomic.Bool // replaced files are kept (aof-disable-auto-gc)

	mu sync.Mutex // guards all below
	m  Manifest
	// The highest numbers that a file ever had: a manifest whose sync failed may
	// come back after a crash and list it, so that no name is used twice.
	baseSeq int64
	incrSeq int64
	fileID  int64 // counts the incremental files that were made or opened
	temp    bool  // the incremental file in use is not in the manifest
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
	d.incrSeq = p.Seq
	next := d.m
	next.Incr = append(append([]Part(nil), d.m.Incr...), p)
	if err := d.persist(next); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	d.temp = false
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

// DropTemp removes the file of that id (FileID), if TempIncr made it and no base
// goes with it: its log has ended. One that was begun since is another log's, and
// stays.
func (d *Dir) DropTemp(file int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.temp && d.fileID == file {
		d.cfg.Log.Info(fmt.Sprintf("Removing the temp incr aof file %s in the background", filepath.Base(d.tempIncr())))
		_ = d.disk.Remove(d.tempIncr())
		d.temp = false
	}
}
