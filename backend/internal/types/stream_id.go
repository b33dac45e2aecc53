package types

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"strconv"
)

// StreamID names an entry of a stream: a time in Unix ms, and a number among the
// entries of that millisecond. Entries of a stream are in the order of their IDs.
type StreamID struct{ Ms, Seq uint64 }

// MaxStreamID is the greatest ID there can be; the least is the zero one.
var MaxStreamID = StreamID{math.MaxUint64, math.MaxUint64}

// MaxStreamIDLen is the length of the longest ID as text, in bytes.
const MaxStreamIDLen = 20 + 1 + 20

// Compare returns -1, 0 or 1, as a lies before b, is b, or lies behind it.
func (a StreamID) Compare(b StreamID) int {
	if a.Ms != b.Ms {
		return cmp.Compare(a.Ms, b.Ms)
	}
	return cmp.Compare(a.Seq, b.Seq)
}

// Less reports whether a lies before b.
func (a StreamID) Less(b StreamID) bool {
	return a.Ms < b.Ms || a.Ms == b.Ms && a.Seq < b.Seq
}

// IsZero reports whether the ID is 0-0, which no entry has.
func (a StreamID) IsZero() bool { return a == StreamID{} }

// Next returns the ID behind a. Behind the greatest there is none, and ok is false.
func (a StreamID) Next() (id StreamID, ok bool) {
	if a.Seq++; a.Seq == 0 {
		a.Ms++
	}
	return a, !a.IsZero()
}

// Prev returns the ID before a. Before 0-0 there is none, and ok is false.
func (a StreamID) Prev() (id StreamID, ok bool) {
	ok = !a.IsZero()
	if a.Seq--; a.Seq == math.MaxUint64 {
		a.Ms--
	}
	return a, ok
}

// Append appends the ID as clients read it: 1526919030474-55.
func (a StreamID) Append(dst []byte) []byte {
	dst = strconv.AppendUint(dst, a.Ms, 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, a.Seq, 10)
}

// String returns the ID as clients read it.
func (a StreamID) String() string { return string(a.Append(nil)) }

// StreamIDSize is the size of an ID in files, bytes.
const StreamIDSize = 16

// AppendRaw appends the ID as it stands in files: two big-endian numbers, so that the
// order of the bytes is that of the IDs.
func (a StreamID) AppendRaw(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, a.Ms), a.Seq)
}

// RawStreamID reads an ID from the 16 bytes in which it stands in files.
func RawStreamID(b []byte) StreamID {
	return StreamID{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// ParseStreamID reads an ID as clients write it. Where the second number is left out,
// it is missing. Numbers are read as liberally as Redis reads them.
func ParseStreamID(text []byte, missing uint64) (id StreamID, ok bool) {
	const longest = 127 // Redis's buffer
	if len(text) > longest {
		return id, false
	}
	ms, seq, full := bytes.Cut(text, []byte{'-'})
	if id.Ms, ok = parseUnsigned(ms); !ok {
		return id, false
	}
	if id.Seq = missing; full {
		id.Seq, ok = parseUnsigned(seq)
	}
	return id, ok
}

// parseUnsigned reads a number as Redis's string2ull does: the exact text of an
// integer first, which must not be negative, and then whatever strtoull takes, which
// skips blanks, takes a sign, and lets negative numbers come round.
func parseUnsigned(text []byte) (uint64, bool) {
	if n, exact := ParseInt(text); exact {
		return uint64(n), n >= 0
	}
	text = bytes.TrimLeft(text, " \t\n\v\f\r")
	negative := len(text) > 0 && text[0] == '-'
	if negative || len(text) > 0 && text[0] == '+' {
		text = text[1:]
	}
	if len(text) == 0 {
		return 0, false
	}
	var n uint64
	for _, c := range text {
		digit := uint64(c - '0')
		if digit > 9 || n > math.MaxUint64/10 || n == math.MaxUint64/10 && digit > math.MaxUint64%10 {
			return 0, false
		}
		n = n*10 + digit
	}
	if negative {
		n = -n
	}
	return n, true
}
