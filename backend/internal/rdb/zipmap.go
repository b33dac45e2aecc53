package rdb

import "encoding/binary"

const (
	zipmapLong = 254 // four bytes of length follow
	zipmapEnd  = 255
)

// zipmap steps through the hash encoding that Redis wrote before 2.6
// (zipmap.c): one byte with the number of fields, then field and value in
// turn, each behind its length, and between a value's length and the value one
// byte with the number of unused bytes behind it.
type zipmap struct {
	b  []byte
	at int
}

func openZipmap(b []byte) (m zipmap, ok bool) {
	if len(b) < 2 || b[len(b)-1] != zipmapEnd {
		return m, false
	}
	return zipmap{b: b, at: 1}, true
}

func (m *zipmap) more() bool { return m.at < len(m.b)-1 }

// next returns the next field and its value, which lie in the map.
func (m *zipmap) next() (field, value []byte, ok bool) {
	if field, ok = m.text(0); !ok {
		return nil, nil, false
	}
	value, ok = m.text(1)
	return field, value, ok
}

// text reads a length, skips free bytes of which it says how many follow, and
// returns the text.
func (m *zipmap) text(freeBytes int) ([]byte, bool) {
	body := m.b[m.at : len(m.b)-1]
	if len(body) == 0 {
		return nil, false
	}
	head, n := 1, uint64(body[0])
	if n == zipmapLong {
		if len(body) < 5 {
			return nil, false
		}
		head, n = 5, uint64(binary.LittleEndian.Uint32(body[1:]))
	}
	unused := uint64(0)
	if freeBytes > 0 {
		if len(body) <= head {
			return nil, false
		}
		unused = uint64(body[head])
		head++
	}
	if uint64(len(body)-head) < n+unused {
		return nil, false
	}
	m.at += head + int(n) + int(unused)
	return body[head : head+int(n)], true
}
