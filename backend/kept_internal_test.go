package backend

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func keep(k *keptReplies, link string, seq, at uint64, reply string) (forgot bool) {
	k.forgot = false
	k.put(&author{link: link, seq: seq, reply: []byte(reply)}, pair{1, at})
	return k.forgot
}

type outcome int

const (
	notExecuted outcome = iota // or changed nothing
	executed
	notKnown
)

// outcome is what a proxy makes of the answer about a link.
func (k *keptReplies) outcome(link string, seq uint64, at pair) (string, outcome) {
	l, known := k.of(link, at)
	if !known {
		return "", notKnown
	}
	if l == nil {
		return "", notExecuted
	}
	reply, what := "", notExecuted
	if seq <= l.from {
		what = notKnown
	}
	l.log.each(func(n uint64, b []byte) {
		if n == seq {
			reply, what = string(b), executed
		}
	})
	return reply, what
}

func (k *keptReplies) is(t *testing.T, link string, seq, at uint64, wantReply string, want outcome) {
	t.Helper()
	if reply, got := k.outcome(link, seq, pair{1, at}); got != want || reply != wantReply {
		t.Errorf("%s %d at %d: %d %q, want %d %q", link, seq, at, got, reply, want, wantReply)
	}
}

func TestKeptReplies(t *testing.T) {
	var k keptReplies
	k.is(t, "a", 1, 0, "", notExecuted)
	keep(&k, "a", 2, 10, "two")
	k.is(t, "a", 1, 0, "", notExecuted)
	k.is(t, "a", 2, 0, "two", executed)
	k.is(t, "a", 3, 0, "", notExecuted)
	keep(&k, "a", 3, 20, "three")
	k.is(t, "a", 2, 0, "two", executed)
	k.is(t, "a", 3, 0, "three", executed)
	keep(&k, "b", 1, 30, "")
	k.is(t, "b", 1, 0, "", executed)

	// Many others push them out, and of what is older nothing is known.
	for i := range keptLinks - 2 {
		if keep(&k, fmt.Sprint("x", i), 1, 40, "x") {
			t.Fatal("forgot something though there is room")
		}
	}
	k.is(t, "c", 1, 0, "", notExecuted)
	if !keep(&k, "y", 1, 50, "y") {
		t.Fatal("does not tell that it forgot")
	}
	k.is(t, "a", 3, 5, "", notKnown)
	k.is(t, "c", 1, 20, "", notKnown)
	k.is(t, "c", 1, 21, "", notExecuted)
	k.is(t, "b", 1, 0, "", executed)
	k.is(t, "b", 2, 0, "", notExecuted)

	var same, blind keptReplies
	same.recall(k.String())
	if same.String() != k.String() || same.bytes != k.bytes {
		t.Error("a copy differs")
	}
	same.is(t, "b", 1, 0, "", executed)
	same.is(t, "c", 1, 20, "", notKnown)
	for i := range keptLinks { // it goes on as the other does
		for _, both := range []*keptReplies{&k, &same} {
			keep(both, fmt.Sprint("x", i), 2, 60, "again")
			keep(both, fmt.Sprint("new", i%7), uint64(i), 60, "new")
		}
	}
	if same.String() != k.String() || same.bytes != k.bytes || same.order.Len() != len(same.links) || k.order.Len() != len(k.links) {
		t.Error("a copy goes on otherwise")
	}
	for _, text := range []string{"", "nonsense", k.String()[:100]} {
		blind.recall(text)
		blind.is(t, "c", 1, 1000, "", notKnown)
	}
	keep(&blind, "z", 1, 60, "z")
	blind.is(t, "c", 1, 60, "", notKnown)
	blind.is(t, "c", 1, 61, "", notExecuted)
}

func TestKeptRepliesAreBounded(t *testing.T) {
	var k keptReplies
	large := strings.Repeat("x", keptLimit)
	for i := range 3 * keptBytes / keptLimit {
		keep(&k, fmt.Sprint(i), 1, uint64(i), large)
	}
	each := len((&replyLog{}).with(1, large))
	if n := keptBytes / each; k.bytes != n*each || len(k.links) != n || k.order.Len() != n {
		t.Errorf("%d bytes of %d links", k.bytes, len(k.links))
	}
	keep(&k, "a", 1, 1, strings.Repeat("x", keptLimit+1))
	k.is(t, "a", 1, 0, "", executed)
	for seq := uint64(2); seq < 100; seq++ {
		keep(&k, "a", seq, 1, large)
	}
	if n := k.links["a"].Value.(*keptLink).log.bytes(); n > keptOfOne || n < keptOfOne-each {
		t.Errorf("%d bytes of one link", n)
	}
}

func (r *replyLog) with(seq uint64, reply string) []byte {
	r.add(seq, []byte(reply))
	return r.live()
}

// Of a link the last replies are there, and it is known of which
// requests that is not so.
func TestLastRepliesOfALink(t *testing.T) {
	var k keptReplies
	keep(&k, "a", 2, 10, "two")
	keep(&k, "a", 5, 20, "")
	k.is(t, "a", 1, 0, "", notExecuted)
	k.is(t, "a", 2, 0, "two", executed)
	k.is(t, "a", 4, 0, "", notExecuted)
	k.is(t, "a", 5, 0, "", executed)
	k.is(t, "a", 6, 0, "", notExecuted)
	for seq := uint64(6); seq < 6+keptEach; seq++ {
		keep(&k, "a", seq, 30, fmt.Sprint(seq))
	}
	k.is(t, "a", 5, 0, "", notKnown)
	k.is(t, "a", 6, 0, "6", executed)
	k.is(t, "a", 5+keptEach, 0, fmt.Sprint(5+keptEach), executed)
	k.is(t, "a", 6+keptEach, 0, "", notExecuted)

	// Forgotten for others, and back again, it does not seem to be new.
	for i := range keptLinks {
		keep(&k, fmt.Sprint("x", i), 1, 40, "x")
	}
	k.is(t, "a", 9000, 30, "", notKnown)
	k.is(t, "a", 9000, 31, "", notExecuted)
	keep(&k, "a", 9000, 50, "back")
	k.is(t, "a", 8999, 31, "", notKnown)
	k.is(t, "a", 9000, 31, "back", executed)
	var same keptReplies
	same.recall(k.String())
	same.is(t, "a", 9000, 31, "back", executed)
	same.is(t, "a", 8999, 31, "", notKnown)
	if same.String() != k.String() || same.bytes != k.bytes {
		t.Error("a copy differs")
	}
}

// Whoever reads the stream has the same table, marks or none.
func TestMarksTellWhoseAUnitIs(t *testing.T) {
	var here, there keptReplies
	at := uint64(0)
	unit := func(link string, seq uint64, asCame bool, reply, wantMark string) {
		t.Helper()
		at++
		a := author{link: link, seq: seq, reply: []byte(reply)}
		mark := slices.Clone(here.mark(&a, asCame))
		if string(mark) != wantMark {
			t.Errorf("%s %d is marked %q, want %q", link, seq, mark, wantMark)
		}
		here.ends(&a, pair{1, at})
		there.executed(mark, []byte(reply), pair{1, at})
		if here.String() != there.String() {
			t.Errorf("%s %d: %q is %q there", link, seq, here.String(), there.String())
		}
		var loaded keptReplies
		loaded.recall(there.String())
		there = loaded
	}
	unit("", 0, true, "+OK\r\n", "")
	unit("a", 3, true, "+OK\r\n", "hf:mark:a:3")
	unit("a", 4, true, ":1\r\n", "")
	unit("a", 6, true, "$1\r\nx\r\n", "hf:mark:a:6")
	unit("a", 7, true, "$-1\r\n", "hf:mark:a:7:$-1\r\n")
	unit("a", 8, true, "_\r\n", "hf:mark:a:8:_\r\n")
	unit("a", 9, false, "+OK\r\n", "hf:mark:a:9:+OK\r\n")
	unit("b", 10, true, "+OK\r\n", "hf:mark:b:10")
	unit("b", 11, true, "+OK\r\n", "")
	unit("", 0, true, "+OK\r\n", "hf:mark:")
	unit("", 0, true, "+OK\r\n", "")
	unit("b", 12, true, "+OK\r\n", "hf:mark:b:12")

	// A replica that was told of no table knows nothing until it hears of one.
	var joined keptReplies
	joined.forget()
	joined.joins()
	joined.executed(nil, []byte("+OK\r\n"), pair{1, 100})
	if len(joined.links) > 0 {
		t.Error("a unit was taken for one of a link that nobody has named")
	}
	if got := joined.mark(&author{}, true); string(got) != "hf:mark:" {
		t.Errorf("a master that does not know whose the last unit was marks its own %q", got)
	}
}
