package resp

import "strconv"

// The append functions add one reply, or the head of an aggregate, to b and
// return it, as the built-in append does. None of them allocates but for the
// growth of b.

// AppendSimple appends a simple string; s must not hold CR or LF.
func AppendSimple(b []byte, s string) []byte {
	b = append(b, '+')
	b = append(b, s...)
	return append(b, '\r', '\n')
}

// AppendError appends an error whose text begins with its code ("ERR …",
// "WRONGTYPE …"). Line breaks in it become blanks, as in Redis
// (afterErrorReply), so that no text can forge a second reply.
func AppendError(b []byte, text string) []byte {
	b = append(b, '-')
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\r' || c == '\n' {
			c = ' '
		}
		b = append(b, c)
	}
	return append(b, '\r', '\n')
}

// AppendInt appends an integer.
func AppendInt(b []byte, v int64) []byte { return appendHead(b, ':', v) }

// AppendBulk appends a bulk string.
func AppendBulk(b, s []byte) []byte {
	b = appendHead(b, '$', int64(len(s)))
	b = append(b, s...)
	return append(b, '\r', '\n')
}

// AppendBulkString appends a bulk string.
func AppendBulkString(b []byte, s string) []byte {
	b = appendHead(b, '$', int64(len(s)))
	b = append(b, s...)
	return append(b, '\r', '\n')
}

// AppendBulkInt appends an integer as a bulk string.
func AppendBulkInt(b []byte, v int64) []byte {
	var digits [20]byte
	return AppendBulk(b, strconv.AppendInt(digits[:0], v, 10))
}

// AppendNull appends the null of a bulk string: $-1 in RESP2, _ in RESP3.
func AppendNull(b []byte, proto int) []byte {
	if proto >= 3 {
		return append(b, "_\r\n"...)
	}
	return append(b, "$-1\r\n"...)
}

// AppendNullArray appends the null of an array: *-1 in RESP2, _ in RESP3.
func AppendNullArray(b []byte, proto int) []byte {
	if proto >= 3 {
		return append(b, "_\r\n"...)
	}
	return append(b, "*-1\r\n"...)
}

// AppendArray appends the head of an array of n elements.
func AppendArray(b []byte, n int) []byte { return appendHead(b, '*', int64(n)) }

// AppendMap appends the head of a map of n pairs; RESP2 sees an array of 2n.
func AppendMap(b []byte, proto, n int) []byte {
	if proto >= 3 {
		return appendHead(b, '%', int64(n))
	}
	return appendHead(b, '*', int64(2*n))
}

// AppendSet appends the head of a set of n elements; RESP2 sees an array.
func AppendSet(b []byte, proto, n int) []byte {
	if proto >= 3 {
		return appendHead(b, '~', int64(n))
	}
	return appendHead(b, '*', int64(n))
}

// AppendPush appends the head of a push of n elements; RESP2 sees an array.
func AppendPush(b []byte, proto, n int) []byte {
	if proto >= 3 {
		return appendHead(b, '>', int64(n))
	}
	return appendHead(b, '*', int64(n))
}

// AppendBool appends a boolean; RESP2 sees :1 or :0.
func AppendBool(b []byte, proto int, v bool) []byte {
	switch {
	case proto >= 3 && v:
		return append(b, "#t\r\n"...)
	case proto >= 3:
		return append(b, "#f\r\n"...)
	case v:
		return append(b, ":1\r\n"...)
	}
	return append(b, ":0\r\n"...)
}

// AppendDouble appends a number whose text the caller has made: a double in
// RESP3, a bulk string in RESP2.
func AppendDouble(b []byte, proto int, text []byte) []byte {
	if proto < 3 {
		return AppendBulk(b, text)
	}
	b = append(b, ',')
	b = append(b, text...)
	return append(b, '\r', '\n')
}

// AppendVerbatim appends a verbatim string with a three-letter format; RESP2
// sees a bulk string of the text alone.
func AppendVerbatim(b []byte, proto int, format, text string) []byte {
	if proto < 3 {
		return AppendBulkString(b, text)
	}
	b = appendHead(b, '=', int64(len(text)+4))
	b = append(b, format...)
	b = append(b, ':')
	b = append(b, text...)
	return append(b, '\r', '\n')
}

// AppendCommand appends a request.
func AppendCommand(b []byte, args ...string) []byte {
	b = AppendArray(b, len(args))
	for _, a := range args {
		b = AppendBulkString(b, a)
	}
	return b
}

// AppendRequest appends a request of byte arguments.
func AppendRequest(b []byte, args [][]byte) []byte {
	b = AppendArray(b, len(args))
	for _, a := range args {
		b = AppendBulk(b, a)
	}
	return b
}

func appendHead(b []byte, kind byte, v int64) []byte {
	if v >= 0 && v < 10 {
		return append(b, kind, byte('0'+v), '\r', '\n')
	}
	b = append(b, kind)
	b = strconv.AppendInt(b, v, 10)
	return append(b, '\r', '\n')
}
