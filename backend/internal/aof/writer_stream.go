package aof

import (
	"math"
	"strconv"

	"holdfast/backend/internal/types"
	"holdfast/backend/resp"
)

// stream writes a stream with what it remembers beside its entries: its last
// ID, its counters, its groups and what they wait for (aof.c,
// rewriteStreamObject).
func (w *Writer) stream(key []byte, s types.Stream) {
	info := s.Info()
	all := s.Entries(types.StreamID{}, types.StreamID{Ms: math.MaxUint64, Seq: math.MaxUint64}, false)
	for all.Next() {
		w.buf = resp.AppendArray(w.buf, 3+2*all.Fields)
		for _, word := range [][]byte{[]byte("XADD"), key, idWord(all.ID)} {
			w.buf = resp.AppendBulk(w.buf, word)
		}
		for range all.Fields {
			field, value := all.Pair()
			w.buf = resp.AppendBulk(resp.AppendBulk(w.buf, field), value)
		}
	}
	if info.Length == 0 {
		w.emptyStream(key, info.Last)
	}
	w.command("XSETID", key, idWord(info.Last), []byte("ENTRIESADDED"), number(info.Added), []byte("MAXDELETEDID"), idWord(info.MaxDeleted))
	s.EachGroup(func(g types.Group) bool {
		w.group(key, g)
		return true
	})
}

// emptyStream makes the key by an entry that goes at once. XSETID says
// afterwards what the last ID was.
func (w *Writer) emptyStream(key []byte, last types.StreamID) {
	if last.IsZero() {
		last.Seq = 1
	}
	w.command("XADD", key, []byte("MAXLEN"), []byte("0"), idWord(last), []byte("x"), []byte("y"))
}

func (w *Writer) group(key []byte, g types.Group) {
	name := g.Name()
	w.command("XGROUP", []byte("CREATE"), key, name, idWord(g.LastID()), []byte("ENTRIESREAD"), strconv.AppendInt(nil, g.EntriesRead(), 10))
	g.EachConsumer(func(c types.Consumer) bool {
		w.command("XGROUP", []byte("CREATECONSUMER"), key, name, c.Name())
		return true
	})
	g.EachPending(types.StreamID{}, func(p types.Pending) bool {
		w.command("XCLAIM", key, name, p.Consumer.Name(), []byte("0"), idWord(p.ID),
			[]byte("TIME"), strconv.AppendInt(nil, p.Delivered, 10), []byte("RETRYCOUNT"), number(p.Count), []byte("JUSTID"), []byte("FORCE"))
		return true
	})
}

func number(n uint64) []byte { return strconv.AppendUint(nil, n, 10) }

func idWord(id types.StreamID) []byte { return id.Append(nil) }
