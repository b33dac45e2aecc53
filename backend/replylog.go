package backend

import (
	"bytes"
	"encoding/binary"
)

// replyLog is replies behind the numbers of their requests, which rise: for each a
// number, a length, both as uvarints, and so many bytes.
type replyLog struct {
	buf  []byte
	from int // of buf: what stands before it was dropped
	n    int
}

func (r *replyLog) live() []byte { return r.buf[r.from:] }

func (r *replyLog) bytes() int { return len(r.buf) - r.from }

// add appends a reply, which it copies.
func (r *replyLog) add(seq uint64, reply []byte) {
	if r.from > len(r.buf)/2 && cap(r.buf)-len(r.buf) < len(reply)+2*binary.MaxVarintLen64 {
		r.buf = r.buf[:copy(r.buf, r.live())]
		r.from = 0
	}
	r.buf = binary.AppendUvarint(r.buf, seq)
	r.buf = binary.AppendUvarint(r.buf, uint64(len(reply)))
	r.buf = append(r.buf, reply...)
	r.n++
}

// dropFirst takes the first reply out and returns its number.
func (r *replyLog) dropFirst() (seq uint64) {
	seq, _, rest := cutReply(r.live())
	r.from = len(r.buf) - len(rest)
	r.n--
	return seq
}

// cutReply takes the first reply off log; rest is nil where log holds no whole one.
func cutReply(log []byte) (seq uint64, reply, rest []byte) {
	seq, n := binary.Uvarint(log)
	if n <= 0 {
		return 0, nil, nil
	}
	size, m := binary.Uvarint(log[n:])
	if m <= 0 || size > uint64(len(log)-n-m) {
		return 0, nil, nil
	}
	at := n + m
	end := at + int(size)
	return seq, log[at:end:end], log[end:]
}

// each visits the replies in order.
func (r *replyLog) each(visit func(seq uint64, reply []byte)) {
	for log := r.live(); len(log) > 0; {
		var seq uint64
		var reply []byte
		seq, reply, log = cutReply(log)
		visit(seq, reply)
	}
}

// recall takes the bytes of another log, and tells whether they are that.
func (r *replyLog) recall(log []byte) bool {
	*r = replyLog{buf: bytes.Clone(log)}
	for rest := r.buf; len(rest) > 0; r.n++ {
		if _, _, rest = cutReply(rest); rest == nil {
			return false
		}
	}
	return true
}
