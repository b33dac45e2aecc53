package backend

import "holdfast/backend/internal/repl"

// unit is the part of the replication stream that stands or falls as a whole:
// what one request, one transaction or one script changed.
type unit struct {
	stream *repl.Stream
	depth  int
	from   uint64
	leads  bool // this node's own changes go into the stream; a replica's come from its master
	dirty  bool // something was appended since the stream was published
	shown  footprints
	kept   *keptReplies

	// Of the unit that is open:
	count  int    // commands in it
	asCame bool   // the last of them is a client's request as that came
	author author // the request that it belongs to
}

// begin opens the unit; inner calls belong to the outermost.
func (u *unit) begin() {
	if u.depth++; u.depth == 1 {
		u.from = u.stream.Offset()
		u.open()
	}
}

func (u *unit) open() {
	u.count, u.asCame, u.author = 0, false, author{}
	u.stream.Begin()
}

// add puts a command into the unit.
func (u *unit) add(db int, args [][]byte) {
	if u.leads {
		u.count++
		u.asCame = false
		u.stream.Add(db, args)
	}
}

// addRequest puts a client's request into the unit as it came.
func (u *unit) addRequest(db int, args [][]byte) {
	u.add(db, args)
	u.asCame = true
}

// sign says whose the open unit is. simple is false for a request that stands for others
// (EXEC, a script): what it added as it came is not that request itself.
func (u *unit) sign(a author, simple bool) {
	u.author = a
	u.asCame = u.asCame && simple
}

// alone puts a command into a unit of its own, unless one is open.
func (u *unit) alone(db int, args [][]byte) {
	u.begin()
	u.add(db, args)
	u.end()
}

// cut divides the outermost unit here: what follows stands by itself.
func (u *unit) cut() {
	if u.depth == 1 {
		u.close()
		u.open()
	}
}

// end closes the unit and returns the offset of its end, 0 when it is empty.
func (u *unit) end() uint64 {
	if u.depth--; u.depth > 0 {
		return 0
	}
	u.close()
	end := u.stream.Offset()
	if end != u.from {
		u.dirty = true
		u.shown.land(end)
		return end
	}
	if u.shown.opened > 0 || u.shown.wide { // what is not propagated
		u.shown.land(end)
	}
	return 0
}

// close appends what is in the unit to the stream, with a mark of whose it is if it needs
// one. Where the stream records nothing, the reply is kept here all the same.
func (u *unit) close() {
	if u.count == 0 {
		u.stream.End()
		return
	}
	if mark := u.kept.mark(&u.author, u.count == 1 && u.asCame); mark != nil {
		u.stream.Mark(mark)
	}
	u.stream.End()
	u.kept.ends(&u.author, pair{u.stream.History().DataEpoch(), u.stream.Offset()})
}

// record appends a record to the stream, which is no part of the unit under way.
func (u *unit) record(append func() bool) {
	before := u.stream.Offset()
	if !append() {
		return
	}
	u.dirty = true
	if u.depth > 0 && u.from == before {
		u.from = u.stream.Offset()
	}
}

// landAlone gives a change that no open unit stands for, as one by the expiry of a
// key that nobody asked for, the offset that its own unit ended at.
func (u *unit) landAlone() {
	if u.depth == 0 {
		u.shown.land(u.stream.Offset())
	}
}

// publish shows the appended units to the replicas; before the engine lock is
// released. It reports whether the replicas should be woken afterwards.
func (u *unit) publish() bool {
	if !u.dirty {
		return false
	}
	u.dirty = false
	u.stream.Publish()
	return true
}
