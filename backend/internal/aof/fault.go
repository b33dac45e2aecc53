package aof

import (
	"errors"
	"fmt"
)

// Why a file cannot be read on. Both come wrapped in a *Fault.
var (
	// ErrTruncated says that the file ends inside a unit.
	ErrTruncated = errors.New("unexpected end of file")
	// ErrFormat says that something else stands where a command should.
	ErrFormat = errors.New("bad file format")
)

// Fault tells how far a file is good.
type Fault struct {
	File string // its name; empty while only its content is looked at
	Good int64  // offset behind the last whole unit: the file can be cut there
	At   int64  // offset of the fault
	Err  error
}

func (f *Fault) Error() string {
	s := fmt.Sprintf("%v at offset %d", f.Err, f.At)
	if f.File != "" {
		s = f.File + ": " + s
	}
	return s
}

// Unwrap gives the kind of the fault, ErrTruncated or ErrFormat, or the error
// of the disk.
func (f *Fault) Unwrap() error { return f.Err }

// Hole says that a file does not go on where the one before it ends: the earlier
// one was cut behind a whole unit, where nothing else shows it, or a file
// between them is gone.
type Hole struct {
	End   uint64 // position in the stream up to which the files before hold it
	Begin uint64 // where the file says that it begins
}

func (h *Hole) Error() string {
	return fmt.Sprintf("%d bytes of the stream are missing: what follows begins at position %d, and what stands before it ends at %d. "+
		"Restore the file before from a copy; or, to go on without what follows, take this file and those behind it out of the manifest",
		h.Begin-h.End, h.Begin, h.End)
}
