package proxy

import "holdfast/backend/command"

// kind says what becomes of an entry whose reply can no longer come.
type kind uint8

const (
	kindWrite    kind = iota // its outcome is unknown
	kindRead                 // it is sent again
	kindBlocking             // it is issued again with the time that remains, if it has changed nothing
	kindCanned               // it has its reply already and waits for its turn
	kindOwn                  // the proxy's own; nobody misses it
)

// entry is one request that waits for its reply, or a reply that waits for
// those in front of it.
type entry struct {
	client *client          // who gets the reply; nil: nobody (any more)
	cmd    *command.Command // nil where no command was recognised
	extra  *extra           // what few entries have
	size   int              // bytes of its frame in the queue's log; 0: canned
	want   int32            // replies that have not come yet
	since  uint32           // when it began to wait for a node, on the proxy's clock in ms; 0: it does not wait
	kind   kind
	mute   bool // the client asked for no reply
}

// plain tells whether the entry needs nothing but its one reply passed on.
func (e *entry) plain() bool {
	return e.extra == nil && e.want == 1 && e.client != nil && !e.mute
}

// again prepares an entry with many replies to be sent once more: all of them
// come again, and those that were passed on already are left out.
func (e *entry) again() {
	if x := e.extra; !x.last {
		x.skip += x.want - e.want
	}
	e.want = e.extra.want
}

// requests is how many requests the entry's frame holds.
func (e *entry) requests() uint64 {
	if e.extra != nil && e.extra.last {
		return uint64(e.extra.want)
	}
	return 1
}

// refused tells whether a command of the entry's transaction was refused.
func (e *entry) refused() bool { return e.extra != nil && e.extra.refused }

// extra is what an entry has besides when it is not an ordinary request.
type extra struct {
	reply   []byte                                            // of a canned entry
	onReply func(frame []byte) (instead []byte, replace bool) // sees each reply before it is passed on
	began   uint32                                            // when a blocking command was issued, on the proxy's clock in ms
	onFail  func()                                            // runs when the request is given up
	watched bool                                              // an EXEC behind WATCH: answered reply if it cannot be sent to the watching connection
	last    bool                                              // only the last of its replies is passed on
	want    int32                                             // all replies of a block, of which the last is passed on
	refused bool                                              // a reply of a block was a refusal
	skip    int32                                             // replies that were passed on before the connection was lost
	number  uint64                                            // of a request that was sent on a lost link and waits for the next node's word about it; 0: it does not
}

// queue is the FIFO of a lane: requests that were sent, then requests that were
// not, with their bytes in one log so that unsent ones leave in one write and
// unanswered ones can be sent again.
type queue struct {
	ring             []entry // of a power of two
	head, sent, tail uint    // [head, sent) were sent, [sent, tail) were not
	log              []byte
	first, mark      int    // of log: the head's frame, the first byte that was not sent
	canned           int    // entries of that kind
	answered         uint64 // requests that were sent and whose replies have come
}

const (
	minRing = 16
	keepLog = 1 << 20 // a larger log is given back once it is empty
)

func (q *queue) len() int      { return int(q.tail - q.head) }
func (q *queue) inFlight() int { return int(q.sent - q.head) }
func (q *queue) bytes() int    { return len(q.log) - q.first }
func (q *queue) peek() *entry  { return q.at(q.head) }

// peekPlain tells whether a request at the head waits for an ordinary reply.
func (q *queue) peekPlain() bool { return q.sent != q.head && q.peek().plain() }

func (q *queue) at(i uint) *entry { return &q.ring[i&uint(len(q.ring)-1)] }

// push appends an entry with its frame, which is copied.
func (q *queue) push(e entry, frame []byte) {
	if int(q.tail-q.head) == len(q.ring) {
		q.grow()
	}
	if cap(q.log)-len(q.log) < len(frame) && q.first > len(q.log)/2 {
		q.log = q.log[:copy(q.log, q.log[q.first:])]
		q.mark -= q.first
		q.first = 0
	}
	e.size = len(frame)
	q.log = append(q.log, frame...)
	*q.at(q.tail) = e
	q.tail++
	if e.kind == kindCanned {
		q.canned++
	}
}

func (q *queue) grow() {
	ring := make([]entry, max(minRing, 2*len(q.ring)))
	n := uint(0)
	for i := q.head; i != q.tail; i++ {
		ring[n] = *q.at(i)
		n++
	}
	q.ring, q.sent, q.head, q.tail = ring, q.sent-q.head, 0, n
}

// pop removes the head.
func (q *queue) pop() {
	e := q.peek()
	q.first += e.size
	if e.kind == kindCanned {
		q.canned--
	}
	if q.sent == q.head { // a canned entry that nothing stood before
		q.sent++
		q.mark = q.first
	} else if e.kind != kindCanned {
		q.answered += e.requests()
	}
	e.client, e.extra = nil, nil
	q.head++
	if q.head == q.tail {
		q.empty()
	}
}

func (q *queue) empty() {
	q.log, q.first, q.mark = q.log[:0], 0, 0
	if cap(q.log) > keepLog {
		q.log = nil
	}
}

// firstUnsent returns the first entry that was not sent, nil without one.
func (q *queue) firstUnsent() *entry {
	if q.sent == q.tail {
		return nil
	}
	return q.at(q.sent)
}

// A node that has plentyInFlight requests to answer is not idle before some of
// the answers are back, so that a small write would only interrupt it. oneRead
// is what it takes from a socket at once: Redis's PROTO_IOBUF_LEN, bytes.
const (
	plentyInFlight = 200
	oneRead        = 16 << 10
)

// gathers tells whether the unsent requests had better wait for more: the node
// has plenty to do, and they do not fill one read of it yet. They cost it, and
// the proxy, less in one piece, and would not be executed sooner in several. What
// waits so has certainly not been sent, should the link break.
func (q *queue) gathers() bool {
	return q.inFlight() >= plentyInFlight && len(q.unsent()) < oneRead
}

// unsent returns the frames that were not sent.
func (q *queue) unsent() []byte { return q.log[q.mark:] }

// setSent notes that frames of at most so many entries are handed to the kernel, and
// returns them; unsetSent that the kernel did not take them after all.
func (q *queue) setSent(most int) (frames []byte, sent uint, mark int) {
	sent, mark = q.sent, q.mark
	if int(q.tail-q.sent) <= most {
		q.sent, q.mark = q.tail, len(q.log)
		return q.log[mark:], sent, mark
	}
	for ; most > 0; most-- {
		q.mark += q.at(q.sent).size
		q.sent++
	}
	return q.log[mark:q.mark], sent, mark
}

func (q *queue) unsetSent(sent uint, mark int) { q.sent, q.mark = sent, mark }

// each visits all entries in order with their frames.
func (q *queue) each(visit func(e *entry, frame []byte, sent bool)) {
	from := q.first
	for i := q.head; i != q.tail; i++ {
		e := q.at(i)
		visit(e, q.log[from:from+e.size], int(i-q.head) < q.inFlight())
		from += e.size
	}
}

// forget takes a client out: what was not sent is dropped, what was sent will
// find nobody to answer.
func (q *queue) forget(c *client) {
	write, from, to := q.sent, q.first, q.mark
	for i := q.head; i != q.tail; i++ {
		e := *q.at(i)
		size := e.size
		mine := e.client == c
		switch {
		case i-q.head < q.sent-q.head:
			if mine {
				q.at(i).client = nil
			}
		case mine:
			if e.kind == kindCanned {
				q.canned--
			}
		default:
			copy(q.log[to:], q.log[from:from+size])
			to += size
			*q.at(write) = e
			write++
		}
		from += size
	}
	q.tail, q.log = write, q.log[:to]
	if q.head == q.tail {
		q.empty()
	}
}

// hasBlocking tells whether a request of the queue may block.
func (q *queue) hasBlocking() bool {
	for i := q.head; i != q.tail; i++ {
		if q.at(i).kind == kindBlocking {
			return true
		}
	}
	return false
}

// has tells whether a client has an entry in the queue.
func (q *queue) has(c *client) bool {
	for i := q.head; i != q.tail; i++ {
		if q.at(i).client == c {
			return true
		}
	}
	return false
}
