package resp

import "bytes"

// MaxReplyLine bounds the first line of a reply element, bytes; error texts
// and simple strings live there.
const MaxReplyLine = 1 << 20

// Replies finds whole replies in a stream without building values: what a
// proxy needs to forward them. The zero value is ready to use; one value
// belongs to one connection.
type Replies struct {
	open int // values still missing from the reply under way; 0 = at its start
	pos  int // bytes of it already understood
}

// Next returns the length of the first reply in buf, or 0 when it is not
// complete yet; the next call must then pass the same bytes with more behind
// them. buf[0] is the reply's type ('>' for a push). The error is a
// ProtocolError, after which the stream cannot be followed any more.
func (r *Replies) Next(buf []byte) (int, error) {
	if r.open == 0 {
		if n := shortReply(buf); n > 0 {
			return n, nil
		}
		r.open, r.pos = 1, 0
	}
	for r.open > 0 {
		end := bytes.IndexByte(buf[min(r.pos, len(buf)):], '\n')
		if end < 0 {
			if len(buf)-r.pos > MaxReplyLine {
				return 0, ProtocolError("too long reply line")
			}
			return 0, nil
		}
		next := r.pos + end + 1
		children, size, err := element(buf[r.pos:next])
		if err != nil {
			return 0, err
		}
		if size >= 0 {
			next += size + 2
			if len(buf) < next {
				return 0, nil
			}
		}
		r.open += children - 1
		r.pos = next
	}
	return r.pos, nil
}

const okReply = "+OK\r\n"

// shortReply returns the length of a whole reply at the start of buf if it is of
// the two forms that nearly all have, +OK and a bulk of up to 999 bytes; else 0.
func shortReply(buf []byte) int {
	if len(buf) >= len(okReply) && string(buf[:len(okReply)]) == okReply {
		return len(okReply)
	}
	if size, head := shortHead(buf); head > 0 && len(buf) >= head+size+2 {
		return head + size + 2
	}
	return 0
}

// element reads the line that opens a value: how many values follow as its
// children (an attribute stands before a value, so it opens one more), and the
// size of the bulk behind the line, -1 without one.
func element(line []byte) (children, size int, err error) {
	text := trimCR(line[:len(line)-1])
	if len(text) == 0 {
		return 0, 0, ProtocolError("empty reply line")
	}
	switch kind := text[0]; kind {
	case '+', '-', ':', '_', ',', '#', '(':
		return 0, -1, nil
	case '$', '=', '!':
		n, ok := parseInt(text[1:])
		if !ok || n < -1 || n > MaxStored {
			return 0, 0, ProtocolError("invalid bulk length in a reply")
		}
		return 0, int(n), nil
	case '*', '~', '>', '%', '|':
		n, ok := parseInt(text[1:])
		if !ok || n < -1 || n > MaxArgs/2 {
			return 0, 0, ProtocolError("invalid aggregate length in a reply")
		}
		n = max(n, 0)
		if kind == '%' || kind == '|' {
			n *= 2
		}
		if kind == '|' {
			n++
		}
		return int(n), -1, nil
	}
	return 0, 0, ProtocolError("unknown reply type '" + string(text[:1]) + "'")
}
