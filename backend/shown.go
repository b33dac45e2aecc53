package backend

import (
	"hash/crc32"

	"holdfast/backend/command"
	"holdfast/backend/internal/repl"
)

// footprints say behind which offset of the stream each key was changed last,
// so that no reply shows what could still be rolled back: a value, an absence,
// an error about a type. The rules:
//
//  1. A reply waits until the last changes of all keys it shows are confirmed.
//     Keys share slots: one may wait for another's change, never for too little.
//  2. A change belongs to the unit under way, whose end is known when it ends.
//  3. While nothing has to be confirmed no slot is kept, only the floor rises, on
//     which all slots stand: confirmations may be asked for at any time, also
//     between two batches or within one.
//  4. What was confirmed once in a term stays shown, though confirmations fall
//     when holders change or a replica leaves: the pair that confirmed it counts
//     until the next one has it too.
//  5. A promoted master's inheritance is one change, that of its epoch record.
//  6. A replica keeps them too, of its master's units, unless it is known to have
//     nothing that is not confirmed (repl.Told). A master that is replaced goes on
//     with its own until its data were replaced: what was not confirmed before is
//     not shown by it before its new master tells that it is.
//
// The engine lock is held in all methods. None of them allocates.
type footprints struct {
	at      [slots]uint64
	floor   uint64
	latest  uint64 // of any key
	settled uint64 // what was confirmed in this term

	kept   bool        // slots are kept: as of the last batch, confirmations are asked for
	open   [256]uint16 // slots that the open unit changed
	opened int
	wide   bool // it changed more than that
}

const slots = 4096

var castagnoli = crc32.MakeTable(crc32.Castagnoli) // which processors have an instruction for

// slotOf is the slot of a key of a database.
func slotOf(db int, key []byte) uint16 {
	const spread = 2654435761 // databases that hold the same keys share no slots
	return uint16((crc32.Checksum(key, castagnoli) + uint32(db)*spread) % slots)
}

// touch notes that the open unit changes a key.
func (f *footprints) touch(db int, key []byte) {
	if !f.kept || f.opened == len(f.open) {
		f.wide = true
		return
	}
	f.open[f.opened] = slotOf(db, key)
	f.opened++
}

// land gives the changes of the open unit their offset.
func (f *footprints) land(end uint64) {
	f.latest = max(f.latest, end)
	if f.wide {
		f.floor, f.wide = max(f.floor, end), false
	}
	if f.opened > 0 {
		f.landSlots(end)
	}
}

func (f *footprints) landSlots(end uint64) {
	for _, slot := range f.open[:f.opened] {
		f.at[slot] = max(f.at[slot], end)
	}
	f.opened = 0
}

// settle notes that replies up to an offset may leave.
func (f *footprints) settle(confirmed uint64) { f.settled = max(f.settled, min(confirmed, f.latest)) }

// settleShown notes what may be shown from now on: what is confirmed and, with
// appendfsync always, on disk.
func (n *Node) settleShown() {
	upTo := min(n.confirmedOnce(), n.horizon.Gate())
	n.unit.shown.settle(upTo)
	n.unit.shown.kept = upTo != repl.Everything
}

// confirmedOnce is the offset up to which replicas have confirmed, now or before in
// this term or, of a node that is no master, up to which it may show its data.
func (n *Node) confirmedOnce() uint64 {
	if n.standing.role != roleMaster {
		return n.sight.Load()
	}
	return max(n.confirm.Confirmed(), n.confirm.Reached())
}

// pending tells whether there is any change past an offset that a reply might
// have to wait for.
func (f *footprints) pending(past uint64) bool { return f.latest > f.settled && f.latest > past }

// of is the offset that a reply which shows a key waits for.
func (f *footprints) of(db int, key []byte) uint64 { return max(f.at[slotOf(db, key)], f.floor) }

// inherit begins a master's term with all it has being unconfirmed up to end; with
// acks 0 nothing is promised about it.
func (f *footprints) inherit(end uint64, acks int) {
	if acks == 0 {
		end = 0
	}
	*f = footprints{floor: end, latest: end}
}

// scope is which state a command's reply shows.
type scope uint8

const (
	showsNothing scope = iota // the session's, the node's or somebody's message
	showsKeys                 // of the keys that the request names
	showsAll                  // of any key
)

// scopeOf finds what a command's replies show. Those of EXEC are up to what it
// runs.
func scopeOf(c *command.Command) scope {
	switch c.Full {
	case "eval", "evalsha", "fcall", "eval_ro", "evalsha_ro", "fcall_ro", // a script asks for what it likes
		"copy", "move", // they name a key of another database
		"sort", "sort_ro", // BY and GET ask for keys that are not named
		"migrate",
		"function|list", "function|dump":
		return showsAll
	case "watch", "lolwut":
		return showsNothing // what WATCH finds is told by EXEC
	}
	switch {
	case c.HasKeys():
		return showsKeys
	case c.Flags&(command.ReadOnly|command.Write) != 0:
		return showsAll
	}
	return showsNothing
}

// shownBy is the offset that the reply to a request on database db waits for,
// besides that of the request's own changes; 0: none.
func (n *Node) shownBy(db int, h *handler, args [][]byte) uint64 {
	f := &n.unit.shown
	gate := uint64(0)
	switch h.shows {
	case showsAll:
		gate = f.latest
	case showsKeys:
		h.cmd.Keys(args, func(i int, _ command.KeyFlags) { gate = max(gate, f.of(db, args[i])) })
	}
	return f.unsettled(gate)
}

// unsettled is an offset, or 0 when it was confirmed before.
func (f *footprints) unsettled(offset uint64) uint64 {
	if offset <= f.settled {
		return 0
	}
	return offset
}

// shows has the replies of the batch wait for what this one shows.
func (s *session) shows(h *handler, args [][]byte) {
	s.batch.gate = max(s.batch.gate, s.node.shownBy(s.db, h, args))
}

// showsAll is shows for what depends on any key.
func (s *session) showsAll() {
	f := &s.node.unit.shown
	s.batch.gate = max(s.batch.gate, f.unsettled(f.latest))
}

// shown is the offset that the answer to a client which waited in vain waits for:
// it says that the keys were not there. The engine lock is held.
func (w *waiter) shown(n *Node) (gate uint64) {
	for _, k := range w.keys {
		gate = max(gate, n.unit.shown.of(k.db, []byte(k.key)))
	}
	return n.unit.shown.unsettled(gate)
}

// leaveFootprints notes a change of all keys.
func (n *Node) leaveFootprints() {
	if n.applying || n.unit.leads {
		n.unit.shown.wide = true
	}
	if !n.applying && n.unit.leads {
		n.unit.landAlone()
	}
}

// dropFootprints ends the time in which a master that was replaced has something
// that it must not show. Replies about it that still wait are never sent.
func (n *Node) dropFootprints() {
	if f := &n.unit.shown; f.latest > 0 {
		*f = footprints{}
		n.dropHeld()
	}
}
