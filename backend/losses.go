package backend

import (
	"errors"
	"fmt"
	"sync/atomic"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/repl"
)

// What a node of a group must discard because the master that it is to follow
// does not have it, it keeps in a file first: dir/lost-<epoch>.aof.
// The master says where in the history its epochs begin, so that both know where
// they part (repl.History.Fork). A node that still runs takes what is behind
// that from its backlog, and a full resync follows; after a restart the
// append-only file has it (stepback.go).

// losses is what the node has given up since it started.
type losses struct {
	writes atomic.Int64 // units that changed data
	acked  atomic.Int64 // of these, those whose replies had left
	file   atomic.Pointer[string]

	answered uint64 // up to here replies had left when it was a master last; under the engine lock
}

func (l *losses) info(b *infoText) {
	b.field("lost_writes_total", l.writes.Load())
	b.field("lost_acked_writes_total", l.acked.Load())
	file := ""
	if name := l.file.Load(); name != nil {
		file = *name
	}
	b.field("lost_file", file)
}

var errHistoryMoved = errors.New("the master's history has changed since it told of it")

// giveUp allows a full resync to replace the data, when what it brings is of
// that epoch and offset, and keeps what the master does not have. In a group only
// newer data may replace any: whatever sends a snapshot, what was
// confirmed here is not wiped by less.
func (n *Node) giveUp(m repl.Master, epoch, offset uint64) error {
	n.mu.Lock()
	own, managed := n.pair(), n.standing.managed
	n.mu.Unlock()
	switch {
	case !managed:
		return nil
	case own.epoch > epoch || own.epoch == epoch && own.offset > offset:
		return errOlderData
	case m.History != nil && m.History.DataEpoch() != epoch:
		return errHistoryMoved // where they part is asked for again
	}
	lost, err := n.tailFromBacklog(m)
	if lost == nil || err != nil {
		return err
	}
	return n.keep(lost)
}

// aboutTail says what of the stream the master of that history does not have;
// nil: nothing, or the data never belonged to a group. The engine lock is held.
func (n *Node) aboutTail(m repl.Master) *aof.LostAbout {
	h, end := n.stream.History(), n.stream.Offset()
	about := &aof.LostAbout{ID: h.ID, Epoch: h.DataEpoch(), To: end, Answered: n.answered(),
		Master: fmt.Sprintf("the master at %s, of epoch %d,", m.Addr, m.Epoch)}
	known := false
	if m.History != nil {
		about.From, known = h.Fork(end, m.History)
	}
	switch {
	case !known && h.DataEpoch() == 0, known && about.From >= end:
		return nil
	case !known:
		about.From = h.Epochs[len(h.Epochs)-1].Start
		about.Missing = "the master's history does not reach back to where this one parts from it, so that some may not be lost, and earlier ones may be"
	}
	return about
}

// answered is the position up to which replies are taken to have left. This process
// knows that of its own. When all it has is from its files it goes by what the stream
// tells: what was confirmed, or needed nobody to confirm it, was answered by whoever
// led then. The engine lock is held.
func (n *Node) answered() uint64 {
	if n.aof.log == nil || n.aof.loaded != n.stream.Offset() {
		return n.losses.answered
	}
	return max(n.losses.answered, n.stream.Told().Allowed(0))
}

// tailFromBacklog gathers what the master does not have; nil: nothing. The stream
// stands still.
func (n *Node) tailFromBacklog(m repl.Master) (*aof.Lost, error) {
	n.mu.Lock()
	about := n.aboutTail(m)
	if about == nil {
		n.mu.Unlock()
		return nil, nil
	}
	tail := n.stream.Tail(about.From)
	n.mu.Unlock()
	if tail == nil {
		about.Missing = "the backlog holds none of them"
		return n.newLost(about, about.To), nil
	}
	defer tail.Close()
	if tail.From > about.From && about.Missing == "" {
		about.Missing = fmt.Sprintf("the backlog holds them from position %d on, %d bytes too late; repl-backlog-size decides how much it holds",
			tail.From, tail.From-about.From)
	}
	lost, at := n.newLost(about, max(tail.From, about.From)), tail.From
	err := aof.Units(tail, tail.DB, func(u *aof.Unit) error {
		if at += uint64(len(u.Raw)); at <= about.From {
			return nil
		}
		return lost.Unit(u)
	})
	if err != nil {
		lost.Drop()
		return nil, fmt.Errorf("cannot keep what the master does not have: %w", err)
	}
	return lost, nil
}

func (n *Node) newLost(about *aof.LostAbout, at uint64) *aof.Lost {
	return aof.NewLost(n.aof.disk, n.cfg().Dir, *about, at)
}

// keep makes the file durable and says what is in it.
func (n *Node) keep(lost *aof.Lost) error {
	name, err := lost.Keep()
	if err != nil {
		return err
	}
	n.losses.writes.Add(int64(lost.Writes))
	n.losses.acked.Add(int64(lost.Acked))
	switch {
	case name == "":
		n.log.Info("What this node has and the master has not changes no data", "from", lost.From, "to", lost.To)
		return nil
	case lost.Missing != "":
		n.log.Error("Writes are given up that the master does not have, and NOT ALL of them could be kept: "+lost.Missing,
			"file", name, "kept", lost.Writes, "epoch", lost.Epoch, "from", lost.From, "to", lost.To)
	default:
		n.log.Warn("Writes are given up that the master does not have; they are kept in a file",
			"file", name, "writes", lost.Writes, "answered", lost.Acked, "epoch", lost.Epoch, "from", lost.From, "to", lost.To)
	}
	n.losses.file.Store(&name)
	return nil
}
