// Package disktest is a disk for tests that keeps its promises and no others:
// what was not synced is gone after a crash.
package disktest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"holdfast/backend/internal/aof"
)

// ErrFull is what writes to a full disk return.
var ErrFull = errors.New("no space left on device")

// Disk is an aof.Disk in memory. A name and what stands under it become durable
// apart from one another: SyncDir keeps the names of a directory, Sync the bytes
// of a file. It is safe for concurrent use.
type Disk struct {
	mu      sync.Mutex
	names   map[string]*inode
	durable map[string]*inode
	room    int64 // bytes that can be written yet; negative: any
	failing bool  // syncs fail
	slow    time.Duration
	held    chan struct{} // closed when syncs may go on; nil: they may
	holding int           // syncs that wait for it
	syncs   int
	dead    bool
}

type inode struct {
	data   []byte
	synced []byte
}

// New returns an empty disk of any size.
func New() *Disk {
	return &Disk{names: make(map[string]*inode), durable: make(map[string]*inode), room: -1}
}

// Limit lets room more bytes be written, and half of the write that exceeds
// them; negative: any number.
func (d *Disk) Limit(room int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = room
}

// FailSyncs has every Sync fail, and forget what it was to keep.
func (d *Disk) FailSyncs(fail bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = fail
}

// Slow has every Sync take so long.
func (d *Disk) Slow(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slow = by
}

// Hold has every Sync that begins wait until release is called.
func (d *Disk) Hold() (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	held := make(chan struct{})
	d.held = held
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.held = nil
		close(held)
	}
}

// Holding is how many syncs wait for the release.
func (d *Disk) Holding() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.holding
}

// Syncs is how many files were synced.
func (d *Disk) Syncs() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncs
}

// Crash returns what the machine finds after it lost its power: what was synced
// and, of what was not, as much of the beginning as luck has it. The disk itself
// fails from now on.
func (d *Disk) Crash(luck *rand.Rand) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	after := New()
	for name, f := range d.durable {
		data := bytes.Clone(f.synced)
		if rest := len(f.data) - len(f.synced); rest > 0 && luck != nil && bytes.HasPrefix(f.data, f.synced) {
			data = append(data, f.data[len(f.synced):len(f.synced)+luck.IntN(rest+1)]...)
		}
		after.names[name] = &inode{data: data, synced: bytes.Clone(data)}
		after.durable[name] = after.names[name]
	}
	return after
}

// Read returns a file's present bytes; nil when there is none.
func (d *Disk) Read(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.names[name]; f != nil {
		return bytes.Clone(f.data)
	}
	return nil
}

// Put makes a durable file.
func (d *Disk) Put(name string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := &inode{data: bytes.Clone(data), synced: bytes.Clone(data)}
	d.names[name], d.durable[name] = f, f
}

// Names lists the files.
func (d *Disk) Names() (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.names {
		names = append(names, name)
	}
	return names
}

var errDead = errors.New("the machine has crashed")

func (d *Disk) alive() error {
	if d.dead {
		return errDead
	}
	return nil
}

// MkdirAll implements aof.Disk; directories are not kept apart from names.
func (d *Disk) MkdirAll(string) error { return nil }

// Create implements aof.Disk.
func (d *Disk) Create(name string) (aof.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := new(inode)
	d.names[name] = f
	return &file{d, f}, d.alive()
}

// Append implements aof.Disk.
func (d *Disk) Append(name string) (aof.File, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[name]
	if f == nil {
		f = new(inode)
		d.names[name] = f
	}
	return &file{d, f}, int64(len(f.data)), d.alive()
}

// Open implements aof.Disk.
func (d *Disk) Open(name string) (io.ReadCloser, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[name]
	if f == nil {
		return nil, 0, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return io.NopCloser(bytes.NewReader(bytes.Clone(f.data))), int64(len(f.data)), d.alive()
}

// Truncate implements aof.Disk: it is durable.
func (d *Disk) Truncate(name string, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[name]
	if f == nil {
		return fs.ErrNotExist
	}
	f.data = f.data[:size]
	f.synced = bytes.Clone(f.data)
	return d.alive()
}

// Rename implements aof.Disk.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[from]
	if f == nil {
		return fs.ErrNotExist
	}
	delete(d.names, from)
	d.names[to] = f
	return d.alive()
}

// Remove implements aof.Disk.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] == nil {
		return fs.ErrNotExist
	}
	delete(d.names, name)
	return d.alive()
}

// SyncDir implements aof.Disk.
func (d *Disk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errDead
	}
	for name := range d.durable {
		if filepath.Dir(name) == filepath.Clean(dir) {
			delete(d.durable, name)
		}
	}
	for name, f := range d.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			d.durable[name] = f
		}
	}
	return nil
}

type file struct {
	d *Disk
	f *inode
}

// Write appends p, or as much of it as there is room for.
func (f *file) Write(p []byte) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	n := len(p)
	err := f.d.alive()
	if err == nil && f.d.room >= 0 {
		if int64(n) > f.d.room {
			n, err = int(f.d.room), ErrFull
		}
		f.d.room -= int64(n)
	}
	if err == errDead {
		return 0, err
	}
	f.f.data = append(f.f.data, p[:n]...)
	return n, err
}

func (f *file) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	size := len(f.f.data) // what is written meanwhile is not in it
	if slow := f.d.slow; slow > 0 {
		f.d.mu.Unlock()
		time.Sleep(slow)
		f.d.mu.Lock()
	}
	if held := f.d.held; held != nil {
		f.d.holding++
		f.d.mu.Unlock()
		<-held
		f.d.mu.Lock()
		f.d.holding--
	}
	switch {
	case f.d.dead:
		return errDead
	case f.d.failing:
		f.f.data = bytes.Clone(f.f.synced) // as kernels do that drop what they could not write
		return errors.New("input/output error")
	}
	f.d.syncs++
	f.f.synced = bytes.Clone(f.f.data[:min(size, len(f.f.data))])
	return nil
}

func (f *file) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.d.dead {
		return errDead
	}
	f.f.data = f.f.data[:min(size, int64(len(f.f.data)))]
	return nil
}

func (f *file) Close() error { return nil }
