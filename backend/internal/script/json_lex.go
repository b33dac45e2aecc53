package script

import (
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

// jsonKind is the kind of a token: a punctuation character, or one of these.
type jsonKind byte

const (
	jsonEnd    jsonKind = 0
	jsonBad    jsonKind = 'e'
	jsonString jsonKind = 's'
	jsonNumber jsonKind = 'd'
	jsonTrue   jsonKind = 't'
	jsonFalse  jsonKind = 'f'
	jsonNil    jsonKind = 'n'
)

// name is how error texts call a token.
func (k jsonKind) name() string {
	switch k {
	case '{':
		return "T_OBJ_BEGIN"
	case '}':
		return "T_OBJ_END"
	case '[':
		return "T_ARR_BEGIN"
	case ']':
		return "T_ARR_END"
	case ':':
		return "T_COLON"
	case ',':
		return "T_COMMA"
	case jsonString:
		return "T_STRING"
	case jsonNumber:
		return "T_NUMBER"
	case jsonTrue, jsonFalse:
		return "T_BOOLEAN"
	case jsonNil:
		return "T_NULL"
	}
	return "T_END"
}

type jsonToken struct {
	kind   jsonKind
	at     int // its first byte
	text   string
	number float64
}

type jsonLexer struct {
	in    string
	pos   int
	loose bool // accept numbers that JSON does not have
}

func (x *jsonLexer) next() jsonToken {
	for x.pos < len(x.in) && strings.IndexByte(" \t\n\r", x.in[x.pos]) >= 0 {
		x.pos++
	}
	t := jsonToken{at: x.pos}
	if x.pos == len(x.in) || x.in[x.pos] == 0 {
		return t
	}
	switch c := x.in[x.pos]; {
	case strings.IndexByte("{}[],:", c) >= 0:
		x.pos++
		t.kind = jsonKind(c)
	case c == '"':
		x.string(&t)
	case c == '-' || c >= '0' && c <= '9':
		if !x.loose && x.irregular() {
			t.fail("invalid number")
		} else {
			x.number(&t)
		}
	case x.word("true"):
		t.kind = jsonTrue
	case x.word("false"):
		t.kind = jsonFalse
	case x.word("null"):
		t.kind = jsonNil
	case x.loose && strings.IndexByte("iInN+", c) >= 0 && x.irregular():
		x.number(&t)
	default:
		t.fail("invalid token")
	}
	return t
}

func (t *jsonToken) fail(why string) { t.kind, t.text = jsonBad, why }

func (x *jsonLexer) word(w string) bool {
	if !strings.HasPrefix(x.in[x.pos:], w) {
		return false
	}
	x.pos += len(w)
	return true
}

// irregular tells a number that C would read and JSON does not have: a plus,
// hexadecimal digits, leading zeros, inf, nan.
func (x *jsonLexer) irregular() bool {
	s := strings.ToLower(x.in[x.pos:min(len(x.in), x.pos+8)])
	if s[0] == '+' {
		return true
	}
	s = strings.TrimPrefix(s, "-")
	if len(s) > 1 && s[0] == '0' {
		return s[1] == 'x' || s[1] >= '0' && s[1] <= '9'
	}
	return strings.HasPrefix(s, "inf") || strings.HasPrefix(s, "nan")
}

// number takes the longest prefix that C's strtod would.
func (x *jsonLexer) number(t *jsonToken) {
	n := numberLength(x.in[x.pos:])
	v, ok := parseDecimal(x.in[x.pos : x.pos+n]).(lua.LNumber)
	if !ok {
		t.fail("invalid number")
		return
	}
	t.kind, t.number = jsonNumber, float64(v)
	x.pos += n
}

// string reads a string whose quote stands at pos.
func (x *jsonLexer) string(t *jsonToken) {
	var out []byte
	for i := x.pos + 1; i < len(x.in); {
		c := x.in[i]
		switch {
		case c == '"':
			t.kind, t.text = jsonString, string(out)
			x.pos = i + 1
			return
		case c != '\\':
			out = append(out, c)
			i++
		case i+1 < len(x.in) && x.in[i+1] == 'u':
			r, n := unicodeEscape(x.in[i:])
			if n == 0 {
				t.at = i
				t.fail("invalid unicode escape code")
				return
			}
			out = utf8.AppendRune(out, r)
			i += n
		default:
			at := -1
			if i+1 < len(x.in) {
				at = strings.IndexByte(`"\/btnfr`, x.in[i+1])
			}
			if at < 0 {
				t.at = i
				t.fail("invalid escape code")
				return
			}
			out = append(out, "\"\\/\b\t\n\f\r"[at])
			i += 2
		}
	}
	t.at = len(x.in)
	t.fail("unexpected end of string")
}

// unicodeEscape reads \uXXXX, or two of them that are a surrogate pair; 0 bytes
// when it is malformed.
func unicodeEscape(s string) (r rune, n int) {
	hi, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if hi&0xF800 != 0xD800 {
		return hi, 6
	}
	lo, ok := hex4(s[6:])
	if hi&0x400 != 0 || !ok || lo&0xFC00 != 0xDC00 {
		return 0, 0
	}
	return (hi&0x3FF)<<10 | lo&0x3FF + 0x10000, 12
}

func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var v rune
	for _, c := range []byte(s[2:6]) {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// numberLength returns how far C's strtod would read.
func numberLength(s string) int {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	for _, word := range []string{"infinity", "inf", "nan"} {
		if len(s)-i >= len(word) && strings.EqualFold(s[i:i+len(word)], word) {
			return i + len(word)
		}
	}
	digits, mark := "0123456789", byte('e')
	if len(s)-i > 2 && s[i] == '0' && s[i+1]|0x20 == 'x' {
		i, digits, mark = i+2, "0123456789abcdefABCDEF", 'p'
	}
	skip := func() int {
		from := i
		for i < len(s) && strings.IndexByte(digits, s[i]) >= 0 {
			i++
		}
		return i - from
	}
	n := skip()
	if i < len(s) && s[i] == '.' {
		i++
		n += skip()
	}
	if n == 0 {
		return 0
	}
	if i < len(s) && s[i]|0x20 == mark {
		end := i
		i++
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		if digits = "0123456789"; skip() == 0 {
			i = end
		}
	}
	return i
}
