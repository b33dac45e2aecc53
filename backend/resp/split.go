package resp

// SplitArgs splits a line into arguments as redis-cli, inline requests and
// redis.conf do (sds.c, sdssplitargs): blanks separate, "double quotes" take
// \n \r \t \b \a \\ \" and \xHH, 'single quotes' take \'. It reports false
// when a quote is not closed or is followed by something other than a blank.
// The arguments are copies where they had quotes and alias line otherwise.
func SplitArgs(line []byte) ([][]byte, bool) {
	var args [][]byte
	for i := 0; ; {
		for i < len(line) && isBlank(line[i]) {
			i++
		}
		if i == len(line) {
			return args, true
		}
		arg, next, ok := splitOne(line, i)
		if !ok {
			return nil, false
		}
		args, i = append(args, arg), next
	}
}

func splitOne(line []byte, i int) (arg []byte, next int, ok bool) {
	start := i
	for i < len(line) && !isBlank(line[i]) && line[i] != '"' && line[i] != '\'' {
		i++
	}
	if i == len(line) || isBlank(line[i]) {
		return line[start:i:i], i, true
	}
	arg = append([]byte{}, line[start:i]...)
	for i < len(line) && !isBlank(line[i]) {
		switch line[i] {
		case '"', '\'':
			if arg, i, ok = splitQuoted(arg, line, i); !ok {
				return nil, 0, false
			}
		default:
			arg = append(arg, line[i])
			i++
		}
	}
	return arg, i, true
}

// splitQuoted appends the quoted text that opens at i and returns the index
// behind its closing quote.
func splitQuoted(arg, line []byte, i int) ([]byte, int, bool) {
	quote := line[i]
	for i++; i < len(line); i++ {
		c := line[i]
		switch {
		case c == quote:
			closed := i+1 == len(line) || isBlank(line[i+1])
			return arg, i + 1, closed
		case c == '\\' && quote == '\'' && i+1 < len(line) && line[i+1] == '\'':
			arg = append(arg, '\'')
			i++
		case c == '\\' && quote == '"' && i+1 < len(line):
			arg, i = appendEscape(arg, line, i+1)
		default:
			arg = append(arg, c)
		}
	}
	return nil, 0, false
}

// appendEscape appends what the escape whose letter stands at i means and
// returns the index of its last byte.
func appendEscape(arg, line []byte, i int) ([]byte, int) {
	switch c := line[i]; c {
	case 'n':
		return append(arg, '\n'), i
	case 'r':
		return append(arg, '\r'), i
	case 't':
		return append(arg, '\t'), i
	case 'b':
		return append(arg, '\b'), i
	case 'a':
		return append(arg, '\a'), i
	case 'x':
		if i+2 < len(line) {
			hi, ok1 := unhex(line[i+1])
			lo, ok2 := unhex(line[i+2])
			if ok1 && ok2 {
				return append(arg, hi<<4|lo), i + 2
			}
		}
		return append(arg, c), i
	default:
		return append(arg, c), i
	}
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func isBlank(c byte) bool {
	return c == ' ' || c >= '\t' && c <= '\r'
}
