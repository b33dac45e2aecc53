package repl

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"holdfast/backend/resp"
)

// begins is a mark of an epoch whose record begins at that position.
func begins(epoch, at uint64) EpochMark {
	s := NewStream(DefaultBacklog)
	s.Reset(NewHistory(NewID(), 0, at), at, 0)
	return EpochMark{Epoch: epoch, Start: s.Epoch(epoch, NewID())}
}

func TestForkIsWhereTheHistoriesPart(t *testing.T) {
	a, b, c := strings.Repeat("a", IDLen), strings.Repeat("b", IDLen), strings.Repeat("c", IDLen)
	five := EpochMark{Epoch: 5, Start: 100}
	cases := []struct {
		name   string
		own    *History
		pos    uint64
		theirs *History
		at     uint64
		known  bool
	}{
		{"it went on in the epoch that was replaced", &History{ID: a, Epochs: []EpochMark{five}}, 500,
			&History{ID: b, ID2: a, Second: 300, Epochs: []EpochMark{five, begins(6, 300)}}, 300, true},
		{"it has nothing past its end", &History{ID: a, Epochs: []EpochMark{five}}, 280,
			&History{ID: b, ID2: a, Second: 300, Epochs: []EpochMark{five, begins(6, 300)}}, 280, true},
		{"it was away for two epochs", &History{ID: a, Epochs: []EpochMark{five}}, 500,
			&History{ID: c, ID2: b, Second: 800, Epochs: []EpochMark{five, begins(6, 300), begins(7, 800)}}, 300, true},
		{"its own epoch was never opened, and went lost", &History{ID: b, ID2: a, Second: 450, Epochs: []EpochMark{five, begins(6, 450)}}, 600,
			&History{ID: c, ID2: a, Second: 300, Epochs: []EpochMark{five, begins(7, 300)}}, 300, true},
		{"the other ended behind where its own epoch begins", &History{ID: b, ID2: a, Second: 300, Epochs: []EpochMark{five, begins(6, 300)}}, 600,
			&History{ID: c, ID2: a, Second: 450, Epochs: []EpochMark{five, begins(7, 450)}}, 300, true},
		{"both are in the same epoch", &History{ID: a, Epochs: []EpochMark{five}}, 500,
			&History{ID: a, Epochs: []EpochMark{five}}, 500, true},
		{"the other's memory begins later", &History{ID: a, Epochs: []EpochMark{five}}, 500,
			&History{ID: b, Epochs: []EpochMark{{6, 700}, begins(7, 800)}}, 0, false},
		{"no epoch, another stream", &History{ID: a, Epochs: []EpochMark{{}}}, 500,
			&History{ID: b, ID2: c, Second: 300, Epochs: []EpochMark{{}, begins(1, 300)}}, 0, false},
		{"no epoch, the stream that was promoted", &History{ID: a, Epochs: []EpochMark{{}}}, 500,
			&History{ID: b, ID2: a, Second: 300, Epochs: []EpochMark{{}, begins(1, 300)}}, 300, true},
		{"no epoch, the same stream", &History{ID: a, Epochs: []EpochMark{{}}}, 500, &History{ID: a, Epochs: []EpochMark{{}}}, 500, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			told, err := ParseHistory(c.theirs.String())
			if err != nil {
				t.Fatal(err)
			}
			if at, known := c.own.Fork(c.pos, told); at != c.at || known != c.known {
				t.Errorf("Fork = %d, %v; want %d, %v", at, known, c.at, c.known)
			}
		})
	}
}

func TestTheRecordOfAnEpochBeginsWhereItSays(t *testing.T) {
	s := NewStream(DefaultBacklog)
	s.Activate()
	for _, epoch := range []uint64{1, 9, 10, 1 << 40, 1<<64 - 1} {
		before := s.Offset()
		s.Epoch(epoch, NewID())
		marks := s.History().Epochs
		if got := marks[len(marks)-1].begin(); got != before {
			t.Errorf("the record of epoch %d is said to begin at %d, and begins at %d", epoch, got, before)
		}
	}
}

func TestALongHistoryFitsALine(t *testing.T) {
	h := &History{ID: NewID(), ID2: NewID(), Second: 1<<64 - 1}
	for i := range uint64(maxEpochs) {
		h.Epochs = append(h.Epochs, EpochMark{1<<63 + i, 1<<63 + i})
	}
	var hello Hello
	line := hello.Replconf(nil, words("REPLCONF holdfast 1 run-id r"), NewID(), h)
	if len(line) > maxLine {
		t.Errorf("%d bytes, of which a replica reads %d", len(line), maxLine)
	}
}

func TestHistoriesThatAreNone(t *testing.T) {
	id := NewID()
	for _, text := range []string{"", "x", id, id + "/" + id + "/1", id + "/" + id + "/x/1@1", id + "/" + id + "/1/", id + "/" + id + "/1/1@",
		id + "/" + id + "/1/2@5,1@9", id + "/" + id + "/1/2@5,3@5", "short/" + id + "/1/1@1"} {
		if h, err := ParseHistory(text); err == nil {
			t.Errorf("%q was taken for %v", text, h)
		}
	}
}

func TestTailBeginsAtAUnit(t *testing.T) {
	s := NewStream(4 * minChunk)
	s.Activate()
	value := strings.Repeat("v", 700)
	ends := map[uint64]int{s.Offset(): noDB} // of units: the database selected there
	for i := range 400 {
		db := i % 3
		s.Append(db, words("SET k "+value))
		s.Publish()
		ends[s.Offset()] = db
	}
	end := s.Offset()
	first, _ := s.Backlog().Window()
	for _, from := range []uint64{0, first, first + 1, (first + end) / 2, end - 1, end} {
		tail := s.Tail(from)
		if tail == nil {
			t.Fatalf("nothing from %d on", from)
		}
		db, isEnd := ends[tail.From]
		if !isEnd || db != tail.DB {
			t.Errorf("from %d: it begins at %d with database %d; a unit ends there: %v, with %d", from, tail.From, tail.DB, isEnd, db)
		}
		if tail.From > from && from >= first+minChunk {
			t.Errorf("from %d: it begins at %d, though the backlog begins at %d", from, tail.From, first)
		}
		text, err := io.ReadAll(tail)
		if err != nil || uint64(len(text)) != end-tail.From {
			t.Errorf("from %d: %d bytes, %v; want %d", from, len(text), err, end-tail.From)
		}
		var req resp.Requests
		for len(text) > 0 {
			_, n, err := req.Next(text)
			if n == 0 || err != nil {
				t.Fatalf("from %d: %d, %v at %.40q", from, n, err, text)
			}
			text = text[n:]
		}
		tail.Close()
	}
}

func TestMarksOfUnitsCostNothing(t *testing.T) {
	s := NewStream(1 << 20)
	s.Activate()
	s.Append(0, words("SET k v"))
	if n := testing.AllocsPerRun(1000, s.Publish); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBack(t *testing.T) {
	id, other := strings.Repeat("a", IDLen), strings.Repeat("b", IDLen)
	h := &History{ID: id, ID2: other, Second: 50, Epochs: []EpochMark{{1, 10}, {2, 60}, {4, 90}}}
	for pos, want := range map[uint64]string{9: "", 10: "1@10", 59: "1@10", 60: "1@10,2@60", 100: "1@10,2@60,4@90"} {
		got := h.Back(other, pos)
		if got == nil != (want == "") {
			t.Errorf("back at %d: %v", pos, got)
		} else if got != nil && got.String() != fmt.Sprintf("%s/%s/0/%s", other, NoID, want) {
			t.Errorf("back at %d: %v, want %s", pos, got, want)
		}
	}
}
