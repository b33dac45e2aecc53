package repl

import (
	"bytes"
	"strings"
	"testing"

	"holdfast/backend/resp"
)

func words(s string) [][]byte {
	var args [][]byte
	for _, w := range strings.Fields(s) {
		args = append(args, []byte(w))
	}
	return args
}

// contents returns the published bytes behind pos.
func contents(t *testing.T, s *Stream, pos uint64) []byte {
	t.Helper()
	r := s.log.Reader(pos, nil)
	if r == nil {
		t.Fatalf("no reader at %d", pos)
	}
	defer r.Close()
	var all []byte
	for p := r.Next(); len(p) > 0; p = r.Next() {
		all = append(all, p...)
		r.Advance(len(p))
	}
	return all
}

// commands returns the published commands as lines.
func commands(t *testing.T, s *Stream, pos uint64) []string {
	t.Helper()
	var req resp.Requests
	var lines []string
	for buf := contents(t, s, pos); len(buf) > 0; {
		args, n, err := req.Next(buf)
		if err != nil || n == 0 {
			t.Fatalf("after %q: %q does not parse: %v", lines, buf, err)
		}
		lines = append(lines, string(bytes.Join(args, []byte(" "))))
		buf = buf[n:]
	}
	return lines
}

func newStream() *Stream {
	s := NewStream(DefaultBacklog)
	s.Activate()
	return s
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, " | ") != strings.Join(want, " | ") {
		t.Errorf("the stream is\n %q, want\n %q", got, want)
	}
}

func TestStreamSaysTheDatabaseWhenItChanges(t *testing.T) {
	s := newStream()
	s.Append(0, words("set a 1"))
	s.Append(0, words("set b 1"))
	s.Append(2, words("set c 1"))
	s.Ping()
	s.Append(2, words("del c"))
	s.Publish()
	expect(t, commands(t, s, 0), "SELECT 0", "set a 1", "set b 1", "SELECT 2", "set c 1", "PING", "del c")
}

func TestStreamUnits(t *testing.T) {
	s := newStream()
	s.Begin()
	s.End() // nothing changed
	s.Begin()
	s.Add(0, words("set a 1"))
	s.End() // one command needs no MULTI
	s.Begin()
	s.Add(0, words("set a 2"))
	s.Add(1, words("incr b"))
	s.End()
	s.Append(0, words("del a"))
	s.GetAck()
	s.Publish()
	expect(t, commands(t, s, 0), "SELECT 0", "set a 1",
		"MULTI", "set a 2", "SELECT 1", "incr b", "EXEC", "SELECT 0", "del a", "REPLCONF GETACK *")
}

func TestInactiveStreamStandsStill(t *testing.T) {
	s := NewStream(DefaultBacklog)
	s.Append(0, words("set a 1"))
	s.Begin()
	s.Add(0, words("set a 1"))
	s.Add(0, words("set a 1"))
	s.End()
	s.Ping()
	if s.Offset() != 0 {
		t.Fatalf("the position is %d", s.Offset())
	}
	before := s.History().ID
	s.Activate()
	if s.History().ID == before {
		t.Error("the id survived a time that was not recorded")
	}
	at := s.History().ID
	s.Activate()
	if s.History().ID != at {
		t.Error("a second Activate changed the id")
	}
	s.Append(0, words("set a 1"))
	pos := s.Offset()
	s.Deactivate()
	if s.History().ID == at || s.Offset() != pos {
		t.Errorf("after Deactivate: id %s, position %d", s.History().ID, s.Offset())
	}
}

func TestLeadOpensANewHistory(t *testing.T) {
	s := NewStream(DefaultBacklog)
	s.Reset(NewHistory("old", 4, 1000), 1000, 3)
	s.Follow()
	s.Lead()
	end := s.Epoch(5, "run")
	s.Append(3, words("set a 1"))
	s.Publish()
	h := s.History()
	if h.ID2 != "old" || h.Second != 1000 || h.DataEpoch() != 5 {
		t.Errorf("the history is %+v", h)
	}
	if e, _ := h.EpochAt(end - 1); e != 4 {
		t.Errorf("inside the record the epoch is %d", e)
	}
	if e, _ := h.EpochAt(end); e != 5 {
		t.Errorf("behind the record the epoch is %d", e)
	}
	expect(t, commands(t, s, 1000), "PING hf:epoch:5:run", "SELECT 3", "set a 1")
}

func TestContinueTakesTheMastersName(t *testing.T) {
	s := NewStream(DefaultBacklog)
	s.Reset(NewHistory("old", 0, 10), 10, 0)
	if s.Continue("") || s.Continue("old") {
		t.Error("the same name counts as a new one")
	}
	if !s.Continue("new") || s.History().ID != "new" || s.History().ID2 != "old" {
		t.Errorf("after Continue: %+v", s.History())
	}
}

func TestCutMakesAMasterSayTheDatabaseAgain(t *testing.T) {
	s := newStream()
	s.Append(1, words("set a 1"))
	cut := s.Cut()
	if cut.Offset != s.Offset() || cut.ID != s.History().ID || cut.DB != 1 {
		t.Errorf("cut %+v", cut)
	}
	s.Append(1, words("set b 1"))
	s.Publish()
	expect(t, commands(t, s, cut.Offset), "SELECT 1", "set b 1")

	s.Follow() // a replica cannot add a SELECT to its master's bytes
	s.Reset(NewHistory("master", 0, 0), 0, 7)
	if cut := s.Cut(); cut.DB != 7 || s.Position().DB != 7 {
		t.Errorf("a replica's cut is in db %d, its position in %d", cut.DB, s.Position().DB)
	}
}

func TestLargeArguments(t *testing.T) {
	s := NewStream(64 << 10)
	s.Activate()
	r := s.log.Reader(0, nil) // keeps all
	defer r.Close()
	big := bytes.Repeat([]byte("x"), 3<<20)
	mid := bytes.Repeat([]byte("y"), 15<<10)
	args := [][]byte{[]byte("mset"), []byte("a"), big, []byte("b"), mid, []byte("c"), nil}
	s.Append(0, args)
	s.Append(0, words("set d 1"))
	s.Publish()
	want := resp.AppendCommand(nil, "SELECT", "0")
	want = resp.AppendRequest(want, args)
	want = resp.AppendCommand(want, "set", "d", "1")
	if got := contents(t, s, 0); !bytes.Equal(got, want) {
		t.Errorf("%d bytes differ from the expected %d", len(got), len(want))
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	s := newStream()
	for range 3 << 20 / 60 { // until chunks are recycled
		s.Append(0, words("set key value"))
	}
	single, pair := words("set key:000000000001 some-value"), words("hset h f v")
	db := 0
	n := testing.AllocsPerRun(5000, func() {
		db ^= 1
		s.Append(0, single)
		s.Append(db, single)
		s.Begin()
		s.Add(0, pair)
		s.Add(1, single)
		s.End()
		s.Ping()
		s.Publish()
		s.Wake()
	})
	if n != 0 {
		t.Errorf("%v allocations per unit", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	s := newStream()
	args := words("set key:000000000001 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
	b.ReportAllocs()
	for b.Loop() {
		s.Append(0, args)
		s.Publish()
		s.Wake()
	}
}
