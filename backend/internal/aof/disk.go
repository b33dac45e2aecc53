package aof

import (
	"errors"
	"io"
	"os"
)

// Disk is the file layer under the append-only files. It is an interface so
// that a test can stand in that forgets what was not synced, as a machine that
// loses its power does.
type Disk interface {
	// MkdirAll makes a directory that may exist already.
	MkdirAll(dir string) error
	// Create makes an empty file, also in the place of an old one.
	Create(name string) (File, error)
	// Append opens a file to write behind its present end, which is returned.
	Append(name string) (File, int64, error)
	// Open opens a file for reading and says how long it is, bytes.
	Open(name string) (io.ReadCloser, int64, error)
	Truncate(name string, size int64) error
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes what was created, renamed or removed in dir durable.
	SyncDir(dir string) error
}

// File is a file being written. What Write took is durable once Sync returned
// nil. After an error of Sync nothing is known about it, and a later Sync that
// succeeds proves nothing: the kernel may have dropped the bytes.
type File interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// OS is the machine's own disk.
var OS Disk = osDisk{}

type osDisk struct{}

func (osDisk) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o755) }

func (osDisk) Create(name string) (File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o644)
}

func (osDisk) Append(name string) (File, int64, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, 0, err
	}
	stat, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, stat.Size(), nil
}

func (osDisk) Open(name string) (io.ReadCloser, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	stat, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, stat.Size(), nil
}

func (osDisk) Truncate(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Sync(), f.Close())
}

func (osDisk) Rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) Remove(name string) error { return os.Remove(name) }

func (osDisk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
