package resp

// Ahead looks at the pipeline in buf without executing it: it adds word which of
// its requests, counted from 0, to words, but none twice in a row. It looks at as
// many requests as words has room for. The words alias buf. n is how far it has
// looked, all of buf when it came to what is incomplete or no ordinary request: it
// is a glance, and Requests finds what is wrong.
func Ahead(buf []byte, which int, words [][]byte) (_ [][]byte, n int) {
	for left := cap(words) - len(words); left > 0 && n < len(buf); left-- {
		word, size := glance(buf[n:], which)
		if size == 0 {
			return words, len(buf)
		}
		n += size
		if last := len(words) - 1; word != nil && (last < 0 || string(words[last]) != string(word)) {
			words = append(words, word)
		}
	}
	return words, n
}

// glance finds a word of the request that b begins with, nil when it has not so
// many, and the request's length, 0 when it is not one of up to 999 words of up to
// 999 bytes, or not complete.
func glance(b []byte, which int) (word []byte, n int) {
	count, n := number(b, '*')
	if n == 0 {
		return nil, 0
	}
	for i := range count {
		size, head := shortHead(b[n:])
		end := n + head + size
		if head == 0 || end+2 > len(b) {
			return nil, 0
		}
		if i == which {
			word = b[n+head : end]
		}
		n = end + 2
	}
	return word, n
}
