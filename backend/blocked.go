package backend

import (
	"bytes"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/netio"
	"holdfast/backend/resp"
)

// waiter is a client that waits for keys, with the request that will be run
// again when one of them changes.
type waiter struct {
	h      *handler
	args   [][]byte
	keys   []dbKey
	db     int
	onTime commands.Null
	timer  *netio.Timer
}

// block parks a session. The reply of its command is sent later.
func (n *Node) block(s *session, h *handler, args [][]byte, wait *commands.Wait) {
	if s.waiting != nil { // run again in vain: goes on waiting, in its old place
		return
	}
	var t transaction
	t.queue(h, args) // copies the words
	w := &waiter{h: h, args: t.requests[0].args, db: s.db, onTime: wait.OnTime}
	for _, key := range wait.Keys {
		w.keys = append(w.keys, dbKey{s.db, string(key)})
	}
	s.waiting = w
	s.batch.replies--
	for _, k := range w.keys {
		n.blocked[k] = append(n.blocked[k], s)
	}
	if wait.Until > 0 {
		left := time.Duration(wait.Until-n.now) * time.Millisecond
		w.timer = s.conn.Loop().After(max(left, 0), func() { n.timeIsUp(s, w) })
	}
}

// timeIsUp answers a client that waited in vain; it runs on the client's loop.
func (n *Node) timeIsUp(s *session, w *waiter) {
	n.mu.Lock()
	over := s.waiting == w
	if over {
		s.unblock()
	}
	n.mu.Unlock()
	if over {
		s.emitHere(appendNull(nil, s.proto, w.onTime), 0)
		s.resume()
	}
}

func appendNull(b []byte, proto int, kind commands.Null) []byte {
	if kind == commands.NullArray {
		return resp.AppendNullArray(b, proto)
	}
	return resp.AppendNull(b, proto)
}

// unblock takes a session out of every queue. The engine lock is held.
func (s *session) unblock() {
	w := s.waiting
	if w == nil {
		return
	}
	s.waiting = nil
	for _, k := range w.keys {
		s.node.leaveQueue(k, s)
	}
	if w.timer != nil {
		if s.conn.Loop() == s.node.loop {
			w.timer.Stop()
		} else {
			s.conn.Loop().Post(func() { w.timer.Stop() })
		}
	}
}

func (n *Node) leaveQueue(k dbKey, s *session) {
	queue := n.blocked[k]
	for i, other := range queue {
		if other == s {
			queue = append(queue[:i:i], queue[i+1:]...)
			break
		}
	}
	if len(queue) == 0 {
		delete(n.blocked, k)
	} else {
		n.blocked[k] = queue
	}
}

// resume goes on with what a client sent while it waited; on its loop.
func (s *session) resume() {
	if s.conn.Paused() {
		s.conn.Resume()
		return
	}
	s.conn.Redeliver()
}

// changed is the store's report that a key was changed: it wakes no one yet,
// since the unit under way must end first.
func (n *Node) changed(db int, key []byte) {
	if len(n.watchers) > 0 {
		n.touched(db, key)
	}
	if len(n.blocked) > 0 {
		k := dbKey{db, string(key)}
		if len(n.blocked[k]) > 0 {
			n.ready = append(n.ready, k)
		}
	}
}

// wakeReady runs the requests of the clients whose keys changed, in the order
// in which they came. What those change may make further keys ready.
func (n *Node) wakeReady() {
	for i := 0; i < len(n.ready); i++ {
		k := n.ready[i]
		for _, s := range append([]*session(nil), n.blocked[k]...) {
			if s.waiting != nil && !s.closing {
				n.wake(s)
			}
		}
	}
	n.ready = n.ready[:0]
}

// wrongType is the reply for a key that came back as something else than the
// client waits for, which it goes on waiting through.
var wrongType = []byte("-WRONGTYPE ")

// wake runs a blocked client's request again and sends its reply if it had
// something to serve this time.
func (n *Node) wake(s *session) {
	w, x := s.waiting, &n.waker
	x.Out, x.Proto = x.Out[:0], s.proto
	outer := s.batch
	s.batch = batch{}
	n.unit.begin()
	x.Begin(w.args)
	x.Store, x.DBNum, x.DB = n.store, w.db, n.store.DB(w.db)
	w.h.data(x)
	served := x.Waiting().Keys == nil && !bytes.HasPrefix(x.Out, wrongType)
	if served {
		n.propagate(x)
	}
	gate := n.unit.end()
	s.batch = outer
	if !served {
		return
	}
	s.unblock()
	s.emit(x.Out, gate)
	s.conn.Loop().Post(s.resume)
}

// unblockAll ends all waiting with an error, when the node's role changes
// under it.
func (n *Node) unblockAll(text string) {
	for _, s := range n.clients {
		if s.waiting != nil {
			s.unblock()
			s.emit(resp.AppendError(nil, text), 0)
			s.conn.Loop().Post(s.resume)
		}
	}
}
