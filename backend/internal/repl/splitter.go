package repl

import (
	"fmt"

	"holdfast/backend/resp"
)

// Bounds of what a splitter keeps.
const (
	readChunk   = 32 << 10 // free bytes offered to a read, at least
	firstBuffer = 64 << 10
	keepBuffer  = 256 << 10
	maxSpans    = 64 << 10
)

// splitter cuts a stream into batches. Its buffer holds one run of bytes from
// the position base on; commands of a unit that is not whole yet are
// remembered, so that a large one arriving in small reads is parsed once.
type splitter struct {
	maxUnit int // bytes of one unit at most
	base    uint64
	buf     []byte
	req     resp.Requests
	parsed  int // bytes of buf that were cut into commands
	whole   int // bytes of buf that form whole units
	db      int // selected behind parsed
	wholeDB int // and behind whole
	multi   bool
	cmds    []raw // of parsed
	ready   int   // of cmds, those of whole units
	spans   []span
	mark    span // of the unit under way; empty: none
	epochs  []EpochMark
	says    []Statement
	getack  bool
	batch   Batch
	args    [][]byte // backing of the batch's Args
}

type span struct{ from, to int }

// raw is a Command whose bytes may still move.
type raw struct {
	db   int
	args span // of spans
	end  int  // of its unit in buf
	mark span
}

// space returns room for a read of at least readChunk bytes behind buf; filled
// says how many came.
func (s *splitter) space() []byte {
	if cap(s.buf)-len(s.buf) < readChunk {
		grown := make([]byte, len(s.buf), max(firstBuffer, 2*cap(s.buf)))
		copy(grown, s.buf)
		s.buf = grown
	}
	return s.buf[len(s.buf):cap(s.buf)]
}

func (s *splitter) filled(n int) { s.buf = s.buf[:len(s.buf)+n] }

// next cuts what was read and returns the whole units in it, nil when there
// are none. done must follow before the next call.
func (s *splitter) next() (*Batch, error) {
	for s.parsed < len(s.buf) {
		args, n, err := s.req.Next(s.buf[s.parsed:])
		if err != nil {
			return nil, fmt.Errorf("the master's stream at offset %d: %w", s.base+uint64(s.parsed), err)
		}
		if n == 0 {
			break
		}
		at := s.parsed
		s.parsed += n
		if err := s.command(args, at); err != nil {
			return nil, fmt.Errorf("the master's stream at offset %d: %w", s.base+uint64(at), err)
		}
	}
	if len(s.buf)-s.whole > s.maxUnit {
		return nil, fmt.Errorf("the master's stream at offset %d: a unit exceeds %d bytes", s.base+uint64(s.whole), s.maxUnit)
	}
	if s.whole == 0 {
		return nil, nil
	}
	return s.deliver(), nil
}

// command takes the command args, whose frame begins at at and ends at parsed.
func (s *splitter) command(args [][]byte, at int) error {
	kind, err := s.classify(args)
	if err != nil {
		return err
	}
	switch kind {
	case isMulti:
		s.multi = true
		return nil
	case isMark:
		s.mark = s.spanOf(1, at)
		return nil
	case isSelect:
		if s.multi || s.mark.to > 0 {
			return nil
		}
	case isExec:
		s.multi = false
	case isEpoch:
		epoch, _, _ := ParseEpochPayload(args[1])
		s.epochs = append(s.epochs, EpochMark{Epoch: epoch, Start: s.base + uint64(s.parsed)})
		s.heed(args[1], at)
	case isStatement:
		s.heed(args[1], at)
	case isGetAck:
		s.getack = true
	case isCommand:
		s.remember(args, at)
	}
	if !s.multi {
		s.endUnit()
	}
	return nil
}

// heed takes a record about confirmation, whose frame begins at at.
func (s *splitter) heed(payload []byte, at int) {
	says, _ := ParseStatement(payload)
	says.From, says.End = s.base+uint64(at), s.base+uint64(s.parsed)
	s.says = append(s.says, says)
}

func (s *splitter) remember(args [][]byte, at int) {
	from := len(s.spans)
	for i := range args {
		s.spans = append(s.spans, s.spanOf(i, at))
	}
	s.cmds = append(s.cmds, raw{db: s.db, args: span{from, len(s.spans)}})
}

func (s *splitter) spanOf(arg, at int) span {
	from, to := s.req.Span(arg)
	return span{at + from, at + to}
}

func (s *splitter) endUnit() {
	for i := s.ready; i < len(s.cmds); i++ {
		s.cmds[i].end, s.cmds[i].mark = s.parsed, s.mark
	}
	s.ready, s.whole, s.wholeDB, s.mark = len(s.cmds), s.parsed, s.db, span{}
}

// deliver makes a Batch of the whole units.
func (s *splitter) deliver() *Batch {
	b := &s.batch
	*b = Batch{Raw: s.buf[:s.whole], From: s.base, Commands: b.Commands[:0],
		Epochs: s.epochs, Says: s.says, GetAck: s.getack, db: s.wholeDB}
	s.args = s.args[:0]
	for _, c := range s.cmds[:s.ready] {
		from := len(s.args)
		for _, sp := range s.spans[c.args.from:c.args.to] {
			s.args = append(s.args, s.buf[sp.from:sp.to:sp.to])
		}
		cmd := Command{DB: c.db, Args: s.args[from:len(s.args):len(s.args)], End: s.base + uint64(c.end)}
		if c.mark.to > 0 {
			cmd.Mark = s.buf[c.mark.from:c.mark.to]
		}
		b.Commands = append(b.Commands, cmd)
	}
	return b
}

// done forgets the delivered units and moves what is behind them to the front.
func (s *splitter) done() {
	cut := s.whole
	rest := s.buf[cut:]
	if cap(s.buf) > keepBuffer && len(rest) < keepBuffer/2 {
		s.buf = append(make([]byte, 0, keepBuffer), rest...)
	} else {
		s.buf = s.buf[:copy(s.buf, rest)]
	}
	s.base += uint64(cut)
	s.parsed -= cut
	s.whole = 0
	s.forget(cut)
}

// forget drops the remembered commands of whole units and moves the others.
func (s *splitter) forget(cut int) {
	used := len(s.spans)
	if s.ready < len(s.cmds) {
		used = s.cmds[s.ready].args.from
	}
	s.spans = s.spans[:copy(s.spans, s.spans[used:])]
	for i := range s.spans {
		s.spans[i].from -= cut
		s.spans[i].to -= cut
	}
	s.cmds = s.cmds[:copy(s.cmds, s.cmds[s.ready:])]
	for i := range s.cmds {
		s.cmds[i].args.from -= used
		s.cmds[i].args.to -= used
	}
	if s.mark.to > 0 {
		s.mark = span{s.mark.from - cut, s.mark.to - cut}
	}
	s.ready, s.epochs, s.says, s.getack = 0, s.epochs[:0], s.says[:0], false
	if len(s.spans) == 0 && cap(s.spans) > maxSpans {
		s.spans, s.cmds, s.args, s.batch.Commands = nil, nil, nil, nil
	}
}
