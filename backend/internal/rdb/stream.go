package rdb

import (
	"encoding/binary"

	"holdfast/backend/internal/types"
)

// stream writes the form of version 10, which does not hold when consumers were last
// active: whoever reads it takes the time they were seen.
func (w *Writer) stream(s types.Stream) (byte, error) {
	nodes, _ := s.Nodes()
	w.length(uint64(nodes))
	s.EachNode(func(master types.StreamID, listpack []byte) bool {
		w.length(types.StreamIDSize)
		w.buf = master.AppendRaw(w.buf)
		w.blob(listpack)
		return true
	})
	info := s.Info()
	w.length(info.Length)
	w.streamID(info.Last)
	w.streamID(info.First)
	w.streamID(info.MaxDeleted)
	w.length(info.Added)
	w.length(uint64(s.Groups()))
	s.EachGroup(func(g types.Group) bool {
		w.group(g)
		return true
	})
	return typeStream2, nil
}

func (w *Writer) streamID(id types.StreamID) {
	w.length(id.Ms)
	w.length(id.Seq)
}

// group writes all that is pending first, and then for each consumer the IDs alone.
func (w *Writer) group(g types.Group) {
	w.text(g.Name())
	w.streamID(g.LastID())
	w.length(uint64(g.EntriesRead()))
	w.length(uint64(g.Pending()))
	g.EachPending(types.StreamID{}, func(p types.Pending) bool {
		w.buf = p.ID.AppendRaw(w.buf)
		w.milliseconds(p.Delivered)
		w.length(p.Count)
		return true
	})
	w.length(uint64(g.Consumers()))
	g.EachConsumer(func(c types.Consumer) bool {
		w.text(c.Name())
		w.milliseconds(c.Seen())
		w.length(uint64(c.Pending()))
		c.EachPending(types.StreamID{}, func(id types.StreamID) bool {
			w.buf = id.AppendRaw(w.buf)
			return true
		})
		return true
	})
}

func (w *Writer) milliseconds(ms int64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(ms))
}
