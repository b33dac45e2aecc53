package conf

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// editTOML makes one change to a document.
func editTOML(text string, d *Directive, c Change) string {
	o := scanTOML(text)
	table := tableOf(d)
	if c.Monitor != "" {
		table = o.group(text, c.Monitor)
		if c.Remove && d.Name == "monitor.name" {
			return o.cutTable(text, table)
		}
		if table == "" {
			if c.Remove {
				return text
			}
			text = strings.TrimRight(text, "\n") + "\n\n[[monitor]]\nname = " + strconv.Quote(c.Monitor) + "\n"
			return editTOML(text, d, c)
		}
		if d.Name == "monitor.name" {
			return text // it is there: that is all there is to say
		}
	}
	key := d.Name[strings.LastIndexByte(d.Name, '.')+1:]
	for _, s := range o.keys {
		if s.path != joinPath(table, key) && (d.Alias == "" || s.path != d.Alias) {
			continue
		}
		if c.Remove {
			return text[:s.start] + text[min(s.end+1, len(text)):]
		}
		return text[:s.value] + tomlValue(d, c.Text) + text[s.valueEnd:]
	}
	if c.Remove {
		return text
	}
	return o.insert(text, table, key, tomlValue(d, c.Text))
}

// tableOf is the TOML table a directive stands in: "raft" for "raft.id", "" for most.
func tableOf(d *Directive) string { return parentPath(d.Name) }

// group is the path of the [[monitor]] table with that name; "" when there is none.
func (o outline) group(text, name string) string {
	for _, s := range o.keys {
		if !strings.HasPrefix(s.path, "monitor[") || !strings.HasSuffix(s.path, "].name") {
			continue
		}
		value := text[s.value:s.valueEnd]
		if unquoted, err := strconv.Unquote(value); err == nil && unquoted == name || strings.Trim(value, "'") == name {
			return parentPath(s.path)
		}
	}
	return ""
}

// cutTable takes a table out, from its header to its last key: comments behind that belong to what follows.
func (o outline) cutTable(text, table string) string {
	i := slices.IndexFunc(o.tables, func(s span) bool { return s.path == table })
	if table == "" || i < 0 {
		return text
	}
	return text[:o.tables[i].start] + text[min(o.lastOf(i)+1, len(text)):]
}

// lastOf is where the last key of the i-th table ends, or its header when it has none.
func (o outline) lastOf(i int) int {
	end, next := o.tables[i].end, o.nextTable(i, 1<<62)
	for _, s := range o.keys {
		if s.start >= o.tables[i].start && s.start < next {
			end = max(end, s.end)
		}
	}
	return end
}

// nextTable is where the table behind the i-th starts, or otherwise.
func (o outline) nextTable(i, otherwise int) int {
	if i+1 < len(o.tables) {
		return o.tables[i+1].start
	}
	return otherwise
}

// insert adds a key to a table: below the comment that shows its default, as in the samples, or else behind the table's
// last key. A key of a table that has no header goes to the root under its dotted name.
func (o outline) insert(text, table, key, value string) string {
	i := slices.IndexFunc(o.tables, func(s span) bool { return s.path == table })
	if i < 0 {
		return o.insert(text, "", joinPath(table, key), value)
	}
	line := fmt.Sprintf("%s = %s\n", key, value)
	from, to := o.tables[i].end, o.nextTable(i, len(text))
	sample := regexp.MustCompile(`(?m)^# ?` + regexp.QuoteMeta(key) + `[ \t]*=.*$`)
	at := to
	if where := sample.FindStringIndex(text[from:to]); where != nil {
		at = from + where[1] + 1
	} else if last := o.lastOf(i); last > 0 {
		at = last + 1
	}
	if at > len(text) || at == len(text) && text != "" && !strings.HasSuffix(text, "\n") {
		at, line = len(text), "\n"+line
	}
	return text[:at] + line + text[at:]
}

// tomlValue writes a value as TOML: booleans and numbers as such, lists as arrays, all else as strings.
func tomlValue(d *Directive, text string) string {
	switch d.Type {
	case Bool:
		return strconv.FormatBool(text == "yes")
	case Lines:
		lines, _ := parseLines(d, text, nil)
		return tomlStrings(lines.([]string))
	case List, Words, Addrs, Members:
		words, _ := SplitArgs(text)
		return tomlStrings(words)
	case Renames:
		var pairs []string
		for pair := range slices.Chunk(splitOrNil(text), 2) {
			pairs = append(pairs, JoinArgs(pair))
		}
		return tomlStrings(pairs)
	case Octal, Duration:
		return strconv.Quote(text)
	}
	if d.Type < String {
		if _, err := strconv.ParseInt(text, 10, 64); err == nil {
			return text
		}
	}
	return tomlString(text)
}

func splitOrNil(text string) []string {
	words, _ := SplitArgs(text)
	return words
}

func tomlStrings(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = tomlString(word)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// tomlString quotes as TOML's basic strings do, which know fewer escapes than Go's.
func tomlString(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
