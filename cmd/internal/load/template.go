package load

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"

	"holdfast/backend/resp"
)

// template is a row of commands, encoded once and sent round and round. Only
// the digits of its keys are written anew, which keeps the generator's share of
// the processor small. One connection owns it.
type template struct {
	bytes    []byte
	commands []span
	next     int // the command that is sent next
	rnd      *rand.Rand
	keyspace int64
}

// span is one command of a template.
type span struct {
	start, end int
	keys       []int // where the digits of its random keys begin
}

// newTemplate encodes the ops in turn, depth times round, so that depth
// commands in a row are one slice of bytes wherever they begin, but for the
// end of the row.
func newTemplate(o *Options, seed uint64) *template {
	t := &template{rnd: rand.New(rand.NewPCG(o.Seed, seed)), keyspace: max(o.Keyspace, 1)}
	data := strings.Repeat("x", o.DataSize)
	for i := range len(o.Ops) * o.Pipeline {
		args := slices.Clone(o.Ops[i%len(o.Ops)].args)
		for j := range args {
			args[j] = strings.ReplaceAll(args[j], dataMark, data)
		}
		t.append(args)
	}
	return t
}

func (t *template) append(args []string) {
	s := span{start: len(t.bytes)}
	t.bytes = resp.AppendCommand(t.bytes, args...)
	s.end = len(t.bytes)
	for at := s.start; ; at += keyWidth {
		i := bytes.Index(t.bytes[at:], []byte(keyMark))
		if i < 0 {
			break
		}
		at += i
		s.keys = append(s.keys, at)
	}
	t.commands = append(t.commands, s)
}

// take returns the bytes of the next n commands or, at the end of the row, of
// fewer, and how many they are. The bytes are valid until the next call.
func (t *template) take(n int) ([]byte, int) {
	n = min(n, len(t.commands)-t.next)
	batch := t.commands[t.next : t.next+n]
	t.next = (t.next + n) % len(t.commands)
	for i := range batch {
		for _, at := range batch[i].keys {
			t.writeKey(at)
		}
	}
	return t.bytes[batch[0].start:batch[n-1].end], n
}

func (t *template) writeKey(at int) {
	n := t.rnd.Int64N(t.keyspace)
	for i := at + keyWidth - 1; i >= at; i-- {
		t.bytes[i] = byte('0' + n%10)
		n /= 10
	}
}
