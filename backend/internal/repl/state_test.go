package repl

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	idA, idB, idC := strings.Repeat("a", IDLen), strings.Repeat("b", IDLen), strings.Repeat("c", IDLen)
	// The stream was A up to 500, is B since, entered epoch 3 at 100 and 4 at
	// 530; the backlog holds 50–900.
	h := &History{ID: idB, ID2: idA, Second: 500, Epochs: []EpochMark{{0, 0}, {3, 100}, {4, 530}}}
	cases := []struct {
		name string
		q    Request
		why  string // a part of it; "" means it may continue
	}{
		{"plain, current id, at the end", Request{ID: idB, Pos: 900}, ""},
		{"plain, current id, at the beginning", Request{ID: idB, Pos: 50}, ""},
		{"id in upper case", Request{ID: strings.ToUpper(idB), Pos: 60}, ""},
		{"before the backlog", Request{ID: idB, Pos: 49}, "lack of backlog"},
		{"from the future", Request{ID: idB, Pos: 901}, "greater than the master"},
		{"asks for everything", Request{ID: "?"}, "Full resync requested"},
		{"asks for nothing", Request{}, "Full resync requested"},
		{"unknown id", Request{ID: idC, Pos: 60}, "ID mismatch"},
		{"former id up to the change", Request{ID: idA, Pos: 500}, ""},
		{"former id past the change", Request{ID: idA, Pos: 501}, "second ID was 502, but I can reply up to 501"},
		{"native, epoch of that position", Request{ID: idB, Pos: 700, Native: true, Epoch: 4}, ""},
		{"native, at the record's end", Request{ID: idB, Pos: 530, Native: true, Epoch: 4}, ""},
		{"native, before the record", Request{ID: idB, Pos: 529, Native: true, Epoch: 3}, ""},
		{"native, former id", Request{ID: idA, Pos: 99, Native: true, Epoch: 0}, ""},
		{"native, went on in the old epoch", Request{ID: idB, Pos: 700, Native: true, Epoch: 3}, "epoch mismatch"},
		{"native, epoch from the future", Request{ID: idB, Pos: 700, Native: true, Epoch: 9}, "epoch mismatch"},
		{"native, without the epochs", Request{ID: idB, Pos: 700, Native: true}, "epoch mismatch"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ok, why := h.Match(c.q, 50, 900)
			if ok != (c.why == "") || !strings.Contains(why, c.why) {
				t.Errorf("Match = %v, %q; want %q", ok, why, c.why)
			}
		})
	}
}

func TestMatchWithoutSecondID(t *testing.T) {
	h := NewHistory(NewID(), 0, 0)
	if ok, _ := h.Match(Request{ID: NoID, Pos: 0}, 0, 0); ok {
		t.Error("the id of nothing matches a history without a former id")
	}
	if h.SecondOffset() != -1 || h.SecondID() != NoID {
		t.Errorf("second id prints as %s %d", h.SecondID(), h.SecondOffset())
	}
}

func TestEpochsAreBoundedAndForgetTheOldest(t *testing.T) {
	h := NewHistory(NewID(), 0, 0)
	for e := uint64(1); e <= 3*maxEpochs; e++ {
		h = h.enter(e, e*100)
	}
	if len(h.Epochs) != maxEpochs || h.DataEpoch() != 3*maxEpochs {
		t.Fatalf("%d marks, data epoch %d", len(h.Epochs), h.DataEpoch())
	}
	if _, known := h.EpochAt(50); known {
		t.Error("the epoch of a forgotten position is known")
	}
	if e, _ := h.EpochAt(3*maxEpochs*100 - 1); e != 3*maxEpochs-1 {
		t.Errorf("epoch just before the last record is %d", e)
	}
}

func TestShiftKeepsEpochsAndSharesThePast(t *testing.T) {
	h := NewHistory("one", 2, 10).enter(3, 40)
	g := h.shift("two", 55)
	if g.ID != "two" || g.ID2 != "one" || g.SecondOffset() != 56 || g.DataEpoch() != 3 {
		t.Errorf("after the shift: %+v", g)
	}
}

func TestNewIDsDiffer(t *testing.T) {
	a, b := NewID(), NewID()
	if len(a) != IDLen || a == b {
		t.Errorf("ids %q and %q", a, b)
	}
}

func TestEpochPayload(t *testing.T) {
	p := AppendEpochPayload(nil, 17, "run")
	epoch, runID, ok := ParseEpochPayload(p)
	if !ok || epoch != 17 || string(runID) != "run" {
		t.Fatalf("%q reads as %d %q %v", p, epoch, runID, ok)
	}
	for _, bad := range []string{"", "hf:epoch:", "hf:epoch:x:run", "hf:epoch:5", "hf:epoch:-1:r", "hf:mark:1", "hello"} {
		if _, _, ok := ParseEpochPayload([]byte(bad)); ok {
			t.Errorf("%q reads as an epoch record", bad)
		}
	}
}
