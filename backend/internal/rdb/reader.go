package rdb

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"

	"holdfast/backend/resp"
)

// maxText bounds one string of a snapshot, bytes.
const maxText = resp.MaxStored

// step is how much memory a length is believed to need before the bytes have
// come, so that a forged one costs nothing.
const step = 1 << 20

// faultAt opens all errors about what a snapshot says, in Redis's words (rdb.c,
// rdbReportError).
const faultAt = "Internal error in RDB reading offset %d"

// reader takes a snapshot apart. All of its errors name the offset.
type reader struct {
	in  *bufio.Reader
	at  int64
	sum uint64
	buf []byte // of the last text

	plain []byte // of the last one that was compressed

	tape *tape // nil: nobody wants to have what was read
}

func newReader(r io.Reader, ahead int) *reader {
	return &reader{in: bufio.NewReaderSize(r, ahead)}
}

func (r *reader) failf(format string, args ...any) error {
	return fmt.Errorf(faultAt+": %s", r.at, fmt.Sprintf(format, args...))
}

func (r *reader) cut(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf(faultAt+": %w", r.at, err)
}

func (r *reader) byte() (byte, error) {
	b, err := r.in.ReadByte()
	if err != nil {
		return 0, r.cut(err)
	}
	r.at++
	r.sum = r.sum>>8 ^ crcTables[0][byte(r.sum)^b]
	if r.tape != nil {
		r.tape.record(b)
	}
	return b, nil
}

// full reads n bytes into the reader's own buffer, valid until the next read.
func (r *reader) full(n int) ([]byte, error) {
	r.buf = r.buf[:0]
	for n > 0 {
		from, more := len(r.buf), min(n, step)
		if cap(r.buf) < from+more {
			r.buf = append(r.buf, make([]byte, more)...)
		}
		r.buf = r.buf[:from+more]
		got, err := io.ReadFull(r.in, r.buf[from:])
		r.at += int64(got)
		if err != nil {
			return nil, r.cut(err)
		}
		n -= more
	}
	r.sum = crc64(r.sum, r.buf)
	if r.tape != nil {
		r.tape.record(r.buf...)
	}
	return r.buf, nil
}

func (r *reader) uint64() (uint64, error) {
	b, err := r.full(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// length reads a length, or tells that a specially encoded text follows.
func (r *reader) length() (n uint64, special bool, err error) {
	first, err := r.byte()
	if err != nil {
		return 0, false, err
	}
	var b []byte
	switch {
	case first&0xc0 == len6:
		return uint64(first), false, nil
	case first&0xc0 == len14:
		low, err := r.byte()
		return uint64(first&0x3f)<<8 | uint64(low), false, err
	case first&0xc0 == encoded:
		return uint64(first & 0x3f), true, nil
	case first == len32:
		if b, err = r.full(4); err != nil {
			return 0, false, err
		}
		return uint64(binary.BigEndian.Uint32(b)), false, nil
	case first == len64:
		if b, err = r.full(8); err != nil {
			return 0, false, err
		}
		return binary.BigEndian.Uint64(b), false, nil
	}
	return 0, false, r.failf("unknown length encoding %#x", first)
}

// count reads the number of elements that follow.
func (r *reader) count() (int, error) {
	n, special, err := r.length()
	if err == nil && (special || n > math.MaxInt32) {
		err = r.failf("impossible number of elements")
	}
	return int(n), err
}

// text reads a string, valid until the next read.
func (r *reader) text() ([]byte, error) {
	n, special, err := r.length()
	switch {
	case err != nil:
		return nil, err
	case special:
		return r.special(n)
	case n > maxText:
		return nil, r.failf("a string of %d bytes", n)
	}
	return r.full(int(n))
}

func (r *reader) special(kind uint64) ([]byte, error) {
	if kind == encLZF {
		return r.compressed()
	}
	if kind > encInt32 {
		return nil, r.failf("unknown string encoding %d", kind)
	}
	b, err := r.full(1 << kind)
	if err != nil {
		return nil, err
	}
	var v int64
	switch kind {
	case encInt8:
		v = int64(int8(b[0]))
	case encInt16:
		v = int64(int16(binary.LittleEndian.Uint16(b)))
	case encInt32:
		v = int64(int32(binary.LittleEndian.Uint32(b)))
	}
	r.buf = strconv.AppendInt(r.buf[:0], v, 10)
	return r.buf, nil
}

func (r *reader) compressed() ([]byte, error) {
	packed, special, err := r.length()
	if err != nil {
		return nil, err
	}
	size, special2, err := r.length()
	switch {
	case err != nil:
		return nil, err
	case special || special2 || packed > maxText || size > maxText:
		return nil, r.failf("impossible size of a compressed string")
	case size > 264*packed: // an LZF token of 3 bytes stands for 264 at most
		return nil, r.failf("a compressed string of %d bytes cannot hold %d", packed, size)
	}
	b, err := r.full(int(packed))
	if err != nil {
		return nil, err
	}
	out, ok := unpackLZF(r.plain, b, int(size))
	if !ok {
		return nil, r.failf("a compressed string is corrupt")
	}
	r.plain = out
	return out, nil
}
