package script

import "strings"

// Bounds of one match, as in Lua.
const (
	maxCaptures     = 32
	maxPatternDepth = 200
)

// A capture's length while it has none.
const (
	captureOpen     = -1
	capturePosition = -2
)

// patternError is a fault of the pattern itself.
type patternError string

// matcher matches Lua patterns. gopher-lua's own does not know %f, reads \0 wrongly and
// takes Go's stack for every byte.
type matcher struct {
	src, pat string
	level    int // captures begun
	captures [maxCaptures]capture
	depth    int
	steps    int
	tick     func() // called every patternTick steps: backtracking can take for ever
}

type capture struct{ from, size int }

const patternTick = 1 << 14

// at begins a match at s and returns its end, or -1. A fault of the pattern panics with
// a patternError.
func (m *matcher) at(s, p int) int {
	m.level, m.depth = 0, 0
	return m.match(s, p)
}

// match matches the pattern from p on at s.
func (m *matcher) match(s, p int) int {
	if m.depth++; m.depth > maxPatternDepth {
		panic(patternError("pattern too complex"))
	}
	defer func() { m.depth-- }()
	for p < len(m.pat) {
		switch c := m.pat[p]; {
		case c == '(' && m.is(p+1, ')'):
			return m.open(s, p+2, capturePosition)
		case c == '(':
			return m.open(s, p+1, captureOpen)
		case c == ')':
			return m.close(s, p+1)
		case c == '$' && p+1 == len(m.pat):
			if s == len(m.src) {
				return s
			}
			return -1
		case c == '%' && m.is(p+1, 'b'):
			if s = m.balanced(s, p+2); s < 0 {
				return -1
			}
			p += 4
			continue
		case c == '%' && m.is(p+1, 'f'):
			var ok bool
			if p, ok = m.frontier(s, p+2); !ok {
				return -1
			}
			continue
		case c == '%' && p+1 < len(m.pat) && isDigit(m.pat[p+1]):
			if s = m.again(s, m.pat[p+1]); s < 0 {
				return -1
			}
			p += 2
			continue
		}
		end := m.classEnd(p)
		hit := m.single(s, p, end)
		switch {
		case m.is(end, '?'):
			if hit {
				if e := m.match(s+1, end+1); e >= 0 {
					return e
				}
			}
			p = end + 1
			continue
		case m.is(end, '*'):
			return m.greedy(s, p, end)
		case m.is(end, '+'):
			if !hit {
				return -1
			}
			return m.greedy(s+1, p, end)
		case m.is(end, '-'):
			return m.lazy(s, p, end)
		}
		if !hit {
			return -1
		}
		s, p = s+1, end
	}
	return s
}

func (m *matcher) is(p int, c byte) bool { return p < len(m.pat) && m.pat[p] == c }

// greedy takes as many bytes of a class as there are, then fewer.
func (m *matcher) greedy(s, p, end int) int {
	n := 0
	for m.single(s+n, p, end) {
		n++
	}
	for ; n >= 0; n-- {
		if e := m.match(s+n, end+1); e >= 0 {
			return e
		}
	}
	return -1
}

// lazy takes as few bytes of a class as it can.
func (m *matcher) lazy(s, p, end int) int {
	for {
		if e := m.match(s, end+1); e >= 0 {
			return e
		}
		if !m.single(s, p, end) {
			return -1
		}
		s++
	}
}

func (m *matcher) open(s, p, size int) int {
	if m.level == maxCaptures {
		panic(patternError("too many captures"))
	}
	m.captures[m.level] = capture{s, size}
	m.level++
	e := m.match(s, p)
	if e < 0 {
		m.level--
	}
	return e
}

func (m *matcher) close(s, p int) int {
	for i := m.level - 1; i >= 0; i-- {
		if m.captures[i].size != captureOpen {
			continue
		}
		m.captures[i].size = s - m.captures[i].from
		e := m.match(s, p)
		if e < 0 {
			m.captures[i].size = captureOpen
		}
		return e
	}
	panic(patternError("invalid pattern capture"))
}

// again matches what a capture has taken.
func (m *matcher) again(s int, digit byte) int {
	i := int(digit) - '1'
	if i < 0 || i >= m.level || m.captures[i].size == captureOpen {
		panic(patternError("invalid capture index"))
	}
	c := m.captures[i]
	size := max(c.size, 0)
	if !strings.HasPrefix(m.src[s:], m.src[c.from:c.from+size]) {
		return -1
	}
	return s + size
}

// balanced is %b: from an opening byte to the closing one that belongs to it.
func (m *matcher) balanced(s, p int) int {
	if p+1 >= len(m.pat) {
		panic(patternError("unbalanced pattern"))
	}
	opening, closing := m.pat[p], m.pat[p+1]
	if s >= len(m.src) || m.src[s] != opening {
		return -1
	}
	open := 1
	for s++; s < len(m.src); s++ {
		m.step()
		switch m.src[s] {
		case closing:
			if open--; open == 0 {
				return s + 1
			}
		case opening:
			open++
		}
	}
	return -1
}

// frontier is %f: between a byte outside of the set and one in it.
func (m *matcher) frontier(s, p int) (next int, ok bool) {
	if !m.is(p, '[') {
		panic(patternError("missing '[' after '%f' in pattern"))
	}
	end := m.classEnd(p)
	var before, after byte
	if s > 0 {
		before = m.src[s-1]
	}
	if s < len(m.src) {
		after = m.src[s]
	}
	return end, !m.inSet(before, p, end-1) && m.inSet(after, p, end-1)
}
