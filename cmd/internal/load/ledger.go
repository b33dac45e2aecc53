package load

import (
	"fmt"
	"strings"
)

// Outcome is what a client knows of one of its writes.
type Outcome byte

// The outcomes. What a ledger demands at the end: an acknowledged write is
// there once, a refused one is not there, an unknown one at most once.
const (
	Unknown      Outcome = iota // no reply, or one that says nobody knows
	Acknowledged                // the server said that it took effect
	Refused                     // the server said that it did not
)

// outcomeOf judges the reply to a write. Holdfast's -UNKNOWN and -NOACKS leave
// it open, -APPLIED says that the write stands and only its reply is lost, and
// any other error means that the command did not run.
func outcomeOf(reply []byte) Outcome {
	if reply[0] != '-' {
		return Acknowledged
	}
	switch Kind(reply) {
	case "UNKNOWN outcome", "UNKNOWN", "NOACKS", "EXECABORT":
		return Unknown
	case "APPLIED":
		return Acknowledged
	}
	return Refused
}

// ledger is what one client remembers of its writes: elements pushed to a list
// of its own, increments of a counter of its own, and versions set in a string
// of its own.
type ledger struct {
	client   int
	elements []Outcome // by element number, in the order of sending
	counter  struct{ acknowledged, unknown, last int64 }
	version  struct{ sent, acknowledged, seen int64 }
	stale    int64 // reads that missed an own acknowledged write or went back in time
	backward int64 // increments whose reply was not above an earlier one
}

// incremented notes the outcome of an INCR and, when acknowledged, its reply.
func (l *ledger) incremented(o Outcome, value int64) {
	switch o {
	case Unknown:
		l.counter.unknown++
	case Acknowledged:
		l.counter.acknowledged++
		if value > 0 && value <= l.counter.last {
			l.backward++
		}
		l.counter.last = max(l.counter.last, value)
	}
}

// versionSet notes the outcome of a SET of version n.
func (l *ledger) versionSet(o Outcome, n int64) {
	if o == Acknowledged {
		l.version.acknowledged = n
		l.version.seen = n
	}
}

// versionRead notes what a GET of the client's own version showed.
func (l *ledger) versionRead(n int64) {
	if n < l.version.seen {
		l.stale++
		return
	}
	l.version.seen = n
}

// Audit is what reading everything back showed.
type Audit struct {
	Acknowledged   int64 // writes with a unique effect that were acknowledged
	Lost           int64 // … and are not there
	Doubled        int64 // took effect more than once
	Unknown        int64 // whose outcome the client was not told
	UnknownApplied int64 // … and are there
	RefusedApplied int64 // were refused and are there all the same
	Reordered      int64 // stand before one the same client sent earlier
	Stale          int64 // reads that missed the client's own writes, or went back
	Examples       []string
}

// maxExamples bounds the findings that are spelled out.
const maxExamples = 10

// Clean tells whether every promise was kept.
func (a *Audit) Clean() bool {
	return a.Lost+a.Doubled+a.RefusedApplied+a.Reordered+a.Stale == 0
}

func (a *Audit) String() string {
	s := fmt.Sprintf("%d acknowledged: %d lost, %d doubled; %d unknown: %d applied; %d refused but applied, %d out of order, %d stale reads",
		a.Acknowledged, a.Lost, a.Doubled, a.Unknown, a.UnknownApplied, a.RefusedApplied, a.Reordered, a.Stale)
	if len(a.Examples) > 0 {
		s += "\n  " + strings.Join(a.Examples, "\n  ")
	}
	return s
}

// count adds one finding to *n and keeps an example of it.
func (a *Audit) count(n *int64, format string, args ...any) {
	*n++
	if len(a.Examples) < maxExamples {
		a.Examples = append(a.Examples, fmt.Sprintf(format, args...))
	}
}

// judge compares a client's ledger with the list and the counter that were read
// back and adds what it finds.
func (a *Audit) judge(l *ledger, list []int, counter int64) {
	a.judgeList(l, list)
	a.judgeCounter(l, counter)
	a.Stale += l.stale
	if l.backward > 0 {
		a.Doubled += l.backward
		a.count(new(int64), "client %d: %d increments answered a value that was answered before", l.client, l.backward)
	}
}

func (a *Audit) judgeList(l *ledger, list []int) {
	times := make([]int, len(l.elements))
	highest := -1
	for _, e := range list {
		if e < 0 || e >= len(times) {
			a.count(&a.Doubled, "client %d: the list holds %d, which was never sent", l.client, e)
			continue
		}
		times[e]++
		if e < highest && times[e] == 1 {
			a.count(&a.Reordered, "client %d: element %d stands behind %d", l.client, e, highest)
		}
		highest = max(highest, e)
	}
	for e, o := range l.elements {
		a.judgeElement(l.client, e, o, times[e])
	}
}

func (a *Audit) judgeElement(client, e int, o Outcome, times int) {
	if times > 1 {
		a.count(&a.Doubled, "client %d: element %d is there %d times", client, e, times)
	}
	switch {
	case o == Acknowledged:
		a.Acknowledged++
		if times == 0 {
			a.count(&a.Lost, "client %d: element %d was acknowledged and is not there", client, e)
		}
	case o == Unknown:
		a.Unknown++
		if times > 0 {
			a.UnknownApplied++
		}
	case times > 0:
		a.count(&a.RefusedApplied, "client %d: element %d was refused and is there", client, e)
	}
}

func (a *Audit) judgeCounter(l *ledger, counter int64) {
	least := l.counter.acknowledged
	most := least + l.counter.unknown
	a.Acknowledged += least
	a.Unknown += l.counter.unknown
	switch {
	case counter < least:
		a.Lost += least - counter - 1
		a.count(&a.Lost, "client %d: the counter is %d after %d acknowledged increments", l.client, counter, least)
	case counter > most:
		a.Doubled += counter - most - 1
		a.count(&a.Doubled, "client %d: the counter is %d after at most %d increments", l.client, counter, most)
	}
	a.UnknownApplied += min(max(counter-least, 0), l.counter.unknown)
}
