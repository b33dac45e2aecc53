package repl

import (
	"strconv"

	"holdfast/backend/resp"
)

// selectDB makes db the database of what follows.
func (s *Stream) selectDB(db int) {
	if db == s.db {
		return
	}
	var text [48]byte
	s.log.Append(appendSelect(text[:0], db))
	s.db = db
}

// append encodes args into the tail chunk in place where they fit in it.
func (s *Stream) append(args [][]byte) {
	size := 16
	for _, a := range args {
		size += len(a) + 16
	}
	if free := s.log.reserve(size); free != nil {
		s.log.commit(len(resp.AppendRequest(free, args)))
		return
	}
	s.unit = resp.AppendArray(s.unit[:0], len(args))
	for _, a := range args {
		if len(a) > minChunk {
			s.appendLarge(a)
			continue
		}
		s.unit = resp.AppendBulk(s.unit, a)
	}
	s.log.Append(s.unit)
	s.unit = s.unit[:0]
}

// appendLarge passes what s.unit holds and the argument a to the log without
// a copy of a.
func (s *Stream) appendLarge(a []byte) {
	s.unit = append(s.unit, '$')
	s.unit = strconv.AppendInt(s.unit, int64(len(a)), 10)
	s.unit = append(s.unit, '\r', '\n')
	s.log.Append(s.unit)
	s.log.Append(a)
	s.unit = append(s.unit[:0], '\r', '\n')
}

func appendSelect(b []byte, db int) []byte {
	b = append(b, "*2\r\n$6\r\nSELECT\r\n"...)
	return resp.AppendBulkInt(b, int64(db))
}
