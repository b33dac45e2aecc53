package command

// Match reports whether s matches a pattern as KEYS, SCAN and PSUBSCRIBE understand
// it, and ACL rules (util.c, stringmatchlen): * any bytes, ? one byte, [a-c^…] one of a class, \ the
// next byte as it is. fold ignores the case of ASCII letters.
//
// It goes back to the last * alone: what an earlier * could take more of, the later
// one can take as well. So it takes at most len(pattern) * len(s) steps. A pattern
// of which more than 1000 stars would have to be tried matches nothing, which is
// where Redis gives up.
func Match(pattern, s []byte, fold bool) bool {
	p, i := 0, 0
	const most = 1000
	stars := 0
	star, from := -1, 0 // the pattern behind the last *, and where it was tried in s
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			for p++; p < len(pattern) && pattern[p] == '*'; p++ {
			}
			if stars++; stars > most && p < len(pattern) {
				return false
			}
			star, from = p, i
			continue
		}
		if p < len(pattern) {
			if next, ok := matchByte(pattern, p, s[i], fold); ok {
				p = next
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, i = star, from
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchByte compares one byte with the pattern at p, which is not a *, and returns
// where the pattern goes on.
func matchByte(pattern []byte, p int, b byte, fold bool) (next int, ok bool) {
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		return matchClass(pattern, p+1, b, fold)
	case '\\':
		if p+1 < len(pattern) {
			p++
		}
	}
	return p + 1, lower(pattern[p], fold) == lower(b, fold)
}

// matchClass compares one byte with the class that begins at p, behind the bracket.
// A class that is not closed ends with the pattern.
func matchClass(pattern []byte, p int, b byte, fold bool) (next int, ok bool) {
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	found := false
	b = lower(b, fold)
	for ; p < len(pattern) && pattern[p] != ']'; p++ {
		low, high := pattern[p], pattern[p]
		switch {
		case pattern[p] == '\\' && p+1 < len(pattern):
			p++
			low, high = pattern[p], pattern[p]
		case p+2 < len(pattern) && pattern[p+1] == '-':
			high = pattern[p+2]
			p += 2
		}
		low, high = min(low, high), max(low, high)
		found = found || b >= lower(low, fold) && b <= lower(high, fold)
	}
	return min(p+1, len(pattern)), found != not
}

func lower(b byte, fold bool) byte {
	if fold && b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
