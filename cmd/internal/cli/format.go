package cli

import (
	"fmt"
	"strconv"
	"strings"

	"holdfast/backend/resp"
)

// Format writes a reply as redis-cli does for a terminal: types are told,
// strings are quoted, elements are numbered and nested ones indented.
func Format(v resp.Value) string {
	var b strings.Builder
	format(&b, v, "")
	return b.String()
}

// format writes v, whose first line stands behind indent's width already.
func format(b *strings.Builder, v resp.Value, indent string) {
	switch {
	case v.Null:
		b.WriteString("(nil)\n")
	case v.Err() != nil:
		fmt.Fprintf(b, "(error) %s\n", v.Text)
	case isAggregate(v.Kind):
		formatElements(b, v, indent)
	default:
		b.WriteString(scalar(v) + "\n")
	}
}

func isAggregate(kind byte) bool { return strings.IndexByte("*~>%", kind) >= 0 }

func scalar(v resp.Value) string {
	switch v.Kind {
	case '+':
		return v.Text
	case ':':
		return "(integer) " + strconv.FormatInt(v.Int, 10)
	case ',':
		return "(double) " + v.Text
	case '#':
		return map[int64]string{1: "(true)", 0: "(false)"}[v.Int]
	case '(':
		return "(big number) " + v.Text
	case '=':
		return v.Text
	}
	return quote(v.Text)
}

// quote writes bytes as redis-cli does, so that they can be typed in again.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '\\', '"':
			b.WriteString("\\" + string(c))
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		case '\a':
			b.WriteString(`\a`)
		case '\b':
			b.WriteString(`\b`)
		default:
			if c < ' ' || c > '~' {
				fmt.Fprintf(&b, `\x%02x`, c)
			} else {
				b.WriteByte(c)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}

func formatElements(b *strings.Builder, v resp.Value, indent string) {
	step, mark := 1, ")"
	switch v.Kind {
	case '%':
		step, mark = 2, "#"
	case '~':
		mark = "~"
	}
	n := len(v.Elems) / step
	if n == 0 {
		b.WriteString(map[byte]string{'%': "(empty hash)\n", '~': "(empty set)\n"}[v.Kind])
		if step == 1 && v.Kind != '~' {
			b.WriteString("(empty array)\n")
		}
		return
	}
	width := len(strconv.Itoa(n))
	for i := range n {
		if i > 0 {
			b.WriteString(indent)
		}
		head := fmt.Sprintf("%*d%s ", width, i+1, mark)
		b.WriteString(head)
		if step == 2 {
			key := strings.TrimRight(Format(v.Elems[2*i]), "\n")
			b.WriteString(key + " => ")
			if e := v.Elems[2*i+1]; isAggregate(e.Kind) && len(e.Elems) > 0 { // in line with its other lines
				b.WriteString("\n" + indent + strings.Repeat(" ", len(head)))
			}
		}
		format(b, v.Elems[step*i+step-1], indent+strings.Repeat(" ", len(head)))
	}
}

// Raw writes a reply as redis-cli does for a pipe: bare values, one a line.
func Raw(v resp.Value) string { return RawBetween(v, "\n") + "\n" }

// RawBetween writes the bare values of a reply with a separator between them.
func RawBetween(v resp.Value, between string) string {
	switch {
	case v.Kind == '%':
		var all []string
		for i := 0; i+1 < len(v.Elems); i += 2 {
			all = append(all, RawBetween(v.Elems[i], between)+" "+RawBetween(v.Elems[i+1], between))
		}
		return strings.Join(all, between)
	case isAggregate(v.Kind):
		all := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			all[i] = RawBetween(e, between)
		}
		return strings.Join(all, between)
	case v.Kind == ':':
		return strconv.FormatInt(v.Int, 10)
	case v.Kind == '#':
		return map[int64]string{1: "(true)", 0: "(false)"}[v.Int]
	}
	return v.Text
}
