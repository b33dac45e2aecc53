package repl

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// Statement is what one record of a stream says of the stream's own confirmation.
type Statement struct {
	From, End uint64 // positions before and behind the record
	// Confirmed is the position that a master told to be confirmed; 0: the record
	// says something else.
	Confirmed uint64
	// Barrier: a new epoch begins, whose holders are told later.
	Barrier bool
	// Pairs are those that have a say from here on, none when nothing needs to be
	// confirmed; they mean something where Confirmed and Barrier do not.
	Pairs []Holders
}

// Told is what a stream has told, up to where a node has it, of who confirms it and
// how far that has gone: a node that follows knows by it what it may
// show. It is a function of the stream, as the data epoch is, and travels in
// snapshots, but for what concerns the node itself. The rules:
//
//  1. A pair of which the node is a member, and whose N is 1, has confirmed what the
//     node itself has: should the master fail, each of the pair's members has its say
//     about the next one. So has, without a group, any replica.
//  2. Of all other pairs only the master knows what they have confirmed, and tells
//     it: of N nodes it is known then, and stays true, whoever leads later.
//  3. What all pairs that have a say confirm may be shown, and stays so behind a
//     record that gives the say to others: the master begins no change before that
//     record is in the stream, and the change is complete only when the new pair
//     has all that stands before it.
//  4. Behind an epoch record only what was told or shown before is confirmed until
//     the new master's holders are agreed on.
//  5. A node that leads, or has led and was not taken on by a master since, is
//     nobody's replica: it is no member and counts for nothing.
//
// The zero value is a stream of which nothing has to be confirmed. The engine lock
// is held in all methods.
type Told struct {
	self      string // own incarnation
	follows   bool   // rule 5
	pairs     []Holders
	barrier   bool
	confirmed uint64
	shown     uint64 // rule 3

	// Records that tell what is confirmed need no confirmation of their own: once
	// all before a run of them, up to content, is confirmed, so is its end, last.
	content, last uint64
}

// Allowed is the position up to which a node that has the stream up to there may
// show it; own is how much of what it has counts as held: all of it, or what is on
// disk.
func (t *Told) Allowed(own uint64) uint64 {
	allowed := uint64(Everything)
	if t.barrier {
		allowed = 0
	}
	for i := range t.pairs {
		allowed = min(allowed, t.confirmedBy(&t.pairs[i], own))
	}
	return max(allowed, t.confirmed, t.shown)
}

func (t *Told) confirmedBy(h *Holders, own uint64) uint64 {
	switch {
	case h.N == 0:
		return Everything
	case h.N == 1 && t.follows && h.has(t.self):
		return own
	}
	return 0
}

// Needed tells whether anything has to be confirmed.
func (t *Told) Needed() bool { return t.barrier || len(t.pairs) > 0 }

// Confirmed is the last position that was told to be confirmed.
func (t *Told) Confirmed() uint64 { return t.confirmed }

// Says tells whether exactly these pairs have a say.
func (t *Told) Says(pairs []Holders) bool {
	return !t.barrier && slices.EqualFunc(t.pairs, pairs, func(a, b Holders) bool {
		return a.N == b.N && slices.Equal(a.Members, b.Members)
	})
}

// hear takes a record that the stream has behind it; own is as in Allowed.
func (t *Told) hear(s Statement, own uint64) {
	if s.Confirmed > 0 {
		t.content, t.last = t.contentAt(s.From), s.End
		if t.confirmed = max(t.confirmed, s.Confirmed); t.confirmed >= t.content {
			t.confirmed = max(t.confirmed, t.last)
		}
		return
	}
	t.shown = max(t.shown, min(s.From, t.Allowed(own)))
	t.pairs, t.barrier = s.Pairs, s.Barrier
}

// contentAt is the end of all but the records that tell what is confirmed, of a
// stream that ends at end.
func (t *Told) contentAt(end uint64) uint64 {
	if end == t.last {
		return t.content
	}
	return end
}

// String is the form that travels in snapshots.
func (t *Told) String() string {
	b := strconv.AppendUint(nil, t.confirmed, 10)
	if t.barrier {
		return string(append(b, ":barrier"...))
	}
	return string(appendPairs(b, t.pairs))
}

// read takes what String has made. Of text that is not that it takes that nothing is
// known, of none at all that nothing has to be confirmed.
func (t *Told) read(text string) {
	*t = Told{self: t.self, follows: t.follows}
	if text == "" {
		return
	}
	number, rest, _ := strings.Cut(text, ":")
	confirmed, err := strconv.ParseUint(number, 10, 64)
	pairs, ok := parsePairs([]byte(rest))
	t.confirmed, t.pairs, t.barrier = confirmed, pairs, err != nil || !ok
}

// anybody stands for the members of a pair without a group.
const anybody = "*"

// has tells whether a node counts for a pair.
func (h *Holders) has(incarnation string) bool {
	return slices.Contains(h.Members, incarnation) || len(h.Members) == 1 && h.Members[0] == anybody
}

// appendPairs appends :N:member,member… of each pair.
func appendPairs(b []byte, pairs []Holders) []byte {
	for _, h := range pairs {
		b = append(strconv.AppendInt(append(b, ':'), int64(h.N), 10), ':')
		b = append(b, strings.Join(h.Members, ",")...)
	}
	return b
}

func parsePairs(b []byte) (pairs []Holders, ok bool) {
	for len(b) > 0 {
		number, rest, found := bytes.Cut(b, []byte(":"))
		members, rest, _ := bytes.Cut(rest, []byte(":"))
		b = rest
		n, err := strconv.Atoi(string(number))
		if err != nil || n < 0 || !found {
			return nil, false
		}
		h := Holders{N: n}
		if len(members) > 0 {
			h.Members = strings.Split(string(members), ",")
		}
		pairs = append(pairs, h)
	}
	return pairs, true
}
