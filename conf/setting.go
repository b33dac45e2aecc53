package conf

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// setting is one key with its value as a source has it, before the table is asked what it means.
type setting struct {
	at      Place
	syntax  syntax
	key     string   // as written; in sentinel lines, the table's name
	monitor string   // the group, for keys of the table's "monitor."
	words   []string // the value of a line or a flag
	value   any      // the value in TOML
}

// syntax is where a setting was read from. Flags are lines of redis.conf that stand behind the file's; what a file in TOML
// says, they replace.
type syntax uint8

const (
	inTOML syntax = iota
	inLines
	onCommandLine
)

// name is how an error calls the setting: by its key, on a command line with the values as they were given, which is what
// shows where one option ended and the next began. Secrets are left out.
func (s *setting) name(d *Directive) string {
	if s.syntax != onCommandLine {
		return s.key
	}
	var b strings.Builder
	b.WriteString("'" + s.key)
	for _, word := range s.words {
		if d != nil && d.Has(Secret) {
			break
		}
		b.WriteString(" " + doubleQuoted(word))
	}
	return b.String() + "'"
}

// text is the setting's value in the form the directive's codec reads.
func (s *setting) text(d *Directive) (string, error) {
	text, err := s.raw(d)
	if err == nil && d.Type.takesWords() && d.Type != Lines {
		if words, ok := SplitArgs(text); ok {
			text = JoinArgs(words) // one blank between them
		}
	}
	return text, err
}

// raw is the text as it stands there.
func (s *setting) raw(d *Directive) (string, error) {
	if s.syntax == inTOML {
		return tomlText(d, s.value)
	}
	switch {
	case len(s.words) == 1:
		return s.words[0], nil
	case len(s.words) == 0 && d.Type == Save:
		return "", nil
	case len(s.words) == 0 && d.Type == Words:
		_, err := d.choose("")
		return "", err
	case len(s.words) == 0 || !d.Type.takesWords():
		return "", errArgs
	}
	return JoinArgs(s.words), nil
}

var errTOMLKind = errors.New("the value has the wrong type")

// tomlText turns a TOML value into text. Numbers and booleans are no strings: a password 0123 would lose its zero.
func tomlText(d *Directive, value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		if d.Type == Bool || slices.Contains(d.Enum, "yes") && slices.Contains(d.Enum, "no") {
			return formatBool(v), nil
		}
	case int64:
		switch {
		case d.Type == Octal:
			return strconv.FormatInt(v, 8), nil
		case d.Type < String || d.Type == Percentiles:
			return strconv.FormatInt(v, 10), nil
		}
	case float64:
		if d.Type == Percentiles {
			return strconv.FormatFloat(v, 'f', -1, 64), nil
		}
	case []any:
		if d.Type.takesWords() {
			return tomlArray(d, v)
		}
	}
	return "", fmt.Errorf("%w: it takes %s", errTOMLKind, tomlTakes(d))
}

// tomlArray joins an array. Types whose text is more than a list of words take an element for each line of redis.conf.
func tomlArray(d *Directive, array []any) (string, error) {
	words := make([]string, len(array))
	for i, element := range array {
		switch v := element.(type) {
		case string:
			words[i] = v
		case int64, float64:
			words[i] = fmt.Sprint(v)
		default:
			return "", fmt.Errorf("%w: it takes %s", errTOMLKind, tomlTakes(d))
		}
	}
	switch d.Type {
	case Save, Limits, Renames, HostPort, Lines:
		return combine(d, words), nil
	}
	return JoinArgs(words), nil
}

func tomlTakes(d *Directive) string {
	switch {
	case d.Type == Bool:
		return "true or false"
	case d.Type == Duration:
		return `a duration such as "15s", or an integer of milliseconds`
	case d.Type == Size || d.Type == PercentSize:
		return `a size such as "64mb", or an integer of bytes`
	case d.Type < String:
		return "an integer"
	case d.Type.takesWords():
		return "an array, or a string"
	}
	return "a string"
}

// combine joins the texts of a directive that stands on several lines. An empty `save` drops those before it.
func combine(d *Directive, texts []string) string {
	if d.Type == Lines {
		return strings.Join(texts, "\n")
	}
	if empty := lastIndex(texts, ""); d.Type == Save && empty >= 0 {
		texts = texts[empty+1:]
	}
	return strings.Join(texts, " ")
}

func lastIndex(texts []string, text string) int {
	for i := len(texts) - 1; i >= 0; i-- {
		if texts[i] == text {
			return i
		}
	}
	return -1
}
