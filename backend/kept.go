package backend

import (
	"bytes"
	chain "container/list"
	"strconv"

	"holdfast/backend/internal/repl"
	"holdfast/backend/resp"
)

// A request whose connection broke before it was answered may have been executed or
// not. So what a request of a proxy's link (link.go) was answered goes into the
// replication stream with what the request changed, and whoever has the one has the
// other. The rules:
//
//  1. The number of a request and its reply stand in a mark of the request's own unit,
//     and so take effect with it, at the master, at a replica, and when the append-only
//     file is read.
//  2. A unit without a mark belongs to the request behind that of the last unit, if
//     that was one of a link, and is one command whose reply says the same everywhere: whoever
//     executes it has the reply. A pipeline of writes of one link costs no marks.
//  3. Of each link the last replies are kept, keptEach at most.
//  4. Of many links those whose marks are oldest are forgotten, by the same rule
//     everywhere. It is known up to which place of the history that was done: of a
//     request that had changed nothing there yet, and of which no mark is here, it is
//     certain that it has changed nothing since either.
//  5. The table belongs to the data. Data that comes without one is blind: nothing
//     is known of what was done before it came.
type keptReplies struct {
	links  map[string]*chain.Element // of *keptLink
	order  *chain.List               // the oldest mark first; never copied, since its elements know it
	bytes  int                       // of replies
	blind  bool
	forgot bool // some link, since somebody has cleared this
	// Marks of units that ended at or before since may be missing, if some are.
	some    bool
	since   pair
	last    turn
	payload []byte // of the last mark
}

// turn is the request of a link that the last unit of the stream belongs to.
type turn struct {
	link  string // empty: it belongs to none
	seq   uint64
	vague bool // nothing is known of it
}

// author is the request that a unit belongs to.
type author struct {
	link  string // empty: it belongs to none of a link
	seq   uint64
	reply []byte
}

// keptLink is what is kept of a link.
type keptLink struct {
	id    string
	place pair   // where its last unit ends
	from  uint64 // of the requests up to this one replies may be missing
	log   replyLog
}

// Bounds of a table.
const (
	keptLinks = 4096
	keptBytes = 16 << 20
	keptLimit = 64 << 10 // of one reply
	keptEach  = 4096     // replies of one link, which thus may have so many unanswered requests
	keptOfOne = 1 << 20  // bytes of one link's
)

// mark is the payload of the mark that a unit of a needs, nil if it needs none. asCame
// says that the unit is the request as it came.
func (k *keptReplies) mark(a *author, asCame bool) []byte {
	switch {
	case a.link == "" && k.last.link == "" && !k.last.vague:
		return nil
	case a.link == "":
		k.payload = repl.AppendMarkPayload(k.payload[:0])
		return k.payload
	}
	again := asCame && sameEverywhere(a.reply)
	if again && k.last.link == a.link && k.last.seq+1 == a.seq {
		return nil
	}
	b := append(repl.AppendMarkPayload(k.payload[:0]), a.link...)
	b = strconv.AppendUint(append(b, ':'), a.seq, 10)
	if !again {
		b = append(b, ':')
		if len(a.reply) <= keptLimit {
			b = append(b, a.reply...)
		}
	}
	k.payload = b
	return b
}

// sameEverywhere tells whether a reply is the same in RESP2 and RESP3, in which a
// replica does not know that it was asked: a status, an integer, a string.
func sameEverywhere(reply []byte) bool {
	return len(reply) > 1 && (reply[0] == '+' || reply[0] == ':' || reply[0] == '$' && reply[1] != '-')
}

// ends takes note of a unit that ends at a place: it belongs to a.
func (k *keptReplies) ends(a *author, place pair) {
	if k.last.link != a.link { // a pointer less to write in a pipeline
		k.last.link = a.link
	}
	k.last.seq, k.last.vague = a.seq, false
	if a.link != "" {
		k.put(a, place)
	}
}

// executed takes note of a unit that was executed here and decided elsewhere, or before:
// of its mark, nil without one, and of the reply to its last command.
func (k *keptReplies) executed(mark, reply []byte, place pair) {
	a := author{reply: reply}
	switch {
	case mark != nil:
		if !a.read(repl.MarkContent(mark)) { // of a node that can say more
			k.last = turn{vague: true}
			return
		}
	case k.last.link == "":
		return
	default:
		a.link, a.seq = k.last.link, k.last.seq+1
	}
	k.ends(&a, place)
}

// read takes what a mark holds: nothing, link:seq, or link:seq:reply.
func (a *author) read(content []byte) bool {
	if len(content) == 0 {
		return true
	}
	link, rest, ok := bytes.Cut(content, []byte(":"))
	digits, reply, told := bytes.Cut(rest, []byte(":"))
	a.link, a.seq = string(link), number(digits)
	if told {
		a.reply = reply
	}
	return ok && a.seq > 0
}

// put keeps a reply, which it copies.
func (k *keptReplies) put(a *author, place pair) {
	if k.links == nil {
		k.links, k.order = make(map[string]*chain.Element), chain.New()
	}
	if k.blind {
		k.blind = false
		k.missing(place)
	}
	l := k.newest(a)
	before := l.log.bytes()
	l.put(a, place)
	k.bytes += l.log.bytes() - before
	for len(k.links) > keptLinks || k.bytes > keptBytes {
		k.forgot = true
		k.missing(k.drop(k.order.Front()).place)
	}
}

// newest makes the link of a, which it may have to begin, the one whose mark is newest.
func (k *keptReplies) newest(a *author) *keptLink {
	if e := k.order.Back(); e != nil && e.Value.(*keptLink).id == a.link { // as in a pipeline
		return e.Value.(*keptLink)
	}
	if e := k.links[a.link]; e != nil {
		k.order.MoveToBack(e)
		return e.Value.(*keptLink)
	}
	l := &keptLink{id: a.link}
	if k.some { // perhaps of this one
		l.from = a.seq - 1
	}
	k.links[a.link] = k.order.PushBack(l)
	return l
}

// put keeps a reply and forgets those that are too old.
func (l *keptLink) put(a *author, place pair) {
	l.place = place
	if len(a.reply) > keptLimit {
		a.reply = nil
	}
	l.log.add(a.seq, a.reply)
	for l.log.n > keptEach || l.log.bytes() > keptOfOne {
		l.from = l.log.dropFirst()
	}
}

func (k *keptReplies) drop(e *chain.Element) *keptLink {
	l := k.order.Remove(e).(*keptLink)
	delete(k.links, l.id)
	k.bytes -= l.log.bytes()
	return l
}

func (k *keptReplies) missing(at pair) {
	k.some = true
	if k.since.less(at) {
		k.since = at
	}
}

// of is what is kept of a link that had changed nothing at a place: nil where that is
// nothing. known is false where there may have been more.
func (k *keptReplies) of(link string, at pair) (l *keptLink, known bool) {
	if e := k.links[link]; e != nil {
		return e.Value.(*keptLink), true
	}
	return nil, !k.blind && (!k.some || k.since.less(at))
}

// forget is for data that comes without a table.
func (k *keptReplies) forget() { *k = keptReplies{blind: true} }

// String is the form that travels in snapshots: a request for each link, behind one
// that tells how far back they go, and whose the last unit was.
func (k *keptReplies) String() string {
	if k.blind {
		return ""
	}
	some := "0"
	if k.some {
		some = "1"
	}
	b := resp.AppendCommand(nil, some, decimal(k.since.epoch), decimal(k.since.offset), k.last.link, decimal(k.last.seq))
	if k.order == nil {
		return string(b)
	}
	for e := k.order.Front(); e != nil; e = e.Next() {
		l := e.Value.(*keptLink)
		b = resp.AppendCommand(b, l.id, decimal(l.place.epoch), decimal(l.place.offset), decimal(l.from), string(l.log.live()))
	}
	return string(b)
}

// recall takes what String has made; of anything else that nothing is known.
func (k *keptReplies) recall(text string) {
	k.forget()
	in := []byte(text)
	var r resp.Requests
	head, n, err := r.Next(in)
	if n == 0 || err != nil || len(head) != 5 {
		return
	}
	fresh := keptReplies{some: head[0][0] == '1', since: pair{number(head[1]), number(head[2])},
		last:  turn{link: string(head[3]), seq: number(head[4])},
		links: make(map[string]*chain.Element), order: chain.New()}
	for in = in[n:]; len(in) > 0; in = in[n:] {
		var w [][]byte
		if w, n, err = r.Next(in); n == 0 || err != nil || len(w) != 5 {
			return
		}
		l := &keptLink{id: string(w[0]), place: pair{number(w[1]), number(w[2])}, from: number(w[3])}
		if !l.log.recall(w[4]) || fresh.links[l.id] != nil {
			return
		}
		fresh.links[l.id] = fresh.order.PushBack(l)
		fresh.bytes += l.log.bytes()
	}
	*k = fresh
}

// joins is for a replica whose master has told of no table with its data: what comes
// next in its stream may belong to a link all the same.
func (k *keptReplies) joins() {
	if k.blind {
		k.last.vague = true
	}
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

func number(b []byte) uint64 {
	n, _ := strconv.ParseUint(string(b), 10, 64)
	return n
}
