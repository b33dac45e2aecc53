package backend

import (
	"fmt"
	"strings"
	"testing"
)

func keep(k *keptReplies, link string, seq, at uint64, reply string) bool {
	return k.put(keptReply{link, seq, pair{1, at}, []byte(reply)})
}

func (k *keptReplies) is(t *testing.T, link string, seq, at uint64, wantReply string, want outcome) {
	t.Helper()
	if reply, got := k.outcome(link, seq, pair{1, at}); got != want || string(reply) != wantReply {
		t.Errorf("%s %d at %d: %d %q, want %d %q", link, seq, at, got, reply, want, wantReply)
	}
}

func TestKeptReplies(t *testing.T) {
	var k keptReplies
	k.is(t, "a", 1, 0, "", notExecuted)
	keep(&k, "a", 2, 10, "two")
	k.is(t, "a", 1, 0, "", notKnown)
	k.is(t, "a", 2, 0, "two", executed)
	k.is(t, "a", 3, 0, "", notExecuted)
	keep(&k, "a", 3, 20, "three")
	k.is(t, "a", 2, 0, "", notKnown)
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
	if k.bytes != keptBytes || len(k.links) != keptBytes/keptLimit || k.order.Len() != len(k.links) {
		t.Errorf("%d bytes of %d links", k.bytes, len(k.links))
	}
}
