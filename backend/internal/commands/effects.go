package commands

// Effects are the commands to propagate instead of a request. They copy their
// words, since those often alias the store.
type Effects struct {
	replace bool
	words   []byte // all words, one behind the other
	ends    []int  // where each word ends
	counts  []int  // words per command
	scratch [][]byte
}

func (e *Effects) reset() {
	e.replace = false
	e.words, e.ends, e.counts = e.words[:0], e.ends[:0], e.counts[:0]
}

func (e *Effects) add(words [][]byte) {
	e.replace = true
	for _, w := range words {
		e.words = append(e.words, w...)
		e.ends = append(e.ends, len(e.words))
	}
	e.counts = append(e.counts, len(words))
}

// Replace tells whether the effects stand for the request; if not, the request
// itself is propagated.
func (e *Effects) Replace() bool { return e.replace }

// Len returns the number of commands.
func (e *Effects) Len() int { return len(e.counts) }

// Each calls f with every command in order; the words are valid during the
// call.
func (e *Effects) Each(f func(args [][]byte)) {
	word, from := 0, 0
	for _, n := range e.counts {
		e.scratch = e.scratch[:0]
		for range n {
			end := e.ends[word]
			e.scratch = append(e.scratch, e.words[from:end:end])
			from, word = end, word+1
		}
		f(e.scratch)
	}
}
