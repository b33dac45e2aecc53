package repl

import (
	"strconv"
	"sync/atomic"

	"holdfast/backend/resp"
)

// DefaultBacklog is repl-backlog-size's default, bytes.
const DefaultBacklog = 1 << 20

// noDB makes the next command say which database it means.
const noDB = -1

// Stream is a node's replication history and its recent bytes. A master
// appends units of its own; a replica relays its master's bytes verbatim, so
// positions mean the same along a chain.
//
// Every method that changes it, and Position, is called under the engine lock.
// History, Published and Wake are safe anywhere. None of the append methods
// allocates, but for new backlog chunks.
type Stream struct {
	log    *Backlog
	hist   atomic.Pointer[History]
	active atomic.Bool
	relays bool   // follows a master: db is the master's, SELECT is not ours to add
	db     int    // selected in the stream by what was appended last; noDB: unknown
	unit   []byte // the commands of the unit under construction
	count  int    // how many
	told   Told
	own    func() uint64 // how much of what a replica has counts as held
	moved  func(replaced bool)
}

// NewStream returns an inactive stream: it keeps nothing and its position
// stands still, which costs a node without replicas nothing. size is
// repl-backlog-size in bytes.
func NewStream(size uint64) *Stream {
	s := &Stream{log: NewBacklog(size, 0), db: noDB, moved: func(bool) {}, own: func() uint64 { return Everything }}
	s.log.mark(noDB)
	s.hist.Store(NewHistory(NewID(), 0, 0))
	return s
}

// OnMoved has f called, under the engine lock, when the history was replaced, or
// got another name at the present offset.
func (s *Stream) OnMoved(f func(replaced bool)) { s.moved = f }

// Counts says under which incarnation the node may be a holder, and has own asked,
// under the engine lock, how much of what it has counts as held.
func (s *Stream) Counts(incarnation string, own func() uint64) { s.told.self, s.own = incarnation, own }

// Told is what the stream tells of its own confirmation.
func (s *Stream) Told() *Told { return &s.told }

// Allowed is the position up to which a node that does not lead may show its data.
func (s *Stream) Allowed() uint64 { return s.told.Allowed(s.own()) }

// Recall takes over what a snapshot says of its stream's confirmation; behind
// Reset. joined says that it came from a master, whose replica the node is thereby.
func (s *Stream) Recall(told string, joined bool) {
	s.told.read(told)
	s.told.follows = joined
}

// Activate makes the stream record from now on. What was not recorded cannot
// be continued from, so it gets a new id (syncCommand does the same when it
// creates the backlog). It does nothing on an active stream.
func (s *Stream) Activate() {
	if s.active.Load() {
		return
	}
	s.Reset(NewHistory(NewID(), s.hist.Load().DataEpoch(), s.log.Written()), s.log.Written(), noDB)
}

// Deactivate ends the recording (repl-backlog-ttl) and forgets the backlog.
func (s *Stream) Deactivate() {
	s.active.Store(false)
	pos := s.log.Written()
	s.log.Reset(pos)
	s.log.mark(noDB)
	s.hist.Store(NewHistory(NewID(), s.hist.Load().DataEpoch(), pos))
}

// Active reports whether the stream records.
func (s *Stream) Active() bool { return s.active.Load() }

// Reset replaces the history: after a full resync, or a load from disk. The
// stream goes on at pos with db selected, and records. All readers are
// dropped.
func (s *Stream) Reset(h *History, pos uint64, db int) {
	s.hist.Store(h)
	s.log.Reset(pos)
	s.log.mark(db)
	s.db = db
	s.told.read("")
	s.active.Store(true)
	s.moved(true)
}

// Lead makes the node a master of its own: the stream gets a new id, replicas
// of the old one may continue from up to here, and the database is said again.
func (s *Stream) Lead() {
	s.Activate()
	s.hist.Store(s.hist.Load().shift(NewID(), s.log.Written()))
	s.relays, s.db = false, noDB
	s.told.follows = false
	s.moved(false)
}

// Follow makes the node a replica: from now on only Relay adds to the stream.
func (s *Stream) Follow() {
	s.Activate()
	s.relays = true
	s.db = max(s.db, 0)
}

// Continue is called for the id that a master answered +CONTINUE with. A name
// other than ours becomes ours, and it reports true: the sub-replicas must be
// disconnected so that they learn it.
func (s *Stream) Continue(id string) bool {
	h := s.hist.Load()
	s.told.follows = true
	if id == "" || id == h.ID {
		return false
	}
	s.hist.Store(h.shift(id, s.log.Written()))
	s.moved(false)
	return true
}

// Append adds a unit of one command on database db.
func (s *Stream) Append(db int, args [][]byte) {
	if !s.active.Load() {
		return
	}
	s.selectDB(db)
	s.append(args)
}

// Begin, Add and End build a unit of any number of commands. None added: no
// unit. One: it stands alone. More: MULTI and EXEC go around them, as Redis
// does (propagatePendingCommands).
func (s *Stream) Begin() { s.unit, s.count = s.unit[:0], 0 }

// Add adds a command to the unit that Begin began.
func (s *Stream) Add(db int, args [][]byte) {
	if !s.active.Load() {
		return
	}
	if db != s.db {
		s.unit = appendSelect(s.unit, db)
		s.db = db
	}
	s.unit = resp.AppendRequest(s.unit, args)
	s.count++
}

// Mark adds a mark to the unit under construction, if there is anything in it: the
// payload of a PING.
func (s *Stream) Mark(payload []byte) {
	if s.count > 0 {
		s.unit = append(s.unit, "*2\r\n$4\r\nPING\r\n"...)
		s.unit = resp.AppendBulk(s.unit, payload)
		s.count++
	}
}

// EpochAt is the data epoch at a position of b, which is not relayed yet.
func (s *Stream) EpochAt(b *Batch, pos uint64) uint64 {
	epoch := s.hist.Load().DataEpoch()
	for _, m := range b.Epochs {
		if m.Start <= pos {
			epoch = m.Epoch
		}
	}
	return epoch
}

// End appends the unit.
func (s *Stream) End() {
	if s.count > 1 {
		s.log.AppendString("*1\r\n$5\r\nMULTI\r\n")
	}
	s.log.Append(s.unit)
	if s.count > 1 {
		s.log.AppendString("*1\r\n$4\r\nEXEC\r\n")
	}
	s.count = 0
	if cap(s.unit) > maxChunk {
		s.unit = nil
	}
	s.unit = s.unit[:0]
}

// Ping appends a unit without effect: the keepalive of
// repl-ping-replica-period, or the proof a strong read waits for.
func (s *Stream) Ping() {
	if s.active.Load() {
		s.log.AppendString("*1\r\n$4\r\nPING\r\n")
	}
}

// GetAck asks every replica to acknowledge at once. Native replicas do so
// without being asked.
func (s *Stream) GetAck() {
	if s.active.Load() {
		s.log.AppendString("*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n")
	}
}

// Epoch appends the record that begins epoch under the master runID and
// returns the position of its end.
func (s *Stream) Epoch(epoch uint64, runID string) uint64 {
	s.say(AppendEpochPayload(nil, epoch, runID))
	s.hist.Store(s.hist.Load().enter(epoch, s.log.Written()))
	s.told.hear(Statement{Barrier: true}, 0)
	return s.log.Written()
}

// Holders appends the record that these pairs have a say from here on, unless they
// have it already.
func (s *Stream) Holders(pairs []Holders) (appended bool) {
	if !s.active.Load() || s.told.Says(pairs) {
		return false
	}
	s.say(appendPairs([]byte(holdersPrefix), pairs))
	s.told.hear(Statement{Pairs: pairs}, 0)
	return true
}

// Tell appends the record that the stream is confirmed up to pos, if that is news of
// more than such records: each is confirmed in its turn, which is not worth another.
func (s *Stream) Tell(pos uint64) (appended bool) {
	from := s.log.Written()
	if !s.active.Load() || min(pos, s.told.contentAt(from)) <= s.told.confirmed {
		return false
	}
	var payload [64]byte
	s.say(strconv.AppendUint(append(payload[:0], confirmedPrefix...), pos, 10))
	s.told.hear(Statement{From: from, End: s.log.Written(), Confirmed: pos}, 0)
	return true
}

// say appends a record.
func (s *Stream) say(payload []byte) {
	var bulk [80]byte
	s.log.AppendString("*2\r\n$4\r\nPING\r\n")
	s.log.Append(resp.AppendBulk(bulk[:0], payload))
}

// Relay appends what a Link received, after it was applied.
func (s *Stream) Relay(b *Batch) {
	s.log.Append(b.Raw)
	s.db = b.db
	for _, m := range b.Epochs {
		s.hist.Store(s.hist.Load().enter(m.Epoch, m.Start))
	}
	for _, m := range b.Says {
		s.told.hear(m, s.own())
	}
}

// Replay appends a unit that is read from a file, behind which db is selected:
// what was relayed or appended before a restart. records are the payloads of the
// PINGs in it.
func (s *Stream) Replay(raw []byte, db int, records ...[]byte) {
	from := s.log.Written()
	s.log.Append(raw)
	s.db = db
	s.Publish()
	for _, payload := range records {
		if epoch, _, ok := ParseEpochPayload(payload); ok {
			s.hist.Store(s.hist.Load().enter(epoch, s.log.Written()))
		}
		if m, ok := ParseStatement(payload); ok {
			m.From, m.End = from, s.log.Written()
			s.told.hear(m, 0)
		}
	}
}

// Publish lets replicas see all units appended so far; call it before the
// engine lock is released, and Wake afterwards.
func (s *Stream) Publish() {
	s.log.Publish()
	s.log.mark(s.db)
}

// Wake lets the replicas send what was published.
func (s *Stream) Wake() { s.log.Wake() }

// Offset is the position behind the last unit: master_repl_offset.
func (s *Stream) Offset() uint64 { return s.log.Written() }

// Published is the position that replicas may see.
func (s *Stream) Published() uint64 { return s.log.End() }

// History is the current history.
func (s *Stream) History() *History { return s.hist.Load() }

// Backlog gives INFO and CONFIG SET the backlog's window, size and limits.
func (s *Stream) Backlog() *Backlog { return s.log }

// Position is what a Link asks its master to continue from.
func (s *Stream) Position() Position {
	h := s.hist.Load()
	return Position{ID: h.ID, Offset: s.log.Written(), Epoch: h.DataEpoch(), DB: max(s.db, 0)}
}

// Cut is the point of the stream that a snapshot is taken at.
type Cut struct {
	ID     string
	Offset uint64
	DB     int    // repl-stream-db: what a receiver's stream begins in
	Epoch  uint64 // the data epoch
	Told   string // of its confirmation
}

// Here is where the stream is.
func (s *Stream) Here() Cut {
	p := s.Position()
	return Cut{ID: p.ID, Offset: p.Offset, DB: p.DB, Epoch: p.Epoch, Told: s.told.String()}
}

// Cut publishes and returns where the stream is. A master says the database
// again behind it, since the receiver of the snapshot has not heard it.
func (s *Stream) Cut() Cut {
	s.Activate()
	s.Publish()
	here := s.Here()
	if !s.relays {
		s.db = noDB
	}
	return here
}
