package latency

import (
	"fmt"
	"time"
)

// Log keeps the commands that took long (slowlog.c). The zero value is empty.
type Log struct {
	entries []Entry // the newest last
	nextID  int64
}

// Entry is one slow command.
type Entry struct {
	ID   int64 // in the order of their coming, from 0; Add sets it
	At   int64 // unix s
	Took time.Duration
	Args []string // as Clip leaves them
	Addr string   // of the client, host:port
	Name string   // that it gave itself
}

// Add notes a command and forgets the oldest ones past most.
func (l *Log) Add(most int, e Entry) {
	e.ID = l.nextID
	l.nextID++
	l.entries = append(l.entries, e)
	l.Trim(most)
}

// Trim forgets the oldest entries past most.
func (l *Log) Trim(most int) {
	if over := len(l.entries) - most; over > 0 {
		clear(l.entries[:over]) // the place stays in use until append moves the rest
		l.entries = l.entries[over:]
	}
}

// Len is how many entries there are.
func (l *Log) Len() int { return len(l.entries) }

// Newest is the entry before which i newer ones came, 0 ≤ i < Len. It is valid
// until the log is changed.
func (l *Log) Newest(i int) *Entry { return &l.entries[len(l.entries)-1-i] }

// Clear forgets all entries; ids go on.
func (l *Log) Clear() { l.entries = nil }

// What is kept of a long request (slowlog.h).
const (
	maxWords = 32
	maxWord  = 128 // bytes
)

// Clip copies what of a request of n words is kept, and says how much is left out.
// word gives each as it may be shown.
func Clip(n int, word func(i int) []byte) []string {
	out := make([]string, 0, min(n, maxWords))
	for i := range n {
		if n > maxWords && i == maxWords-1 {
			return append(out, fmt.Sprintf("... (%d more arguments)", n-i))
		}
		if w := word(i); len(w) > maxWord {
			out = append(out, fmt.Sprintf("%s... (%d more bytes)", w[:maxWord], len(w)-maxWord))
		} else {
			out = append(out, string(w))
		}
	}
	return out
}
