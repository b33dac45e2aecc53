package conf

import "strings"

// SplitArgs splits a line into words as Redis splits the lines of its configuration (sdssplitargs): blanks separate,
// "…" takes the escapes \n \r \t \b \a \xHH \" and \\, '…' takes \' only, and a closing quote ends its word. It reports
// false when a quote is not closed or is followed by anything but a blank.
func SplitArgs(line string) (words []string, ok bool) {
	for {
		line = strings.TrimLeft(line, blanks)
		if line == "" {
			return words, true
		}
		word, rest, ok := splitWord(line)
		if !ok {
			return nil, false
		}
		words, line = append(words, word), rest
	}
}

const blanks = " \t\r\n\v\f"

// splitWord takes the first word off a line that does not begin with a blank. A quote may open in the middle of a word.
func splitWord(line string) (word, rest string, ok bool) {
	var out []byte
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t', '\r', '\n':
			return string(out), line[i:], true
		case '"', '\'':
			quoted, rest, ok := splitQuoted(line[i+1:], c)
			if !ok || rest != "" && !strings.ContainsRune(blanks, rune(rest[0])) {
				return "", "", false
			}
			return string(out) + quoted, rest, true
		default:
			out = append(out, c)
		}
	}
	return string(out), "", true
}

// splitQuoted reads up to the closing quote and returns what follows it.
func splitQuoted(text string, quote byte) (word, rest string, ok bool) {
	var out []byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == quote:
			return string(out), text[i+1:], true
		case c == '\\' && quote == '"' && i+1 < len(text):
			b, n := unescape(text[i+1:])
			out = append(out, b)
			i += n
		case c == '\\' && quote == '\'' && strings.HasPrefix(text[i+1:], "'"):
			out = append(out, '\'')
			i++
		default:
			out = append(out, c)
		}
	}
	return "", "", false
}

// unescape reads what stands behind a backslash, and how many bytes of it there are.
func unescape(text string) (b byte, length int) {
	if text[0] == 'x' && len(text) >= 3 {
		high, low := hexDigit(text[1]), hexDigit(text[2])
		if high >= 0 && low >= 0 {
			return byte(high<<4 | low), 3
		}
	}
	if i := strings.IndexByte("nrtba", text[0]); i >= 0 {
		return "\n\r\t\b\a"[i], 1
	}
	return text[0], 1
}

// hexDigit is the digit's value, or -1.
func hexDigit(c byte) int {
	if c >= 'A' && c <= 'F' {
		c += 'a' - 'A'
	}
	return strings.IndexByte(hexDigits, c)
}

const hexDigits = "0123456789abcdef"

// JoinArgs writes words so that SplitArgs reads them back, with quotes only where they are needed.
func JoinArgs(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quoteArg(word)
	}
	return strings.Join(quoted, " ")
}

// quoteArg quotes a word that is empty or holds what would not be read as it stands.
func quoteArg(word string) string {
	plain := word != "" && strings.IndexFunc(word, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '\'' || r == 0x7f || r == '\v'
	}) < 0
	if plain {
		return word
	}
	return doubleQuoted(word)
}

// doubleQuoted writes a word in double quotes, with escapes for what has no other form there.
func doubleQuoted(word string) string {
	out := []byte{'"'}
	for i := range len(word) {
		switch c := word[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c < ' ' || c == 0x7f:
			out = append(out, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		default:
			out = append(out, c)
		}
	}
	return string(append(out, '"'))
}
