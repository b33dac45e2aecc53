package script

import (
	"encoding/binary"
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openStruct adds Roberto Ierusalimschy's library for binary structures.
func (b *sandbox) openStruct() {
	b.set("struct", map[string]lua.LGFunction{"pack": structPack, "unpack": structUnpack, "size": structSize})
}

// layout walks over a format string.
type layout struct {
	l      *lua.LState
	format string
	order  interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}
	align int
	pos   int // in the data
}

const maxIntSize = 32 // bytes of "i" and "I"

func newLayout(l *lua.LState) *layout {
	return &layout{l: l, format: text(l, 1), order: binary.LittleEndian, align: 1}
}

// next takes the next option with its size, after moving pos to where it is aligned.
// Options that only set something are carried out here.
func (f *layout) next() (opt byte, size int, ok bool) {
	for f.format != "" {
		opt = f.format[0]
		f.format = f.format[1:]
		switch opt {
		case ' ':
		case '>':
			f.order = binary.BigEndian
		case '<':
			f.order = binary.LittleEndian
		case '!':
			if f.align = f.number(8); f.align <= 0 || f.align&(f.align-1) != 0 {
				f.l.RaiseError("alignment %d is not a power of 2", f.align)
			}
		default:
			size = f.size(opt)
			if size > 0 && opt != 'c' {
				to := min(size, f.align)
				f.pos += (to - f.pos&(to-1)) & (to - 1)
			}
			return opt, size, true
		}
	}
	return 0, 0, false
}

func (f *layout) size(opt byte) int {
	switch opt {
	case 'b', 'B', 'x':
		return 1
	case 'h', 'H':
		return 2
	case 'f':
		return 4
	case 'l', 'L', 'T', 'd':
		return 8
	case 'c':
		return f.number(1)
	case 's':
		return 0
	case 'i', 'I':
		n := f.number(4)
		if n > maxIntSize {
			f.l.RaiseError("integral size %d is larger than limit of %d", n, maxIntSize)
		}
		return n
	}
	f.l.ArgError(1, "invalid format option '"+string(opt)+"'")
	return 0
}

func (f *layout) number(otherwise int) int {
	if f.format == "" || !isDigit(f.format[0]) {
		return otherwise
	}
	n := 0
	for f.format != "" && isDigit(f.format[0]) {
		if n = n*10 + int(f.format[0]-'0'); n > math.MaxInt32 {
			f.l.RaiseError("integral size overflow")
		}
		f.format = f.format[1:]
	}
	return n
}

func structPack(l *lua.LState) int {
	f := newLayout(l)
	var out []byte
	arg := 2
	for opt, size, ok := f.next(); ok; opt, size, ok = f.next() {
		for len(out) < f.pos {
			out = append(out, 0)
		}
		switch opt {
		case 'x':
			out = append(out, 0)
		case 'f':
			out = f.order.AppendUint32(out, math.Float32bits(float32(l.CheckNumber(arg))))
		case 'd':
			out = f.order.AppendUint64(out, math.Float64bits(float64(l.CheckNumber(arg))))
		case 'c', 's':
			s := text(l, arg)
			if size == 0 {
				size = len(s)
			}
			if len(s) < size {
				l.ArgError(arg+1, "string too short")
			}
			out = append(out, s[:size]...)
			if opt == 's' {
				out = append(out, 0)
			}
		default:
			out = f.appendInt(out, float64(l.CheckNumber(arg)), size)
		}
		if opt != 'x' {
			arg++
		}
		f.pos = len(out)
	}
	l.Push(lua.LString(out))
	return 1
}

func (f *layout) appendInt(out []byte, v float64, size int) []byte {
	n := uint64(truncate(v))
	if v >= 1<<63 && v < 1<<64 {
		n = uint64(v)
	}
	at := len(out)
	for range size {
		out = append(out, byte(n))
		n >>= 8
	}
	if f.order == binary.BigEndian {
		reverse(out[at:])
	}
	return out
}

func reverse(b []byte) {
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
}

func structUnpack(l *lua.LState) int {
	f := newLayout(l)
	data := text(l, 2)
	if f.pos = l.OptInt(3, 1) - 1; f.pos < 0 {
		l.ArgError(3, "offset must be 1 or greater")
	}
	n := 0
	for opt, size, ok := f.next(); ok; opt, size, ok = f.next() {
		part := f.take(data, size)
		switch opt {
		case 'x':
			f.pos += size
			continue
		case 'f':
			l.Push(lua.LNumber(math.Float32frombits(f.order.Uint32([]byte(part)))))
		case 'd':
			l.Push(lua.LNumber(math.Float64frombits(f.order.Uint64([]byte(part)))))
		case 's':
			end := strings.IndexByte(data[f.pos:], 0)
			if end < 0 {
				l.RaiseError("unfinished string in data")
			}
			size = end + 1
			l.Push(lua.LString(data[f.pos : f.pos+end]))
		case 'c':
			if size == 0 { // the number read before is the size
				v, ok := l.Get(-1).(lua.LNumber)
				if n == 0 || !ok {
					l.RaiseError("format 'c0' needs a previous size")
				}
				l.Pop(1)
				n--
				size = int(v)
				part = f.take(data, size)
			}
			l.Push(lua.LString(part))
		default:
			l.Push(f.readInt(part, opt >= 'a'))
		}
		if n++; n >= maxResults {
			l.RaiseError("too many results")
		}
		f.pos += size
	}
	l.Push(lua.LNumber(f.pos + 1))
	return n + 1
}

func (f *layout) take(data string, size int) string {
	if size < 0 || size > len(data) || f.pos > len(data)-size {
		f.l.ArgError(2, "data string too short")
	}
	return data[f.pos : f.pos+size]
}

func (f *layout) readInt(s string, signed bool) lua.LNumber {
	b := []byte(s)
	if f.order == binary.LittleEndian {
		reverse(b)
	}
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	if !signed {
		return lua.LNumber(v)
	}
	if unused := 64 - 8*len(b); unused > 0 {
		return lua.LNumber(int64(v<<unused) >> unused)
	}
	return lua.LNumber(int64(v))
}

func structSize(l *lua.LState) int {
	f := newLayout(l)
	for opt, size, ok := f.next(); ok; opt, size, ok = f.next() {
		switch {
		case opt == 's':
			l.ArgError(1, "option 's' has no fixed size")
		case opt == 'c' && size == 0:
			l.ArgError(1, "option 'c0' has no fixed size")
		}
		f.pos += size
	}
	l.Push(lua.LNumber(f.pos))
	return 1
}
