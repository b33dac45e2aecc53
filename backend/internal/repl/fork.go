package repl

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Fork is the position up to which the stream that h tells of, which ends at
// pos, is the same as the one that theirs tells of: what is behind it, theirs
// does not have. known is false when the two do not reach back to a common
// epoch. The rules:
//
//  1. An epoch has one master, so its part of the stream is the same wherever
//     it is, as far as it goes. The last epoch that both have decides.
//  2. A part ends where the record of the next epoch begins; the last one ends
//     at pos, or, of theirs, nobody knows where.
//  3. Epoch 0 is no epoch of a group: streams share it only by their name.
func (h *History) Fork(pos uint64, theirs *History) (at uint64, known bool) {
	for i := len(h.Epochs) - 1; i >= 0; i-- {
		epoch := h.Epochs[i].Epoch
		j := slices.IndexFunc(theirs.Epochs, func(m EpochMark) bool { return m.Epoch == epoch })
		if j < 0 {
			continue
		}
		at = min(h.partEnd(i, pos), theirs.partEnd(j, math.MaxUint64))
		switch {
		case epoch > 0, strings.EqualFold(h.ID, theirs.ID):
			return at, true
		case strings.EqualFold(h.ID, theirs.ID2):
			return min(at, theirs.Second), true
		}
	}
	return 0, false
}

// Back is what the history was at a position of it, under a name that another
// has for it up to there; nil where that is not remembered.
func (h *History) Back(id string, pos uint64) *History {
	later := slices.IndexFunc(h.Epochs, func(m EpochMark) bool { return m.Start > pos })
	switch later {
	case 0:
		return nil
	case -1:
		later = len(h.Epochs)
	}
	return &History{ID: id, Epochs: slices.Clone(h.Epochs[:later])}
}

// partEnd is where the part of the epoch in mark i ends; end when it is the
// last.
func (h *History) partEnd(i int, end uint64) uint64 {
	if i+1 < len(h.Epochs) {
		return h.Epochs[i+1].begin()
	}
	return end
}

// begin is where the record of an epoch begins, of a mark that is not the first:
// run ids are all of one length, and so are the records of an epoch.
func (m EpochMark) begin() uint64 {
	payload := len(epochPrefix) + digits(m.Epoch) + len(":") + IDLen
	return m.Start - uint64(len("*2\r\n$4\r\nPING\r\n")+len("$\r\n")+digits(uint64(payload))+payload+len("\r\n"))
}

func digits(n uint64) int { return len(strconv.AppendUint(nil, n, 10)) }

// String is the form in which a master tells its replicas of its history:
//
//	<id>/<second id>/<second offset>/<epoch>@<start>,…
//
// with the epochs rising and all of them that are remembered, so that no line
// of it is longer than a replica reads.
func (h *History) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s/%d/", h.ID, h.SecondID(), h.Second)
	for i, m := range h.Epochs {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d@%d", m.Epoch, m.Start)
	}
	return b.String()
}

// ParseHistory reads what String wrote.
func ParseHistory(text string) (*History, error) {
	wrong := fmt.Errorf("%q is no replication history", text[:min(len(text), 128)])
	parts := strings.Split(text, "/")
	if len(parts) != 4 || len(parts[0]) != IDLen || len(parts[1]) != IDLen {
		return nil, wrong
	}
	h := &History{ID: parts[0], ID2: parts[1]}
	if h.ID2 == NoID {
		h.ID2 = ""
	}
	var err error
	if h.Second, err = strconv.ParseUint(parts[2], 10, 64); err != nil {
		return nil, wrong
	}
	for word := range strings.SplitSeq(parts[3], ",") {
		epoch, start, _ := strings.Cut(word, "@")
		var m EpochMark
		if m.Epoch, err = strconv.ParseUint(epoch, 10, 64); err == nil {
			m.Start, err = strconv.ParseUint(start, 10, 64)
		}
		if n := len(h.Epochs); err != nil || n > 0 && (m.Epoch <= h.Epochs[n-1].Epoch || m.Start <= h.Epochs[n-1].Start) {
			return nil, wrong
		}
		h.Epochs = append(h.Epochs, m)
	}
	return h, nil
}
