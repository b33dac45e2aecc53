package cli

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"holdfast/backend/resp"
)

// asCSV writes a reply as redis-cli --csv does: everything in one line.
func asCSV(v resp.Value) string {
	switch {
	case v.Null:
		return "NULL"
	case v.Err() != nil:
		return "ERROR," + quote(v.Text)
	case isAggregate(v.Kind):
		all := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			all[i] = asCSV(e)
		}
		return strings.Join(all, ",")
	case v.Kind == '#':
		return strconv.FormatBool(v.Int == 1)
	case v.Kind == ':':
		return strconv.FormatInt(v.Int, 10)
	case v.Kind == ',' || v.Kind == '(':
		return v.Text
	}
	return quote(v.Text)
}

// asJSON writes a reply as one line of JSON. quoted makes every byte that is not
// printable an escape; otherwise strings keep their bytes.
func asJSON(v resp.Value, quoted bool) string {
	switch {
	case v.Null:
		return "null"
	case v.Err() != nil:
		return "error:" + jsonString(v.Text, quoted)
	case v.Kind == '%':
		return "{" + jsonPairs(v, quoted) + "}"
	case isAggregate(v.Kind):
		all := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			all[i] = asJSON(e, quoted)
		}
		return "[" + strings.Join(all, ",") + "]"
	case v.Kind == '#':
		return strconv.FormatBool(v.Int == 1)
	case v.Kind == ':':
		return strconv.FormatInt(v.Int, 10)
	case v.Kind == ',' || v.Kind == '(':
		return v.Text
	}
	return jsonString(v.Text, quoted)
}

// jsonPairs writes a map's members; a name that is no string is its JSON in
// quotes.
func jsonPairs(v resp.Value, quoted bool) string {
	var all []string
	for i := 0; i+1 < len(v.Elems); i += 2 {
		name := asJSON(v.Elems[i], quoted)
		if !strings.HasPrefix(name, `"`) {
			name = jsonString(name, quoted)
		}
		all = append(all, name+":"+asJSON(v.Elems[i+1], quoted))
	}
	return strings.Join(all, ",")
}

func jsonString(s string, quoted bool) string {
	if quoted { // as the reply is printed for people, its backslashes escaped once more
		inner := quote(s)
		inner = strings.ReplaceAll(inner[1:len(inner)-1], `\`, `\\`)
		return `"` + strings.ReplaceAll(inner, `\\"`, `\"`) + `"`
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String() + `"`
}
