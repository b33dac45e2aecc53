package aof

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"
)

// Sink takes what the files hold, in order. An error of its own ends the load.
type Sink interface {
	// Snapshot reads an RDB file from r, exactly to its end. r's buffer has
	// room for SnapshotBuffer bytes.
	Snapshot(r *bufio.Reader) error
	// Unit applies a unit.
	Unit(u *Unit) error
	// Place says where in the replication history the data stands now. An error is
	// that it stands elsewhere (Hole).
	Place(p Place) error
}

// SnapshotBuffer is what a reader of snapshots may ask of the buffer under it
// without reading past the snapshot's end, bytes.
const SnapshotBuffer = 256 << 10

// Place is a point of a replication history. It stands in the files wherever
// adding up their bytes does not tell it: where the history got another name,
// and where bytes are written that belong to no history.
type Place struct {
	ID     string
	Offset uint64
	Epoch  uint64 // the data epoch
}

const placePrefix = "#HF:"

// AppendPlace appends p as an annotation.
func AppendPlace(b []byte, p Place) []byte {
	return fmt.Appendf(b, "%s%s:%d:%d\r\n", placePrefix, p.ID, p.Offset, p.Epoch)
}

func (a Annotation) place() (p Place, ok bool) {
	fields := strings.Split(strings.TrimPrefix(string(a), placePrefix), ":")
	if !strings.HasPrefix(string(a), placePrefix) || len(fields) != 3 {
		return p, false
	}
	offset, err1 := strconv.ParseUint(fields[1], 10, 62) // Redis's are signed, and a history needs room to go on
	epoch, err2 := strconv.ParseUint(fields[2], 10, 64)
	return Place{fields[0], offset, epoch}, err1 == nil && err2 == nil
}

// broken tells whether the annotation means to be a place and is none: to pass it
// over would be to go on at a wrong point of the history.
func (a Annotation) broken() bool {
	_, ok := a.place()
	return !ok && strings.HasPrefix(string(a), placePrefix)
}

// AppendTime appends the annotation that what follows was written at that Unix
// time in seconds or later.
func AppendTime(b []byte, unix int64) []byte { return fmt.Appendf(b, "%s%d\r\n", timePrefix, unix) }

const timePrefix = "#TS:"

func (a Annotation) time() (unix int64, ok bool) {
	text, ok := strings.CutPrefix(string(a), timePrefix)
	unix, err := strconv.ParseInt(text, 10, 64)
	return unix, ok && err == nil
}

// Late says that the rest of a file was written after the time up to which it was
// to be read.
type Late struct {
	At   int64 // where the rest begins: behind the last whole unit before it
	Unix int64 // when that was written, in seconds
}

func (l *Late) Error() string {
	return fmt.Sprintf("what begins at offset %d was written at %d", l.At, l.Unix)
}

// Exists tells whether there is anything to load.
func (d *Dir) Exists() bool {
	m := d.Manifest()
	return m.Base != nil || len(m.Incr) > 0
}

// Total is how many bytes there are to load.
func (d *Dir) Total() int64 {
	m := d.Manifest()
	return d.sizeOf(m.loaded())
}

// loaded lists the files that are loaded, in order.
func (m *Manifest) loaded() []Part {
	if m.Base == nil {
		return m.Incr
	}
	return append([]Part{*m.Base}, m.Incr...)
}

// Load reads all files into sink; wrap, which may be nil, sees every byte that
// is read. With mend a last file that ends inside a unit is cut behind its last
// whole one (aof-load-truncated). A *Fault says where a file is broken.
func (d *Dir) Load(sink Sink, mend bool, wrap func(io.Reader) io.Reader) error {
	m := d.Manifest()
	parts := m.loaded()
	var total int64
	for i, p := range parts {
		began := time.Now()
		size, err := d.loadPart(p, sink, wrap)
		last := i == len(parts)-1
		if err != nil {
			if size, err = d.mend(p, err, mend, last); err != nil {
				return err
			}
		}
		total += size
		if size > 0 {
			kind := "incr"
			if p.Kind == Base {
				kind = "base"
			}
			d.cfg.Log.Info(fmt.Sprintf("DB loaded from %s file %s: %.3f seconds", kind, p.Name, time.Since(began).Seconds()))
		}
	}
	d.size.Store(total)
	d.baseSize.Store(total)
	return nil
}

// mend cuts a truncated last file, or says what to do.
func (d *Dir) mend(p Part, err error, may, last bool) (size int64, _ error) {
	var f *Fault
	if !errors.As(err, &f) {
		return 0, err
	}
	switch {
	case errors.Is(err, ErrFormat):
		return 0, fmt.Errorf("Bad file format reading the append only file %s: make a backup of your AOF file, "+
			"then use holdfast check-aof --fix %s. %w", p.Name, d.ManifestName(), f)
	case !errors.Is(err, ErrTruncated):
		return 0, fmt.Errorf("Unrecoverable error reading the append only file %s: %w", p.Name, f)
	case may && last:
		d.cfg.Log.Warn(fmt.Sprintf("!!! Warning: short read while loading the AOF file %s!!!", p.Name))
		d.cfg.Log.Warn(fmt.Sprintf("!!! Truncating the AOF %s at offset %d !!!", p.Name, f.Good))
		if err := d.disk.Truncate(d.file(p.Name), f.Good); err != nil {
			return 0, fmt.Errorf("Error truncating the AOF file %s: %w", p.Name, err)
		}
		d.cfg.Log.Warn(fmt.Sprintf("AOF %s loaded anyway because aof-load-truncated is enabled", p.Name))
		return f.Good, nil
	case may:
		return 0, fmt.Errorf("Fatal error: the truncated file is not the last file: %w", f)
	}
	return 0, fmt.Errorf("Unexpected end of file reading the append only file %s. You can: 1) Make a backup of your AOF file, "+
		"then use holdfast check-aof --fix %s. 2) Alternatively you can set the 'aof-load-truncated' configuration option "+
		"to yes and restart the server. %w", p.Name, d.ManifestName(), f)
}

func (d *Dir) loadPart(p Part, sink Sink, wrap func(io.Reader) io.Reader) (size int64, err error) {
	f, size, err := d.disk.Open(d.file(p.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("The append log file %s doesn't exist: No such file or directory", p.Name)
	}
	if err != nil {
		return 0, fmt.Errorf("Fatal error: can't open the append log file %s for reading: %w", p.Name, err)
	}
	defer f.Close()
	var in io.Reader = f
	if wrap != nil {
		in = wrap(f)
	}
	err = read(in, p.Name, math.MaxInt64, sink)
	var fault *Fault
	if errors.As(err, &fault) {
		fault.File = p.Name
	}
	return size, err
}

// Read reads one file into sink: units, or a snapshot and units behind it, as
// bases and the files of old are. The end of the file inside a unit, or
// something else in a unit's place, is a *Fault.
func Read(in io.Reader, sink Sink) error { return read(in, "", math.MaxInt64, sink) }

// ReadUntil is Read of what was written up to a Unix time in seconds, as far as
// the file has annotations of the time. The error is *Late where there is more.
func ReadUntil(in io.Reader, until int64, sink Sink) error { return read(in, "", until, sink) }

func read(in io.Reader, name string, until int64, sink Sink) error {
	counted := &counter{r: in}
	buf := bufio.NewReaderSize(counted, SnapshotBuffer)
	if magic, _ := buf.Peek(5); string(magic) == "REDIS" {
		if err := sink.Snapshot(buf); err != nil {
			return err
		}
	}
	r := newUnitReader(buf, counted.n-int64(buf.Buffered()))
	r.unit.File, r.until = name, until
	return r.each(sink.Unit, sink.Place)
}

// Units cuts a part of a stream into units, with db selected before it.
func Units(in io.Reader, db int, each func(*Unit) error) error {
	r := newUnitReader(bufio.NewReader(in), 0)
	r.db = db
	return r.each(each, func(Place) error { return nil })
}

func (r *unitReader) each(unit func(*Unit) error, place func(Place) error) error {
	for {
		u, note, err := r.next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case u != nil:
			if err := unit(u); err != nil {
				return err
			}
			continue
		}
		if p, ok := note.place(); ok {
			if err := place(p); err != nil {
				return r.fault(err, r.at)
			}
		}
	}
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
