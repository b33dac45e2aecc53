package resp

import (
	"errors"
	"math/big"
	"strconv"
)

// Value is a parsed reply of either protocol version. Kind is its RESP type
// byte. Aggregates hold their elements in Elems, a map as key, value, key,
// value …; Null is set for every form of null.
type Value struct {
	Kind  byte
	Null  bool
	Int   int64
	Text  string // of strings, errors, doubles, big numbers; "txt:…" of verbatim ones without its prefix
	Elems []Value
}

// Error is an error reply of the server: its whole text with the code in front.
type Error string

func (e Error) Error() string { return string(e) }

// Err returns the value as an Error when it is an error reply, else nil.
func (v Value) Err() error {
	if v.Kind == '-' || v.Kind == '!' {
		return Error(v.Text)
	}
	return nil
}

// Bool tells whether the value is a truth: a RESP3 true, an integer other than
// 0, or the text OK.
func (v Value) Bool() bool { return v.Int != 0 || v.Text == "OK" }

// Pairs returns a map, or a flat array of alternating names and values, by name.
func (v Value) Pairs() map[string]Value {
	m := make(map[string]Value, len(v.Elems)/2)
	for i := 0; i+1 < len(v.Elems); i += 2 {
		m[v.Elems[i].Text] = v.Elems[i+1]
	}
	return m
}

// Strings returns the texts of an aggregate's elements.
func (v Value) Strings() []string {
	out := make([]string, len(v.Elems))
	for i, e := range v.Elems {
		out[i] = e.Text
		if e.Kind == ':' {
			out[i] = strconv.FormatInt(e.Int, 10)
		}
	}
	return out
}

var errShort = errors.New("resp: the reply is not complete")

// Parse reads the reply that buf holds, for which Replies.Next reported its
// length. It copies every text. Attributes are dropped. It is for small
// replies; a proxy forwards without it.
func Parse(buf []byte) (Value, error) {
	v, rest, err := parseValue(buf, 0)
	if err == nil && len(rest) > 0 {
		err = ProtocolError("bytes behind the reply")
	}
	return v, err
}

const maxDepth = 128

func parseValue(buf []byte, depth int) (v Value, rest []byte, err error) {
	if depth > maxDepth {
		return v, nil, ProtocolError("reply nested too deeply")
	}
	line, rest, ok := cutLine(buf)
	if !ok || len(line) == 0 {
		return v, nil, errShort
	}
	children, size, err := element(buf[:len(buf)-len(rest)])
	if err != nil {
		return v, nil, err
	}
	v.Kind = line[0]
	body := string(line[1:])
	switch v.Kind {
	case '$', '=', '!':
		return parseBulk(v, rest, size)
	case '*', '~', '>', '%':
		v.Null = body == "-1"
		v.Elems, rest, err = parseElems(rest, children, depth)
		return v, rest, err
	case '|':
		if _, rest, err = parseElems(rest, children-1, depth); err != nil {
			return v, nil, err
		}
		return parseValue(rest, depth+1)
	default:
		v.Text = body
		return scalar(v, rest)
	}
}

func scalar(v Value, rest []byte) (Value, []byte, error) {
	var err error
	switch v.Kind {
	case ':':
		v.Int, err = strconv.ParseInt(v.Text, 10, 64)
	case '#':
		v.Int = map[string]int64{"t": 1}[v.Text]
	case '_':
		v.Null = true
	case '(':
		if _, ok := new(big.Int).SetString(v.Text, 10); !ok {
			err = ProtocolError("invalid big number")
		}
	}
	return v, rest, err
}

func parseBulk(v Value, rest []byte, size int) (Value, []byte, error) {
	if size < 0 {
		v.Null = true
		return v, rest, nil
	}
	if len(rest) < size+2 {
		return v, nil, errShort
	}
	v.Text = string(rest[:size])
	if v.Kind == '=' && size >= 4 {
		v.Text = v.Text[4:]
	}
	return v, rest[size+2:], nil
}

func parseElems(rest []byte, n, depth int) (elems []Value, _ []byte, err error) {
	for range n {
		var e Value
		if e, rest, err = parseValue(rest, depth+1); err != nil {
			return nil, nil, err
		}
		elems = append(elems, e)
	}
	return elems, rest, nil
}

func cutLine(buf []byte) (line, rest []byte, ok bool) {
	for i, c := range buf {
		if c == '\n' {
			return trimCR(buf[:i]), buf[i+1:], true
		}
	}
	return nil, nil, false
}
