package resp

import "bytes"

// Limits of a request, as Redis has them (proto-max-bulk-len, networking.c).
const (
	MaxInline   = 64 << 10  // bytes of an inline request or of a count line
	MaxBulk     = 512 << 20 // bytes of one argument, where nothing else is set
	MaxArgs     = 1<<31 - 1 // arguments of one request
	unauthArgs  = 10        // arguments before authentication
	unauthBulk  = 16 << 10  // bytes of one argument before authentication
	initialArgs = 16
	largeBulk   = 32 << 10 // bytes of one argument from which Redis reads it by itself
)

// MaxStored bounds one argument whatever is set, bytes: with what stands around it
// its size is to fit 32 bits in memory. Files, replies and a master's stream have no
// other bound: what was stored once must be read back under any setting.
const MaxStored = 1<<32 - 1<<12

// ProtocolError is a violation of the protocol by the peer. Its text is what
// Redis sends behind "-ERR " before it closes the connection.
type ProtocolError string

func (e ProtocolError) Error() string { return "Protocol error: " + string(e) }

// Requests finds requests in a stream. The zero value is ready to use; one
// value belongs to one connection.
type Requests struct {
	// Unauthenticated applies Redis's tighter limits of a connection that has
	// not authenticated yet, so that a stranger cannot make us buffer 512 MB.
	Unauthenticated bool
	// BulkLimit replaces MaxBulk when it is not 0 (proto-max-bulk-len), bytes;
	// MaxStored bounds it.
	BulkLimit int

	args [][]byte // of the last complete request; reused
	ends []span   // arguments of the incomplete request, relative to its start
	need int      // arguments still missing; 0 = no count line read yet
	pos  int      // bytes of the incomplete request already understood
	inl  bool     // the last request was inline
}

type span struct{ from, to int }

// Next finds the first request in buf. It returns its arguments, which alias
// buf (an inline request with quotes: a copy), and the length of its frame. A
// length of 0 says that buf holds no complete request yet; the next call must
// then pass the same bytes with more behind them. An empty request (a bare
// newline, "*0") has a length and no arguments. The error is a ProtocolError,
// after which the stream cannot be followed any more.
func (r *Requests) Next(buf []byte) (args [][]byte, n int, err error) {
	if len(buf) == 0 {
		return nil, 0, nil
	}
	if buf[0] != '*' {
		return r.inline(buf)
	}
	r.inl = false
	if r.need == 0 {
		count, next, err := r.countLine(buf)
		if err != nil || next == 0 {
			return nil, 0, err
		}
		if count <= 0 {
			return nil, next, nil
		}
		r.need, r.pos = count, next
		r.ends = r.ends[:0]
	}
	for r.need > 0 {
		ok, err := r.bulk(buf)
		if err != nil || !ok {
			return nil, 0, err
		}
	}
	return r.finish(buf), r.pos, nil
}

// Inline tells whether the request found last was an inline one, whose frame
// cannot be forwarded as it stands.
func (r *Requests) Inline() bool { return r.inl }

// Span tells where argument i of the last complete request stands in its
// frame, for callers whose buffer moves. Inline requests have no spans.
func (r *Requests) Span(i int) (from, to int) { return r.ends[i].from, r.ends[i].to }

// Missing returns how many bytes are known to be missing from the incomplete
// request in a buffer of have bytes: a hint for growing the buffer once.
func (r *Requests) Missing(have int) int {
	if r.need == 0 || have <= r.pos || len(r.ends) == 0 {
		return 0
	}
	return max(0, r.pos-have)
}

// Started returns how many bytes in front of buf, an incomplete request, belong
// to what is understood already: all up to the argument that is not complete,
// and of a large one the line with its size too. What is left is only waiting.
func (r *Requests) Started(buf []byte) int {
	if r.need == 0 || r.pos >= len(buf) {
		return 0
	}
	rest := buf[r.pos:]
	end := bytes.IndexByte(rest[:min(len(rest), 32)], '\n')
	if end < 0 || len(rest) < largeBulk {
		return r.pos
	}
	return r.pos + end + 1
}

func (r *Requests) countLine(buf []byte) (count, next int, err error) {
	if len(buf) >= 4 && '1' <= buf[1] && buf[1] <= '9' && buf[2] == '\r' && buf[3] == '\n' { // nearly always
		return int(buf[1] - '0'), 4, nil
	}
	end := bytes.IndexByte(buf, '\n')
	if end < 0 {
		if len(buf) > MaxInline {
			return 0, 0, ProtocolError("too big mbulk count string")
		}
		return 0, 0, nil
	}
	v, ok := parseInt(trimCR(buf[1:end]))
	switch {
	case !ok || v > MaxArgs:
		return 0, 0, ProtocolError("invalid multibulk length")
	case r.Unauthenticated && v > unauthArgs:
		return 0, 0, ProtocolError("unauthenticated multibulk length")
	}
	return int(v), end + 1, nil
}

// bulk takes one argument at r.pos and says whether it was complete.
func (r *Requests) bulk(buf []byte) (bool, error) {
	rest := buf[r.pos:]
	if len(rest) == 0 {
		return false, nil
	}
	if size, head := shortHead(rest); head > 0 && len(rest) >= head+size+2 {
		r.take(r.pos+head, size)
		return true, nil
	}
	end := bytes.IndexByte(rest, '\n')
	if end < 0 {
		if len(rest) > MaxInline {
			return false, ProtocolError("too big bulk count string")
		}
		return false, nil
	}
	if rest[0] != '$' {
		return false, ProtocolError("expected '$', got '" + string(rest[:1]) + "'")
	}
	size, ok := parseInt(trimCR(rest[1:end]))
	limit := MaxBulk
	if r.BulkLimit > 0 {
		limit = min(r.BulkLimit, MaxStored)
	}
	switch {
	case !ok || size < 0 || size > int64(limit):
		return false, ProtocolError("invalid bulk length")
	case r.Unauthenticated && size > unauthBulk:
		return false, ProtocolError("unauthenticated bulk length")
	}
	if len(rest) < end+1+int(size)+2 {
		return false, nil
	}
	r.take(r.pos+end+1, int(size))
	return true, nil
}

// take notes an argument and goes behind it and its line end.
func (r *Requests) take(from, size int) {
	r.ends = append(r.ends, span{from, from + size})
	r.pos = from + size + 2
	r.need--
}

// shortHead reads the head of an argument of up to 999 bytes, which nearly all
// have, without looking for the line's end: "$1\r\n" to "$999\r\n". It returns
// the size and the head's length, 0 when the head is anything else.
func shortHead(b []byte) (size, head int) { return number(b, '$') }

// number reads a line that is kind and a number from 1 to 999. next is 0 when it
// is anything else.
func number(b []byte, kind byte) (v, next int) {
	if len(b) < 6 || b[0] != kind || b[1] < '1' || b[1] > '9' {
		return 0, 0
	}
	v = int(b[1] - '0')
	i := 2
	for ; i < 4 && b[i] >= '0' && b[i] <= '9'; i++ {
		v = v*10 + int(b[i]-'0')
	}
	if b[i] != '\r' || b[i+1] != '\n' {
		return 0, 0
	}
	return v, i + 2
}

func (r *Requests) finish(buf []byte) [][]byte {
	if cap(r.args) < len(r.ends) {
		r.args = make([][]byte, 0, max(initialArgs, len(r.ends)))
	}
	r.args = r.args[:len(r.ends)]
	for i, s := range r.ends {
		r.args[i] = buf[s.from:s.to:s.to]
	}
	return r.args
}

// Release lets go of the last complete request when the buffer that it was found
// in is a large one, which its words would hold on to, and of the memory that an
// unusually long one took. What is understood of an incomplete request stays.
func (r *Requests) Release(buf []byte) {
	const large, most = 64 << 10, 1024 // bytes, words
	if cap(buf) <= large {
		return
	}
	clear(r.args[:cap(r.args)])
	if cap(r.args) > most {
		r.args = nil
	}
	if r.need == 0 && cap(r.ends) > most {
		r.ends = nil
	}
}

func (r *Requests) inline(buf []byte) ([][]byte, int, error) {
	r.inl = true
	end := bytes.IndexByte(buf, '\n')
	if end < 0 {
		if len(buf) > MaxInline {
			return nil, 0, ProtocolError("too big inline request")
		}
		return nil, 0, nil
	}
	args, ok := SplitArgs(trimCR(buf[:end]))
	if !ok {
		return nil, 0, ProtocolError("unbalanced quotes in request")
	}
	return args, end + 1, nil
}

func trimCR(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		return b[:n-1]
	}
	return b
}

// parseInt reads a decimal number as strictly as Redis's string2ll: no sign
// but '-', no leading zeros, no blanks.
func parseInt(b []byte) (int64, bool) {
	neg := len(b) > 0 && b[0] == '-'
	d := b
	if neg {
		d = b[1:]
	}
	if len(d) == 0 || len(d) > 19 || d[0] == '0' && (len(d) > 1 || neg) {
		return 0, false
	}
	var v uint64
	for _, c := range d {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + uint64(c-'0')
	}
	switch {
	case neg && v <= 1<<63:
		return -int64(v), true
	case neg || v > 1<<63-1:
		return 0, false
	}
	return int64(v), true
}
