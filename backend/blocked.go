package backend

import (
	"slices"
	"time"

	"holdfast/backend/acl"
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/store"
	"holdfast/backend/netio"
	"holdfast/backend/resp"
)

// waiter is what a client waits for: for keys, with the request that will be
// run again when one of them changes, or for something else that ends it.
type waiter struct {
	h     *handler
	args  [][]byte
	keys  []dbKey // none: not for keys
	db    int
	timer *netio.Timer
	spent int64      // ns that running the request has taken so far
	kind  store.Type // of the keys that can serve it; one of another type lets it wait on
	// orGone is that of the handler's commands.Wait.
	orGone bool
	// inTime is the reply when the time is over or CLIENT UNBLOCK ends the wait;
	// nil where neither can be.
	inTime func() []byte
}

// block parks a session. The reply of its command is sent later.
func (n *Node) block(s *session, h *handler, args [][]byte, wait *commands.Wait) {
	onTime := wait.OnTime
	w := &waiter{h: h, args: copyWords(args), db: s.db, inTime: func() []byte { return appendNull(nil, s.proto, onTime) },
		kind: kindFor(h.cmd), orGone: wait.OrGone}
	for _, key := range wait.Keys {
		w.keys = append(w.keys, dbKey{s.db, string(key)})
	}
	s.waiting = w
	s.batch.replies--
	for _, k := range w.keys {
		n.blocked[k] = append(n.blocked[k], s)
	}
	if wait.Until > 0 {
		w.timer = s.conn.Loop().After(untilMilli(wait.Until, n.now), func() { n.timeIsUp(s, w) })
	}
}

// kindFor is the type of the keys that a blocking command waits for.
func kindFor(c *command.Command) store.Type {
	switch {
	case c.Cats&command.CatStream != 0:
		return store.Stream
	case c.Cats&command.CatSortedSet != 0:
		return store.ZSet
	}
	return store.List
}

// await parks a session until work, on a goroutine of its own, has made its
// reply. over tells work that nobody waits any more. inTime is the waiter's.
// The engine lock is held here, not in work.
func (n *Node) await(s *session, inTime func() []byte, work func(over func() bool) []byte) {
	s.batch.replies--
	n.park(s, inTime, work)
}

// park is await for a session whose reply is not work's, or not alone.
func (n *Node) park(s *session, inTime func() []byte, work func(over func() bool) []byte) {
	w := &waiter{inTime: inTime}
	s.waiting = w
	n.background(func() {
		reply := work(func() bool {
			n.mu.Lock()
			defer n.mu.Unlock()
			return s.waiting != w
		})
		n.mu.Lock()
		defer n.mu.Unlock()
		if s.waiting == w {
			s.unblock()
			s.reply(reply, 0)
			s.conn.Loop().Post(s.resume)
		}
	})
}

// untilMilli is the time from now to a later moment, both in unix ms; at most
// a century, for which nobody waits but which a Duration can tell.
func untilMilli(at, now int64) time.Duration {
	const century = 100 * 365 * 24 * time.Hour
	return time.Duration(min(max(at-now, 0), century.Milliseconds())) * time.Millisecond
}

// timeIsUp answers a client that waited in vain; it runs on the client's loop.
func (n *Node) timeIsUp(s *session, w *waiter) {
	n.mu.LockParted()
	defer n.mu.Unlock()
	if s.waiting != w {
		return
	}
	gate := w.shown(n)
	if s.strong && w.h != nil {
		gate = max(gate, n.proof())
	}
	w.over(s, false)
	s.unblock()
	s.reply(w.inTime(), gate)
	s.conn.Loop().Post(s.resume)
	if n.unit.publish() {
		n.stream.Wake()
	}
}

// over counts the command of a client that waited in vain.
func (w *waiter) over(s *session, failed bool) {
	if failed {
		s.node.countError(unblockedText)
	}
	if w.h == nil { // it was counted when it began to wait
		return
	}
	s.node.account(s, w.h, w.args, w.spent)
	if failed {
		w.h.failed++
	}
}

const unblockedText = "UNBLOCKED client unblocked via CLIENT UNBLOCK"

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

// changed is the store's report that a key was changed: it wakes no one yet,
// since the unit under way must end first.
func (n *Node) changed(db int, key []byte) {
	if n.tracking != nil {
		n.invalidate(key, n.expiring)
	}
	if len(n.watchers) > 0 {
		n.touched(db, key, n.expiring)
	}
	n.expiring = false
	n.signal(db, key)
	switch {
	case n.applying: // lands with its unit
		n.unit.shown.touch(db, key)
	case n.unit.leads: // a change that this node has decided
		n.unit.shown.touch(db, key)
		n.unit.landAlone()
	}
	if n.standing.role == roleReplica {
		n.noteOwn(db, key)
	}
}

// signal notes that those who wait for a key have to look again.
func (n *Node) signal(db int, key []byte) {
	if len(n.blocked) > 0 {
		k := dbKey{db, string(key)}
		if len(n.blocked[k]) > 0 {
			n.ready = append(n.ready, k)
		}
	}
}

// signalAll is signal for all keys of a database that was emptied, or exchanged with
// another.
func (n *Node) signalAll(db int) {
	for k := range n.blocked {
		if k.db == db || db < 0 {
			n.ready = append(n.ready, k)
		}
	}
}

// wakeReady runs the requests of the clients whose keys changed, in the order
// in which they came. What those change may make further keys ready.
func (n *Node) wakeReady() {
	if len(n.ready) == 0 {
		return
	}
	if !n.mu.parted {
		n.tick() // what made the keys ready may have taken longer than they live
	}
	for i := 0; i < len(n.ready); i++ {
		k := n.ready[i]
		for _, s := range append([]*session(nil), n.blocked[k]...) {
			if s.waiting == nil || s.closing || n.turnsAway(s) {
				continue
			}
			n.wake(s, k)
		}
	}
	n.ready = n.ready[:0]
}

// turnsAway ends the wait of a client whose user may not make the request any more.
func (n *Node) turnsAway(s *session) bool {
	w := s.waiting
	d := s.user.Check(w.h.cmd, w.args)
	if d.OK() {
		return false
	}
	text := noPerm(s, w.h, d)
	w.h.rejected++
	n.countError(text)
	n.noteDenial(s, w.h.cmd, w.args, d, acl.TopLevel)
	s.unblock()
	s.reply(resp.AppendError(nil, text), 0)
	s.conn.Loop().Post(s.resume)
	return true
}

// wake runs a blocked client's request again because of a key, and sends its reply
// if it had something to serve this time.
func (n *Node) wake(s *session, k dbKey) {
	if w := s.waiting; !w.orGone && !n.canServe(k, w.kind) {
		return
	}
	w, x, began := s.waiting, &n.waker, n.timing.clock
	n.woken = s
	x.Out, x.Proto = x.Out[:0], s.proto
	n.unit.begin()
	x.Begin(w.args)
	x.Store, x.DBNum, x.DB, x.User = n.store, w.db, n.store.DB(w.db), s.user
	w.h.data(x)
	n.woken = nil
	if s.tracker != nil {
		n.remember(s, w.h.cmd, w.args)
	}
	served := x.Waiting().Keys == nil
	n.propagate(x) // also if nothing was served: XREADGROUP makes its consumer all the same
	if served && s.link != "" {
		n.unit.sign(author{link: s.link, seq: s.counted, reply: x.Out}, false)
	}
	end := n.unit.end()
	w.spent += n.spent(began)
	if served {
		if len(x.Out) > 0 && x.Out[0] == '-' {
			n.failed(w.h, x.Out, true)
		}
		n.account(s, w.h, w.args, w.spent)
		if end > 0 {
			s.lastWrite = end
		}
		s.unblock()
		gate := max(end, n.shownBy(w.db, w.h, w.args))
		if s.strong {
			gate = max(gate, n.proof())
		}
		s.reply(x.Out, gate)
		s.conn.Loop().Post(s.resume)
	}
	s.push(n.behind)
	n.behind = n.behind[:0]
}

// keysWaitedFor counts the keys that clients wait for, and those of which some also
// want to hear that they are gone.
func (n *Node) keysWaitedFor() (all, orGone int) {
	for _, queue := range n.blocked {
		if slices.ContainsFunc(queue, func(s *session) bool { return s.waiting.orGone }) {
			orGone++
		}
	}
	return len(n.blocked), orGone
}

// canServe tells whether a key holds what a client waits for. It is not deleted when
// its time has come: that is for the next command to find out.
func (n *Node) canServe(k dbKey, kind store.Type) bool {
	n.store.SetExpiry(store.ExpiryHide)
	defer n.derive()
	return n.store.DB(k.db).Holds([]byte(k.key), kind)
}

// unblockAll ends all waiting that could end otherwise, when the node's role
// changes under it: with an error, and on a native link with a refusal, since
// the command was not executed and can be sent again elsewhere.
func (n *Node) unblockAll(text string) {
	for _, s := range n.clients {
		if s.waiting == nil || s.waiting.inTime == nil {
			continue
		}
		s.waiting.over(s, true)
		s.unblock()
		if s.native {
			s.poison = readOnlyText
			s.emit(appendRefusal(nil, s.poison), 0, 1)
		} else {
			s.reply(resp.AppendError(nil, text), 0)
		}
		s.conn.Loop().Post(s.resume)
	}
}
