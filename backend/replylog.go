package backend

import (
	"bytes"
	"encoding/binary"
)

// replyLog is replies behind the numbers of their requests, which rise: for each a
// number, a length, both as uvarints, and so many bytes.
type replyLog struct {
	log []byte
	n   int
}

func (r *replyLog) bytes() int { return len(r.log) }

// add appends a reply, which it copies.
func (r *replyLog) add(seq uint64, reply []byte) {
	r.log = binary.AppendUvarint(r.log, seq)
	r.log = binary.AppendUvarint(r.log, uint64(len(reply)))
	r.log = append(r.log, reply...)
	r.n++
}

// dropFirst takes the first reply out and returns its number.
func (r *replyLog) dropFirst() (seq uint64) {
	seq, _, rest := cutReply(r.log)
	r.log = rest
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
	for log := r.log; len(log) > 0; {
		var seq uint64
		var reply []byte
		seq, reply, log = cutReply(log)
		visit(seq, reply)
	}
}

// recall takes the bytes of another log, and tells whether they are that.
func (r *replyLog) recall(log []byte) bool {
	*r = replyLog{log: bytes.Clone(log)}
	for rest := r.log; len(rest) > 0; r.n++ {
		if _, _, rest = cutReply(rest); rest == nil {
			return false
		}
	}
	return true
}
