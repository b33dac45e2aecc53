package conf

import (
	"fmt"
	"strings"
)

// outline is where the keys and tables of a TOML document stand. It holds for documents that the TOML library has
// accepted; of others it says something, and never fails.
type outline struct {
	keys   []span
	tables []span // headers; the first is the root, without a header
}

// span is one key or table: its path ("raft.id", "monitor[0].quorum"), its line from 1, and byte offsets.
type span struct {
	path       string
	line       int
	start, end int // of the whole line or lines, without the last newline
	value      int // where the value starts; 0 for tables
	valueEnd   int // where it ends, before blanks and a comment
}

// line is the line of the path or of the nearest table above it; 0 when there is none.
func (o outline) line(path string) int {
	for ; path != ""; path = parentPath(path) {
		for _, s := range append(o.keys, o.tables...) {
			if s.path == path {
				return s.line
			}
		}
	}
	return 0
}

func parentPath(path string) string { return path[:max(strings.LastIndexByte(path, '.'), 0)] }

// scanTOML walks over the document line by line; only values may be longer than a line.
func scanTOML(src string) outline {
	o := outline{tables: []span{{}}}
	counts := map[string]int{}
	prefix, line := "", 1
	for at := 0; at < len(src); {
		end := at + endOfLine(src[at:])
		text := strings.TrimLeft(src[at:end], " \t")
		start := end - len(text)
		switch {
		case text == "" || text[0] == '#' || text[0] == '\r':
		case text[0] == '[':
			prefix = headerPath(text, counts)
			o.tables = append(o.tables, span{path: prefix, line: line, start: at, end: end})
		default:
			key, width := scanKey(text)
			s := span{path: joinPath(prefix, key), line: line, start: at, value: start + width}
			s.valueEnd = s.value + valueLength(src[s.value:])
			s.end = s.valueEnd + endOfLine(src[s.valueEnd:])
			o.keys = append(o.keys, s)
			end = s.end
		}
		line += strings.Count(src[at:end], "\n") + 1
		at = end + 1
	}
	return o
}

func endOfLine(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i
	}
	return len(text)
}

func joinPath(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// headerPath reads [table] or [[table]]; each of the latter gets its number.
func headerPath(text string, counts map[string]int) string {
	array := strings.HasPrefix(text, "[[")
	path, _ := scanKey(strings.TrimLeft(text, "["))
	if array {
		counts[path]++
		return fmt.Sprintf("%s[%d]", path, counts[path]-1)
	}
	return path
}

// scanKey reads a key, bare, quoted or dotted, up to = or ], and the width of all of that with the blanks that follow.
func scanKey(text string) (path string, width int) {
	var out strings.Builder
	i := 0
	for i < len(text) && text[i] != '=' && text[i] != ']' {
		switch c := text[i]; c {
		case ' ', '\t':
		case '"', '\'':
			n := stringLength(text[i:])
			out.WriteString(strings.Trim(text[i:i+n], string(c)))
			i += n - 1
		default:
			out.WriteByte(c)
		}
		i++
	}
	i = min(i+1, len(text))
	for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
		i++
	}
	return out.String(), i
}

// valueLength is how long the value at the start of text is: to the end of its line, or of the bracket it opens.
func valueLength(text string) int {
	depth, last := 0, 0
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '"', '\'':
			i += stringLength(text[i:])
			last = i
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '#':
			i += endOfLine(text[i:])
			continue
		case '\n':
			if depth <= 0 {
				return last
			}
		}
		if !strings.ContainsRune(" \t\r\n", rune(text[i])) {
			last = i + 1
		}
		i++
	}
	return last
}

// stringLength is how long the string at the start of text is, quotes included, in any of TOML's four forms.
func stringLength(text string) int {
	quote := text[:1]
	if long := strings.Repeat(quote, 3); strings.HasPrefix(text, long) {
		quote = long
	}
	for i := len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote[0] == '"':
			i++
		case strings.HasPrefix(text[i:], quote):
			i += len(quote)
			for len(quote) == 3 && i < len(text) && text[i] == quote[0] {
				i++ // up to two quotes may stand right before the closing three
			}
			return i
		}
	}
	return len(text)
}
