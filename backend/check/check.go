// Package check reads the files of a node, or of a Redis, without a node: are
// they whole, what is in them, and where does the first fault stand.
package check

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"

	"holdfast/backend/internal/rdb"
)

// ErrBroken is wrapped by the errors that say that a file is not valid, unlike
// those that say that it could not be read.
var ErrBroken = errors.New("not valid")

// Fault is a file that is not valid.
type Fault struct {
	File   string
	Offset int64 // of the fault, bytes
	Good   int64 // up to where all is whole
	Err    error

	mendable bool  // the file can be cut at Good
	text     int64 // offset where the lines begin
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%s is not valid: the first fault stands at offset %d, and all is whole up to %d: %v", f.File, f.Offset, f.Good, f.Err)
}

// Is tells that every Fault is ErrBroken.
func (f *Fault) Is(target error) bool { return target == ErrBroken }

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Count sums up what is alike.
type Count struct {
	Name     string // a type, or a command
	Number   int64  // keys, or commands
	Elements int64  // of collections; bytes of strings
	Bytes    int64  // in the file
}

// Report is what was found in one file.
type Report struct {
	File     string
	Base     bool  // the manifest says so
	Size     int64 // bytes
	Version  int   // of the RDB format; 0: there is no snapshot in the file
	Preamble bool  // commands may follow the snapshot, which is whole
	Writer   string
	Keys     int64 // of the snapshot
	Expires  int64 // of them, those that expire
	Types    []Count
	Units    int64   // commands and transactions behind it
	Names    []Count // commands

	whole int64 // offset behind the last whole key of the snapshot
}

// tally counts by name.
type tally map[string]*Count

func (t tally) add(name string, elements, bytes int64) {
	c := t[name]
	if c == nil {
		c = &Count{Name: name}
		t[name] = c
	}
	c.Number++
	c.Elements += elements
	c.Bytes += bytes
}

// list returns the counts, the largest first.
func (t tally) list() []Count {
	var all []Count
	for _, c := range t {
		all = append(all, *c)
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].Bytes != all[j].Bytes {
			return all[i].Bytes > all[j].Bytes
		}
		return all[i].Name < all[j].Name
	})
	return all
}

// Progress sees every byte that is read; nil: nobody wants to know.
type Progress interface {
	// File says which file comes, and its size in bytes.
	File(name string, size int64)
	io.Writer
}

// open opens a file to read through p.
func open(name string, p Progress) (in io.Reader, size int64, closer io.Closer, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, nil, err
	}
	stat, err := f.Stat()
	if err != nil {
		return nil, 0, nil, errors.Join(err, f.Close())
	}
	if p == nil {
		return f, stat.Size(), f, nil
	}
	p.File(name, stat.Size())
	return io.TeeReader(f, p), stat.Size(), f, nil
}

// RDB checks a snapshot file. What was read up to a fault is in the report too.
func RDB(name string, p Progress) (Report, error) {
	in, size, file, err := open(name, p)
	if err != nil {
		return Report{File: name}, err
	}
	defer file.Close()
	r := Report{File: name, Size: size}
	at, err := r.snapshot(in)
	if err != nil {
		return r, &Fault{File: name, Offset: at, Good: r.whole, Err: err}
	}
	if at != size {
		return r, &Fault{File: name, Offset: at, Good: at, Err: fmt.Errorf("%d bytes stand behind the end of the snapshot", size-at)}
	}
	return r, nil
}

// snapshot reads one and notes what is in it.
func (r *Report) snapshot(in io.Reader) (at int64, err error) {
	types := make(tally)
	info, at, err := rdb.Check(in, func(e rdb.Entry) {
		types.add(e.Type.String(), int64(e.Elements), e.Bytes)
		r.Keys++
		r.whole = e.End
		if e.Expires {
			r.Expires++
		}
	})
	r.Version, r.Writer, r.Types = info.Version, info.RedisVersion, types.list()
	return at, err
}
