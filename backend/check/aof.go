package check

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"holdfast/backend/internal/aof"
)

// AOFOptions say what to do beside looking.
type AOFOptions struct {
	// Fix cuts the last file behind its last whole unit. What is cut off is kept
	// in a file beside it, whose name Fixed tells.
	Fix      bool
	Progress Progress
}

// AOFReport is what was found in the files of an append-only file.
type AOFReport struct {
	Files []Report
	Fixed string // where the bytes are that were cut off; empty: nothing was
}

// AOF checks an append-only file: all files that a manifest lists, or a single
// one. The first fault ends it.
func AOF(name string, o AOFOptions) (AOFReport, error) {
	var report AOFReport
	files, err := filesOf(name)
	if err != nil {
		return report, err
	}
	var at position
	for i, file := range files {
		r, err := command(file, &at, o.Progress)
		report.Files = append(report.Files, r)
		var f *Fault
		switch {
		case err == nil:
			continue
		case !o.Fix || !errors.As(err, &f):
			return report, err
		case i < len(files)-1:
			return report, fmt.Errorf("%w; it cannot be cut because it is not the last file", err)
		case !f.mendable:
			return report, fmt.Errorf("%w; a cut cannot mend it", err)
		}
		report.Fixed, err = cut(f)
		return report, err
	}
	return report, nil
}

// filesOf lists what there is to check.
func filesOf(name string) ([]string, error) {
	text, err := head(name)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(name, ".manifest") && !bytes.HasPrefix(text, []byte("file ")) {
		return []string{name}, nil
	}
	if text, err = os.ReadFile(name); err != nil {
		return nil, err
	}
	m, err := aof.ParseManifest(text)
	if err != nil {
		return nil, &Fault{File: name, Err: err}
	}
	var files []string
	if m.Base != nil {
		files = append(files, m.Base.Name)
	}
	for _, p := range m.Incr {
		files = append(files, p.Name)
	}
	for i := range files {
		files[i] = filepath.Join(filepath.Dir(name), files[i])
	}
	return files, nil
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
func command(name string, at *position, p Progress) (Report, error) {
	in, size, file, err := open(name, p)
	if err != nil {
		return Report{File: name}, err
	}
	defer file.Close()
	c := counter{Report: Report{File: name, Size: size}, names: make(tally), at: at}
	err = aof.Read(in, &c)
	c.Names = c.names.list()
	var f *aof.Fault
	var torn *Fault
	switch {
	case errors.As(err, &f):
		_, hole := errors.AsType[*aof.Hole](f.Err)
		err = &Fault{File: name, Offset: f.At, Good: f.Good, Err: f.Err, mendable: !hole}
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

// cut moves what stands behind the last whole unit into a file of its own.
func cut(f *Fault) (kept string, err error) {
	in, err := os.Open(f.File)
	if err != nil {
		return "", err
	}
	defer in.Close()
	if _, err := in.Seek(f.Good, io.SeekStart); err != nil {
		return "", err
	}
	kept = fmt.Sprintf("%s.cut-at-%d", f.File, f.Good)
	out, err := os.OpenFile(kept, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return "", err
	}
	return kept, aof.OS.Truncate(f.File, f.Good)
}
