package backend

import (
	"bytes"
	chain "container/list"
	"strconv"

	"holdfast/backend/internal/repl"
	"holdfast/backend/resp"
)

// A client that was blocked when its connection broke may have been served or not. So
// the reply to a request that a link has numbered (link.go) goes into the replication
// stream with what the request changed, and whoever has the one has the other. The
// rules:
//
//  1. The reply stands in a mark of the request's own unit, and so takes effect with
//     it, at the master, at a replica, and when the append-only file is read.
//  2. Of each link the last reply is kept. A link numbers no request before the one
//     before it is answered, so nobody asks for an earlier one.
//  3. Of many links those whose marks are oldest are forgotten, by the same rule
//     everywhere. It is known up to which place of the history that was done: of a
//     request that had changed nothing there yet, and of which no mark is here, it is
//     certain that it has changed nothing since either.
//  4. The table belongs to the data. Data that comes without one is blind: nothing
//     is known of what was done before it came.
type keptReplies struct {
	links map[string]*chain.Element // of keptReply
	order *chain.List               // the oldest mark first; never copied, since its elements know it
	bytes int                       // of replies
	blind bool
	// Marks of units that ended at or before since may be missing, if some are.
	some  bool
	since pair
}

// keptReply is the last reply of a link.
type keptReply struct {
	link  string
	seq   uint64
	place pair   // a place that the unit does not begin before
	reply []byte // empty: it was too large
}

// Bounds of a table.
const (
	keptLinks = 4096
	keptBytes = 4 << 20
	keptLimit = 64 << 10 // of one reply
)

// put keeps a reply, which it copies, and tells whether others were forgotten for it.
func (k *keptReplies) put(r keptReply) (forgot bool) {
	if k.links == nil {
		k.links, k.order = make(map[string]*chain.Element), chain.New()
	}
	if k.blind {
		k.blind = false
		k.missing(r.place)
	}
	if old := k.links[r.link]; old != nil {
		k.drop(old)
	}
	r.reply = bytes.Clone(r.reply)
	k.links[r.link] = k.order.PushBack(r)
	k.bytes += len(r.reply)
	for len(k.links) > keptLinks || k.bytes > keptBytes {
		forgot = true
		k.missing(k.drop(k.order.Front()).place)
	}
	return forgot
}

func (k *keptReplies) drop(e *chain.Element) keptReply {
	r := k.order.Remove(e).(keptReply)
	delete(k.links, r.link)
	k.bytes -= len(r.reply)
	return r
}

func (k *keptReplies) missing(at pair) {
	k.some = true
	if k.since.less(at) {
		k.since = at
	}
}

// outcome is what became of a request.
type outcome int

const (
	notExecuted outcome = iota
	executed
	notKnown
)

// outcome tells what became of a link's request that was not executed at a place of
// the history.
func (k *keptReplies) outcome(link string, seq uint64, at pair) (reply []byte, what outcome) {
	if e := k.links[link]; e != nil {
		switch r := e.Value.(keptReply); {
		case r.seq == seq:
			return r.reply, executed
		case r.seq > seq:
			return nil, notKnown
		}
		return nil, notExecuted // its mark would stand in the place of that one
	}
	if k.blind || k.some && !k.since.less(at) {
		return nil, notKnown
	}
	return nil, notExecuted
}

// forget is for data that comes without a table.
func (k *keptReplies) forget() { *k = keptReplies{blind: true} }

// String is the form that travels in snapshots: a request for each reply, behind one
// that tells how far back they go.
func (k *keptReplies) String() string {
	if k.blind {
		return ""
	}
	head := []string{"0", "0", "0"}
	if k.some {
		head = []string{"1", decimal(k.since.epoch), decimal(k.since.offset)}
	}
	b := resp.AppendCommand(nil, head...)
	if k.order == nil {
		return string(b)
	}
	for e := k.order.Front(); e != nil; e = e.Next() {
		r := e.Value.(keptReply)
		b = resp.AppendCommand(b, r.link, decimal(r.seq), decimal(r.place.epoch), decimal(r.place.offset), string(r.reply))
	}
	return string(b)
}

// recall takes what String has made; of anything else that nothing is known.
func (k *keptReplies) recall(text string) {
	k.forget()
	in := []byte(text)
	var r resp.Requests
	head, n, err := r.Next(in)
	if n == 0 || err != nil || len(head) != 3 {
		return
	}
	fresh := keptReplies{some: head[0][0] == '1', since: pair{number(head[1]), number(head[2])}}
	for in = in[n:]; len(in) > 0; in = in[n:] {
		var w [][]byte
		if w, n, err = r.Next(in); n == 0 || err != nil || len(w) != 5 {
			return
		}
		fresh.put(keptReply{string(w[0]), number(w[1]), pair{number(w[2]), number(w[3])}, w[4]})
	}
	*k = fresh
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

func number(b []byte) uint64 {
	n, _ := strconv.ParseUint(string(b), 10, 64)
	return n
}

// appendMark appends the payload of the mark of a reply: link:seq:reply.
func appendMark(b []byte, link string, seq uint64, reply []byte) []byte {
	b = append(repl.AppendMarkPayload(b), link...)
	b = strconv.AppendUint(append(b, ':'), seq, 10)
	return append(append(b, ':'), reply...)
}

// heed keeps the reply of a mark that came with a unit; others are nobody's business
// here.
func (k *keptReplies) heed(payload []byte, place pair) {
	link, rest, ok := bytes.Cut(repl.MarkContent(payload), []byte(":"))
	digits, reply, ok2 := bytes.Cut(rest, []byte(":"))
	if ok && ok2 {
		k.put(keptReply{string(link), number(digits), place, reply})
	}
}
