package acl

import (
	"slices"
	"strings"
)

// Context is where a request that was refused came from.
type Context uint8

// The contexts of ACL LOG.
const (
	TopLevel Context = iota
	InScript
	InMulti
)

// String returns the word of ACL LOG.
func (c Context) String() string { return [...]string{"toplevel", "lua", "multi"}[c] }

// Entry is one line of the log: a refusal, and those like it that followed. Times
// are in unix milliseconds.
type Entry struct {
	ID      int64 // never given twice by one Log
	Count   int64
	Reason  Reason
	Context Context
	Object  string // the command, the key or the channel; of a failed login the command that tried
	User    string
	Client  string // its line of CLIENT LIST, when it was refused last
	Created int64
	Updated int64
}

// Log keeps what was refused, newest first. The zero value is empty. One goroutine
// at a time may use it.
type Log struct {
	entries []Entry
	nextID  int64
}

const (
	sameWithin = 60_000 // ms after which a like refusal is an entry of its own
	sameAmong  = 10     // newest entries that are looked through for a like one
	mostText   = 1024   // bytes kept of an object or a user's name, which whoever is refused chooses
)

// Add notes a refusal, of which Reason, Context, Object, User, Client and Created
// are given, and keeps at most the newest max entries.
func (l *Log) Add(e Entry, max int) {
	e.Count, e.Updated, e.ID = 1, e.Created, l.nextID
	e.Object, e.User = clip(e.Object), clip(e.User)
	recent := l.entries[:min(len(l.entries), sameAmong)]
	if i := slices.IndexFunc(recent, e.like); i >= 0 {
		old := l.entries[i]
		l.entries = slices.Delete(l.entries, i, i+1)
		e.ID, e.Created, e.Count = old.ID, old.Created, old.Count+1
	} else {
		l.nextID++
	}
	l.entries = slices.Insert(l.entries, 0, e)
	if len(l.entries) > max {
		l.entries = slices.Delete(l.entries, max, len(l.entries))
	}
}

// clip copies the beginning of a text, so that the rest need not be kept.
func clip(s string) string { return strings.Clone(s[:min(len(s), mostText)]) }

// like tells whether two refusals are counted as one.
func (e *Entry) like(old Entry) bool {
	apart := e.Updated - old.Updated
	return e.Reason == old.Reason && e.Context == old.Context && e.Object == old.Object && e.User == old.User &&
		max(apart, -apart) <= sameWithin
}

// Newest returns up to n entries, the newest first. They are valid until the next
// Add.
func (l *Log) Newest(n int) []Entry { return l.entries[:max(0, min(n, len(l.entries)))] }

// Reset forgets all entries. IDs go on.
func (l *Log) Reset() { l.entries = nil }
