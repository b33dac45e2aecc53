package check

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"holdfast/backend/internal/aof"
)

// ErrNotCut is wrapped by the errors that say why a file was left as it is, though
// what stands in it is later than the time it was to be cut at.
var ErrNotCut = errors.New("not cut")

// AOFOptions say what to do beside looking.
type AOFOptions struct {
	// Fix cuts the last file behind its last whole unit. What is cut off is kept
	// in a file beside it, whose name Kept tells.
	Fix bool
	// Until, a Unix time in seconds, cuts the last file before what was written
	// later, as its annotations of the time tell it, and keeps that too; what is
	// behind the cut is not checked. 0: there is no such time.
	Until    int64
	Progress Progress
}

// AOFReport is what was found in the files of an append-only file.
type AOFReport struct {
	Manifest bool // a manifest lists the files
	Files    []Report
	Kept     string // where the bytes are that were cut off the last of Files; empty: nothing was
}

// AOF checks an append-only file: all files that a manifest lists, or a single
// one. The first fault ends it.
func AOF(name string, o AOFOptions) (AOFReport, error) {
	var report AOFReport
	files, manifest, err := filesOf(name)
	if err != nil {
		return report, err
	}
	report.Manifest = manifest
	var at position
	for i, file := range files {
		file.until = o.Until
		r, err := command(file, &at, o.Progress)
		report.Files = append(report.Files, r)
		last := i == len(files)-1
		var late *aof.Late
		var f *Fault
		switch {
		case err == nil:
			continue
		case errors.As(err, &late):
			report.Kept, err = cutLate(r, late, o.Until, last)
		case o.Fix && errors.As(err, &f):
			report.Kept, err = mend(f, last)
		}
		return report, err
	}
	return report, nil
}

// part is a file to check.
type part struct {
	name  string
	base  bool
	until int64
}

// filesOf lists what there is to check, and tells whether a manifest does.
func filesOf(name string) (files []part, manifest bool, err error) {
	text, err := head(name)
	if err != nil {
		return nil, false, err
	}
	if !strings.HasSuffix(name, ".manifest") && !bytes.HasPrefix(text, []byte("file ")) {
		return []part{{name: name}}, false, nil
	}
	if text, err = os.ReadFile(name); err != nil {
		return nil, true, err
	}
	m, err := aof.ParseManifest(text)
	if err != nil {
		return nil, true, &Fault{File: name, Err: err}
	}
	dir := filepath.Dir(name)
	if m.Base != nil {
		files = append(files, part{name: filepath.Join(dir, m.Base.Name), base: true})
	}
	for _, p := range m.Incr {
		files = append(files, part{name: filepath.Join(dir, p.Name)})
	}
	return files, true, nil
}

func head(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 5)
	n, err := io.ReadFull(f, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return b[:n], err
}

// command checks one file: a snapshot and commands behind it, or commands
// alone.
func command(of part, at *position, p Progress) (Report, error) {
	name := of.name
	in, size, file, err := open(name, p)
	if err != nil {
		return Report{File: name, Base: of.base}, err
	}
	defer file.Close()
	c := counter{Report: Report{File: name, Base: of.base, Size: size}, names: make(tally), at: at}
	if of.until == 0 {
		err = aof.Read(in, &c)
	} else {
		err = aof.ReadUntil(in, of.until, &c)
	}
	c.Names = c.names.list()
	var f *aof.Fault
	var torn *Fault
	switch {
	case errors.As(err, &f):
		_, hole := errors.AsType[*aof.Hole](f.Err)
		err = &Fault{File: name, Offset: f.At, Good: f.Good, Err: f.Err, mendable: !hole, text: c.text}
	case errors.As(err, &torn):
		torn.File = name
	}
	return c.Report, err
}

// counter is an aof.Sink.
type counter struct {
	Report
	names tally
	at    *position
	text  int64 // offset where the commands begin
}

// position is where in the stream the files stand, once one of them tells it.
type position struct {
	known  bool
	offset uint64
}

// Snapshot notes what is in a base. One that is broken cannot be cut: nothing
// behind its fault can be told apart.
func (c *counter) Snapshot(r *bufio.Reader) error {
	at, err := c.snapshot(r)
	if err != nil {
		return &Fault{Offset: at, Good: c.whole, Err: err}
	}
	c.text, c.Preamble = at, true
	return nil
}

// Unit counts the commands of a unit.
func (c *counter) Unit(u *aof.Unit) error {
	c.Units++
	c.at.offset += uint64(len(u.Raw))
	for _, cmd := range u.Commands {
		size := 0
		for _, word := range cmd.Args {
			size += len(word)
		}
		c.names.add(strings.ToLower(string(cmd.Args[0])), int64(len(cmd.Args)), int64(size))
	}
	return nil
}

// Place looks whether the file goes on where the one before it ended.
func (c *counter) Place(p aof.Place) error {
	if c.at.known && p.Offset > c.at.offset {
		return &aof.Hole{End: c.at.offset, Begin: p.Offset}
	}
	c.at.known, c.at.offset = true, p.Offset
	return nil
}
