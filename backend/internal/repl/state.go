package repl

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// IDLen is the length of a replication id or a run id: 40 hex digits.
const IDLen = 40

// NoID is how Redis prints a second replication id that does not exist.
const NoID = "0000000000000000000000000000000000000000"

// maxPosition bounds the position that a snapshot may stand at. Redis's offsets are
// signed: a history that began beyond would soon have none that it could ask for.
const maxPosition = 1 << 62

// maxEpochs bounds how many past epochs a History remembers. A replica that
// comes from further back is outside any backlog.
const maxEpochs = 64

// NewID returns a random replication id.
func NewID() string {
	var b [IDLen / 2]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// History says what a node's data is the result of: the stream named ID up to
// the node's position. It is immutable; changes make a new one.
type History struct {
	ID     string
	ID2    string      // the stream's former name, "" without one
	Second uint64      // up to here the streams ID2 and ID are the same
	Epochs []EpochMark // rising in both fields, never empty; the last is the data epoch
}

// EpochMark says that from Start on, the end of its record, the stream belongs
// to Epoch.
type EpochMark struct {
	Epoch uint64
	Start uint64
}

// NewHistory is the history named id of data that has data epoch epoch at
// position pos, about whose earlier epochs nothing is known.
func NewHistory(id string, epoch, pos uint64) *History {
	return &History{ID: id, Epochs: []EpochMark{{Epoch: epoch, Start: pos}}}
}

// DataEpoch is the number of the last epoch record in the history.
func (h *History) DataEpoch() uint64 { return h.Epochs[len(h.Epochs)-1].Epoch }

// EpochAt returns the data epoch that the history had at pos; false when that
// is not remembered.
func (h *History) EpochAt(pos uint64) (uint64, bool) {
	for i := len(h.Epochs) - 1; i >= 0; i-- {
		if h.Epochs[i].Start <= pos {
			return h.Epochs[i].Epoch, true
		}
	}
	return 0, false
}

// SecondOffset is second_repl_offset as Redis prints it: the first byte that
// ID2 does not share, or -1.
func (h *History) SecondOffset() int64 {
	if h.ID2 == "" {
		return -1
	}
	return int64(h.Second) + 1
}

// SecondID is master_replid2 as Redis prints it.
func (h *History) SecondID() string {
	if h.ID2 == "" {
		return NoID
	}
	return h.ID2
}

// shift gives the stream the new name id from pos on (replication.c,
// shiftReplicationId): replicas of the old name may continue from up to pos.
func (h *History) shift(id string, pos uint64) *History {
	return &History{ID: id, ID2: h.ID, Second: pos, Epochs: h.Epochs}
}

// enter adds an epoch record whose end is pos.
func (h *History) enter(epoch, pos uint64) *History {
	epochs := h.Epochs
	if len(epochs) >= maxEpochs {
		epochs = epochs[1:]
	}
	next := *h
	next.Epochs = append(append(make([]EpochMark, 0, len(epochs)+1), epochs...),
		EpochMark{Epoch: epoch, Start: pos})
	return &next
}

// Request is what a replica asks for in PSYNC, with what it said before.
type Request struct {
	ID     string // "?" or "": only a full resync
	Pos    uint64 // the replica has the stream up to here: Redis's offset − 1
	Native bool   // it said REPLCONF holdfast, so Epoch counts
	Epoch  uint64 // its data epoch
}

// Match decides whether the replica may continue from q.Pos, given the
// positions first and end of the backlog's window. Otherwise why says, for the
// log, what stands against it.
//
//  1. The replica's history must be ours up to q.Pos: it has our ID, or our
//     former one and nothing past the point where we left it.
//  2. The bytes behind q.Pos must still be there, and q.Pos be no future.
//  3. A native replica's data epoch must be the one that our history has at
//     q.Pos. Ids alone do not tell: a master that came back with its old id
//     may have written past the point where its successor took over.
func (h *History) Match(q Request, first, end uint64) (ok bool, why string) {
	switch {
	case q.ID == "" || q.ID == "?":
		return false, "Full resync requested"
	case strings.EqualFold(q.ID, h.ID):
	case h.ID2 == "" || !strings.EqualFold(q.ID, h.ID2):
		return false, fmt.Sprintf("Replication ID mismatch (Replica asked for '%s', my replication IDs are '%s' and '%s')",
			q.ID, h.ID, h.SecondID())
	case q.Pos > h.Second:
		return false, fmt.Sprintf("Requested offset for second ID was %d, but I can reply up to %d",
			q.Pos+1, h.SecondOffset())
	}
	switch {
	case q.Pos > end:
		return false, fmt.Sprintf("the requested offset %d is greater than the master replication offset %d", q.Pos+1, end)
	case q.Pos < first:
		return false, fmt.Sprintf("lack of backlog (Replica request was: %d, the backlog begins at %d)", q.Pos+1, first+1)
	}
	if q.Native {
		if epoch, known := h.EpochAt(q.Pos); !known || epoch != q.Epoch {
			return false, fmt.Sprintf("Data epoch mismatch (Replica has epoch %d at offset %d, my history has epoch %d there)",
				q.Epoch, q.Pos, epoch)
		}
	}
	return true, ""
}
