package rdb

import "encoding/binary"

const (
	zipmapLong = 254 // as a length: four bytes of it follow; as the number of fields: count them
	zipmapEnd  = 255
)

// zipmap steps through the hash encoding that Redis wrote before 2.6
// (zipmap.c): one byte with the number of fields, then field and value in
// turn, each behind its length, and between a value's length and the value one
// byte with the number of unused bytes behind it.
type zipmap struct {
	b     []byte
	at    int
	count int
}

func openZipmap(b []byte) (m zipmap, ok bool) {
	if len(b) < 2 || b[len(b)-1] != zipmapEnd {
		return m, false
	}
	return zipmap{b: b, at: 1}, true
}

func (m *zipmap) more() bool { return m.at < len(m.b)-1 }

// complete tells whether there were as many fields as the first byte says.
func (m *zipmap) complete() bool {
	return m.b[0] == zipmapLong || int(m.b[0]) == m.count
}

// next returns the next field and its value, which lie in the map.
func (m *zipmap) next() (field, value []byte, ok bool) {
	if field, ok = m.text(0); !ok {
		return nil, nil, false
	}
	value, ok = m.text(1)
	m.count++
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
