package repl

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/backend/resp"
)

func encode(lines ...string) []byte {
	var out []byte
	for _, l := range lines {
		out = resp.AppendCommand(out, strings.Fields(l)...)
	}
	return out
}

func newSplitter(base uint64) *splitter {
	return &splitter{maxUnit: 1 << 20, base: base}
}

func (s *splitter) push(p []byte) {
	for len(p) > 0 {
		n := copy(s.space(), p)
		s.filled(n)
		p = p[n:]
	}
}

// show prints a batch's commands as db:args@end.
func show(b *Batch) string {
	if b == nil {
		return "nothing"
	}
	var out []string
	for _, c := range b.Commands {
		line := fmt.Sprintf("%d:%s@%d", c.DB, bytes.Join(c.Args, []byte(" ")), c.End)
		if c.Mark != nil {
			line += " " + string(c.Mark)
		}
		out = append(out, line)
	}
	return strings.Join(out, ", ")
}

func TestSplitterResolvesTheStreamsOwnCommands(t *testing.T) {
	s := newSplitter(1000)
	stream := encode("SELECT 3", "set a 1", "PING", "MULTI", "incr b", "select 4", "incr c", "EXEC",
		"REPLCONF GETACK *", "PING hf:epoch:9:run", "PING hf:mark:x", "SELECT 1", "del a")
	s.push(stream)
	b, err := s.next()
	if err != nil {
		t.Fatal(err)
	}
	at := func(lines ...string) int { return 1000 + len(encode(lines...)) }
	exec := at("SELECT 3", "set a 1", "PING", "MULTI", "incr b", "select 4", "incr c", "EXEC")
	want := fmt.Sprintf("3:set a 1@%d, 3:incr b@%d, 4:incr c@%d, 1:del a@%d hf:mark:x",
		at("SELECT 3", "set a 1"), exec, exec, 1000+len(stream))
	if got := show(b); got != want {
		t.Errorf("the batch is\n %s, want\n %s", got, want)
	}
	if !bytes.Equal(b.Raw, stream) || b.From != 1000 || b.End() != 1000+uint64(len(stream)) || !b.GetAck || b.db != 1 {
		t.Errorf("From %d, End %d, GetAck %v, db %d, Raw equal %v", b.From, b.End(), b.GetAck, b.db, bytes.Equal(b.Raw, stream))
	}
	epoch := uint64(exec + len(encode("REPLCONF GETACK *", "PING hf:epoch:9:run")))
	if len(b.Epochs) != 1 || b.Epochs[0] != (EpochMark{9, epoch}) {
		t.Errorf("epochs %v, want one at %d", b.Epochs, epoch)
	}
}

func TestSplitterHoldsBackHalfUnits(t *testing.T) {
	cases := [][]string{
		{"MULTI", "set a 1", "set b 2", "EXEC"},
		{"PING hf:mark:m", "set a 1"},
		{"PING hf:mark:m", "SELECT 2", "set a 1"},
		{"PING hf:mark:m", "MULTI", "set a 1", "EXEC"},
		{"set a 1"},
	}
	for _, lines := range cases {
		t.Run(strings.Join(lines, " | "), func(t *testing.T) {
			s := newSplitter(0)
			unit := encode(lines...)
			s.push(encode("set before 1"))
			for i, c := range unit {
				b, err := s.next()
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					s.done()
				} else if b != nil {
					t.Fatalf("%d bytes of %d gave %s", i, len(unit), show(b))
				}
				s.push([]byte{c})
			}
			b, err := s.next()
			if err != nil || b == nil || !bytes.Equal(b.Raw, unit) {
				t.Fatalf("the whole unit gave %s, %v", show(b), err)
			}
		})
	}
}

// TestSplitterIsIndifferentToPieces feeds one stream in random pieces and
// compares with the same in one piece.
func TestSplitterIsIndifferentToPieces(t *testing.T) {
	var lines []string
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range 3000 {
		switch rnd.IntN(6) {
		case 0:
			lines = append(lines, fmt.Sprint("SELECT ", rnd.IntN(4)))
		case 1:
			lines = append(lines, "MULTI")
			for range rnd.IntN(5) {
				lines = append(lines, fmt.Sprint("incr k", i), fmt.Sprint("SELECT ", rnd.IntN(4)))
			}
			lines = append(lines, "EXEC")
		case 2:
			lines = append(lines, "PING hf:mark:"+fmt.Sprint(i), fmt.Sprint("set k ", strings.Repeat("v", 1+rnd.IntN(400))))
		case 3:
			lines = append(lines, "PING")
		default:
			lines = append(lines, fmt.Sprint("set k", i, " ", strings.Repeat("w", 1+rnd.IntN(100))))
		}
	}
	stream := encode(lines...)
	whole := newSplitter(0)
	whole.maxUnit = len(stream)
	whole.push(stream)
	b, err := whole.next()
	if err != nil {
		t.Fatal(err)
	}
	want := show(b)
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		limit := 1 << (1 + rnd.IntN(14))
		s := newSplitter(0)
		var got []string
		var raw []byte
		for p := stream; len(p) > 0; {
			n := min(1+rnd.IntN(limit), len(p))
			s.push(p[:n])
			p = p[n:]
			b, err := s.next()
			if err != nil {
				t.Fatal(err)
			}
			if b == nil {
				continue
			}
			if b.From != uint64(len(raw)) {
				t.Fatalf("a batch begins at %d behind %d bytes", b.From, len(raw))
			}
			raw = append(raw, b.Raw...)
			if line := show(b); line != "" {
				got = append(got, line)
			}
			s.done()
		}
		if strings.Join(got, ", ") != want || !bytes.Equal(raw, stream) {
			t.Fatalf("pieces of up to %d bytes gave another result", limit)
		}
	}
}

func TestSplitterRefuses(t *testing.T) {
	cases := []struct{ name, stream, want string }{
		{"garbage", "*x\r\n", "invalid multibulk length"},
		{"an inline command", "FLUSHALL\r\n", "inline"},
		{"EXEC alone", string(encode("EXEC")), "EXEC without MULTI"},
		{"MULTI twice", string(encode("MULTI", "MULTI")), "MULTI inside MULTI"},
		{"a database that is none", string(encode("SELECT x")), "SELECT"},
		{"a unit beyond the bound", "*1\r\n$2000000\r\n" + strings.Repeat("x", 1<<20), "exceeds"},
		{"a block beyond the bound", string(encode("MULTI", "set a "+strings.Repeat("x", 600<<10), "set b "+strings.Repeat("x", 600<<10))), "exceeds"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSplitter(50)
			s.push([]byte(c.stream))
			_, err := s.next()
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "at offset ") {
				t.Errorf("the error is %v, want one with %q and the offset", err, c.want)
			}
		})
	}
}

func TestSplitterToleratesNewlines(t *testing.T) {
	s := newSplitter(0)
	s.push([]byte("\n\r\n"))
	b, err := s.next()
	if err != nil || b == nil || len(b.Commands) != 0 || b.End() != 3 {
		t.Fatalf("%s, %v", show(b), err)
	}
}

func TestRelayKeepsBytesAndPositions(t *testing.T) {
	master, replica := newStream(), NewStream(DefaultBacklog)
	replica.Reset(NewHistory(master.History().ID, 0, 0), 0, 0)
	replica.Follow()
	master.Append(2, words("set a 1"))
	master.Epoch(4, "run")
	master.Append(0, words("set b 1"))
	master.Append(5, words("set c 1"))
	master.Publish()
	s := newSplitter(0)
	s.push(contents(t, master, 0))
	b, err := s.next()
	if err != nil {
		t.Fatal(err)
	}
	replica.Relay(b)
	replica.Publish()
	if !bytes.Equal(contents(t, replica, 0), contents(t, master, 0)) {
		t.Error("the bytes differ")
	}
	if p := replica.Position(); p.Offset != master.Offset() || p.Epoch != 4 || p.DB != 5 {
		t.Errorf("the replica is at %+v", p)
	}
	if r, m := replica.History().Epochs, master.History().Epochs; fmt.Sprint(r) != fmt.Sprint(m) {
		t.Errorf("epochs %v and %v", r, m)
	}
}

func TestSplittingDoesNotAllocate(t *testing.T) {
	s := newSplitter(0)
	stream := encode("MULTI", "set a 1", "set b 2", "EXEC", "set c 3", "PING", "SELECT 2", "del a")
	run := func() {
		n := copy(s.space(), stream)
		s.filled(n)
		if b, err := s.next(); b == nil || err != nil {
			t.Fatal(err)
		}
		s.done()
	}
	run()
	if n := testing.AllocsPerRun(1000, run); n != 0 {
		t.Errorf("%v allocations per batch", n)
	}
}

func FuzzSplitter(f *testing.F) {
	f.Add(encode("MULTI", "set a 1", "EXEC", "PING hf:mark:1", "SELECT 1", "PING hf:epoch:3:r"), 3)
	f.Add([]byte("*2\r\n$4\r\nPING\r\n$8\r\nhf:mark:\r\n\n"), 1)
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		if piece <= 0 {
			return
		}
		s := newSplitter(0)
		var raw []byte
		for p := stream; len(p) > 0; {
			n := min(piece, len(p))
			s.push(p[:n])
			p = p[n:]
			b, err := s.next()
			if err != nil {
				return
			}
			if b != nil {
				for _, c := range b.Commands {
					if c.End <= b.From || c.End > b.End() || len(c.Args) == 0 {
						t.Fatalf("command %q ends at %d in a batch %d–%d", c.Args, c.End, b.From, b.End())
					}
				}
				raw = append(raw, b.Raw...)
				s.done()
			}
		}
		if !bytes.HasPrefix(stream, raw) {
			t.Fatal("the units are not a prefix of the stream")
		}
	})
}
