package repl

import "io"

// edge is the end of a unit, and the database that is selected behind it.
type edge struct {
	known bool
	at    uint64
	db    int // negative: the next command says
}

// mark notes that the end of what was written is that of a unit. Each chunk
// keeps the first, so that what the backlog holds can be cut into units without
// its beginning. Only the writer calls it.
func (b *Backlog) mark(db int) {
	if u := &b.tail.unit; !u.known {
		*u = edge{true, b.written, db}
	}
}

// edge is the last end of a unit that is known at or before from, else the first
// behind it. The writer does not write meanwhile.
func (b *Backlog) edge(from uint64) (last edge) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := b.first; c != nil; c = c.next.Load() {
		if !c.unit.known {
			continue
		}
		if c.unit.at > from {
			if !last.known {
				last = c.unit
			}
			break
		}
		last = c.unit
	}
	return last
}

// Tail is the last part of a stream, as far as the backlog has it: whole units,
// as an io.Reader that ends where the stream ended when it was asked for.
type Tail struct {
	From uint64 // where it begins
	DB   int    // selected there; negative: the first command says
	end  uint64
	r    *Reader
}

// Tail returns the stream behind from, or more: it begins at an end of a unit
// that is known, which comes first behind from only where the backlog does not
// reach back so far. It is called under the engine lock; the caller closes it.
// nil: the backlog has nothing.
func (s *Stream) Tail(from uint64) *Tail {
	s.Publish()
	e := s.log.edge(from)
	if !e.known {
		return nil
	}
	r := s.log.Reader(e.at, nil)
	if r == nil {
		return nil
	}
	return &Tail{From: e.at, DB: e.db, end: s.log.End(), r: r.Patient()}
}

// Read implements io.Reader.
func (t *Tail) Read(p []byte) (int, error) {
	if t.r.Pos() >= t.end {
		return 0, io.EOF
	}
	next := t.r.Next()
	if len(next) == 0 {
		return 0, io.ErrUnexpectedEOF // the history was replaced
	}
	n := copy(p, next[:min(uint64(len(next)), t.end-t.r.Pos())])
	t.r.Advance(n)
	return n, nil
}

// Close lets go of the backlog.
func (t *Tail) Close() { t.r.Close() }
