package aof

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"strconv"

	"holdfast/backend/resp"
)

// Unit is what takes effect as a whole: one command, or those of MULTI…EXEC,
// or a PING with what it carries. It is valid until the next one is read.
type Unit struct {
	Raw      []byte // the bytes in the file, without annotations
	Commands []Command
	DB       int    // selected behind the unit
	File     string // its name in the directory; empty of a single one
	End      int64  // offset in the file behind it
}

// Command is one command of a unit, on a database.
type Command struct {
	DB   int
	Args [][]byte
}

// Annotation is a line that begins with #: no command, and passed over by all
// who do not know it. It is valid until the next read.
type Annotation []byte

const (
	maxLine  = 64 << 10 // bytes of an annotation or a count
	keepUnit = 1 << 20  // a larger buffer is given back after its unit
	believed = 1 << 20  // bytes that a length makes room for before they have come
)

// unitReader cuts a file of commands into units.
type unitReader struct {
	in    *bufio.Reader
	at    int64 // offset in the file
	good  int64 // behind the last unit
	db    int
	raw   []byte
	args  []piece  // of all commands of the unit, in raw
	cmds  []member // in args
	unit  Unit
	words [][]byte
	until int64 // what was written later is not read, Unix time in seconds
}

type piece struct{ from, to int }

type member struct{ db, from, to int }

func newUnitReader(in *bufio.Reader, at int64) *unitReader {
	return &unitReader{in: in, at: at, good: at, until: math.MaxInt64}
}

// next reads a unit, or the annotation before one. At the end of the file the
// error is io.EOF, anything else that ends it is a *Fault.
func (r *unitReader) next() (*Unit, Annotation, error) {
	r.raw, r.args, r.cmds = r.raw[:0], r.args[:0], r.cmds[:0]
	if cap(r.raw) > keepUnit {
		r.raw = nil
	}
	before, multi := r.db, false
	for {
		first, err := r.in.Peek(1)
		switch {
		case err == io.EOF && !multi:
			return nil, nil, io.EOF
		case err != nil:
			return nil, nil, r.fault(err, r.at)
		case first[0] == '#':
			note, err := r.note()
			if err != nil || !multi {
				return nil, note, err
			}
			continue
		}
		kind, err := r.command()
		if err != nil {
			r.db = before
			return nil, nil, err
		}
		switch {
		case kind == isMulti && !multi:
			multi = true
		case kind == isMulti, kind == isExec && !multi:
			return nil, nil, r.fault(ErrFormat, r.at)
		case kind == isExec, !multi:
			r.good = r.at
			return r.build(), nil, nil
		}
	}
}

// note reads an annotation. It stands between commands, so the file is good up
// to behind it unless a transaction is open.
func (r *unitReader) note() (Annotation, error) {
	start := r.at
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	note := Annotation(bytes.TrimRight(line, "\r\n"))
	if note.broken() {
		return nil, r.badly(start)
	}
	if unix, ok := note.time(); ok && unix > r.until {
		return nil, &Late{At: r.good, Unix: unix}
	}
	if len(r.cmds) == 0 && len(r.raw) == 0 {
		r.good = r.at
	}
	return note, nil
}

type commandKind int

const (
	isOther commandKind = iota
	isSelect
	isMulti
	isExec
)

// command reads one command into raw. SELECT, MULTI and EXEC are resolved.
func (r *unitReader) command() (commandKind, error) {
	start, from := r.at, len(r.args)
	count, err := r.count('*')
	if err != nil {
		return 0, err
	}
	if count < 1 || count > resp.MaxArgs {
		return 0, r.badly(start)
	}
	for range count {
		if err := r.bulk(); err != nil {
			return 0, err
		}
	}
	args := r.args[from:]
	kind := isOther
	switch name := r.raw[args[0].from:args[0].to]; {
	case len(args) == 2 && bytes.EqualFold(name, []byte("select")):
		db, err := strconv.Atoi(string(r.raw[args[1].from:args[1].to]))
		if err != nil || db < 0 {
			return 0, r.badly(start)
		}
		r.db, kind = db, isSelect
	case len(args) == 1 && bytes.EqualFold(name, []byte("multi")):
		kind = isMulti
	case len(args) == 1 && bytes.EqualFold(name, []byte("exec")):
		kind = isExec
	}
	if kind == isOther {
		r.cmds = append(r.cmds, member{r.db, from, len(r.args)})
	} else {
		r.args = r.args[:from]
	}
	return kind, nil
}

// count reads a line of mark and a number.
func (r *unitReader) count(mark byte) (int64, error) {
	start := r.at
	line, err := r.line()
	if err != nil {
		return 0, err
	}
	r.raw = append(r.raw, line...)
	n, err := strconv.ParseInt(string(bytes.TrimRight(line[1:], "\r\n")), 10, 64)
	if line[0] != mark || err != nil {
		return 0, r.badly(start)
	}
	return n, nil
}

// bulk reads one word.
func (r *unitReader) bulk() error {
	start := r.at
	size, err := r.count('$')
	if err != nil {
		return err
	}
	if size < 0 || size > resp.MaxStored {
		return r.badly(start)
	}
	from := len(r.raw)
	for left := int(size) + 2; left > 0; {
		at, n := len(r.raw), min(left, believed)
		r.raw = append(r.raw, make([]byte, n)...)
		got, err := io.ReadFull(r.in, r.raw[at:])
		r.at += int64(got)
		if err != nil {
			return r.fault(err, r.at)
		}
		left -= n
	}
	r.args = append(r.args, piece{from, len(r.raw) - 2})
	if end := r.raw[len(r.raw)-2:]; end[0] != '\r' || end[1] != '\n' {
		return r.badly(r.at - 2)
	}
	return nil
}

// line reads up to a newline, which is part of it; valid until the next read.
func (r *unitReader) line() ([]byte, error) {
	start := r.at
	line, err := r.in.ReadSlice('\n')
	r.at += int64(len(line))
	switch {
	case err == bufio.ErrBufferFull || len(line) > maxLine:
		return nil, r.badly(start)
	case err == io.EOF && len(line) > 0 && !plausible(line):
		return nil, r.badly(start)
	case err != nil:
		return nil, r.fault(err, r.at)
	}
	return line, nil
}

// plausible tells whether the last bytes of a file may be the beginning of a
// line that was cut off, and not something else.
func plausible(line []byte) bool {
	switch line[0] {
	case '#':
		return true
	case '*', '$':
		for _, c := range bytes.TrimSuffix(line[1:], []byte("\r")) {
			if c < '0' || c > '9' {
				return false
			}
		}
		return true
	}
	return false
}

func (r *unitReader) badly(at int64) error { return r.fault(ErrFormat, at) }

func (r *unitReader) fault(err error, at int64) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = ErrTruncated
	}
	return &Fault{Good: r.good, At: at, Err: err}
}

// build makes a Unit of what was read.
func (r *unitReader) build() *Unit {
	u := &r.unit
	*u = Unit{Raw: r.raw, Commands: u.Commands[:0], DB: r.db, File: u.File, End: r.at}
	r.words = r.words[:0]
	for _, p := range r.args {
		r.words = append(r.words, r.raw[p.from:p.to:p.to])
	}
	for _, c := range r.cmds {
		u.Commands = append(u.Commands, Command{DB: c.db, Args: r.words[c.from:c.to:c.to]})
	}
	return u
}
