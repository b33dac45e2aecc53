package backend

import (
	"slices"
	"strings"

	"holdfast/backend/command"
	"holdfast/backend/resp"
)

// tracking is what the node remembers of its clients' caches (tracking.c). It
// exists only while a client tracks. Keys have no database here: clients are
// told names.
type tracking struct {
	clients  int
	readers  map[string][]int64 // ids, ascending, of those who may have the key in their cache
	items    int                // ids in readers
	prefixes map[string]*prefixWatch
}

// prefixWatch is a prefix of BCAST mode: who asked for it, and what changed
// below it since they were last told.
type prefixWatch struct {
	clients map[*session]struct{}
	keys    map[string]*session // by whom it was changed; nil: by the node itself
}

// tracker is a session's part in it; nil while the session does not track.
type tracker struct {
	redirect int64 // id of the client that is told instead; 0: none
	bcast    bool
	optIn    bool
	optOut   bool
	noLoop   bool
	caching  bool // CLIENT CACHING stands for the next command
	broken   bool // the client of redirect was gone when it was to be told
	prefixes map[string]struct{}
}

// track makes a session track by next, or by it from now on.
func (s *session) track(next *tracker, prefixes []string) {
	n := s.node
	if n.tracking == nil {
		n.tracking = &tracking{readers: make(map[string][]int64), prefixes: make(map[string]*prefixWatch)}
	}
	if s.tracker == nil {
		n.tracking.clients++
	} else {
		next.prefixes, next.caching = s.tracker.prefixes, s.tracker.caching
	}
	s.tracker = next
	if next.bcast && len(prefixes) == 0 {
		prefixes = []string{""}
	}
	for _, p := range prefixes {
		n.tracking.watchPrefix(s, p)
	}
}

func (t *tracking) watchPrefix(s *session, prefix string) {
	w := t.prefixes[prefix]
	if w == nil {
		w = &prefixWatch{make(map[*session]struct{}), make(map[string]*session)}
		t.prefixes[prefix] = w
	}
	w.clients[s] = struct{}{}
	if s.tracker.prefixes == nil {
		s.tracker.prefixes = make(map[string]struct{})
	}
	if _, known := s.tracker.prefixes[prefix]; !known {
		s.tracker.prefixes[prefix] = struct{}{}
		s.keep(len(prefix), 1)
	}
}

// untrack ends it. The ids in the table of readers stay until their keys change:
// whoever finds one there sees that the client does not track.
func (s *session) untrack() {
	if s.tracker == nil {
		return
	}
	t := s.node.tracking
	for prefix := range s.tracker.prefixes {
		w := t.prefixes[prefix]
		s.keep(len(prefix), -1)
		delete(w.clients, s)
		if len(w.clients) == 0 {
			delete(t.prefixes, prefix)
		}
	}
	s.tracker = nil
	if t.clients--; t.clients == 0 {
		s.node.tracking = nil
	}
}

// remember notes the keys that a tracking client has read.
func (n *Node) remember(s *session, c *command.Command, args [][]byte) {
	t := s.tracker
	if t.bcast || t.optIn && !t.caching || t.optOut && t.caching || !c.Has(command.ReadOnly) || c.Cats&command.CatScripting != 0 {
		return
	}
	c.Keys(args, func(i int, _ command.KeyFlags) { n.tracking.add(args[i], s.id) })
	n.limitTracking(n.cfg().TrackingTableMaxKeys)
}

func (t *tracking) add(key []byte, id int64) {
	ids := t.readers[string(key)]
	at, known := slices.BinarySearch(ids, id)
	if known {
		return
	}
	t.readers[string(key)] = slices.Insert(ids, at, id)
	t.items++
}

// forget takes a key out of the table and returns who had read it.
func (t *tracking) forget(key string) []int64 {
	ids := t.readers[key]
	delete(t.readers, key)
	t.items -= len(ids)
	return ids
}

// trackingSlice bounds the keys that one call of limitTracking takes.
const trackingSlice = 1000

// limitTracking takes keys that nobody has changed out of a table of more than
// limit keys (0: no limit), at most trackingSlice of them, and has their readers
// forget them.
func (n *Node) limitTracking(limit int) {
	if n.tracking == nil || limit == 0 {
		return
	}
	most := trackingSlice
	for key := range n.tracking.readers { // in random order
		if len(n.tracking.readers) <= limit || most == 0 {
			return
		}
		most--
		n.tell(n.tracking.forget(key), []byte(key), nil)
	}
}

// invalidate has all who may have a key in their cache forget it. by is the
// client that changed it, nil for none; a client that reads a key whose time has
// come changes it and yet must hear of it in BCAST mode.
func (n *Node) invalidate(key []byte, expired bool) {
	t, by := n.tracking, n.author()
	for prefix, w := range t.prefixes {
		if len(key) >= len(prefix) && string(key[:len(prefix)]) == prefix {
			if w.keys[string(key)] = by; expired {
				w.keys[string(key)] = nil
			}
		}
	}
	if len(t.readers[string(key)]) > 0 {
		n.tell(t.forget(string(key)), key, by)
	}
}

// author is the client whose command runs.
func (n *Node) author() *session {
	if n.woken != nil {
		return n.woken
	}
	return n.running
}

func (n *Node) tell(ids []int64, key []byte, by *session) {
	for _, id := range ids {
		if s := n.clients[id]; s != nil && s.tracker != nil && !s.tracker.bcast && !(s == by && s.tracker.noLoop) {
			s.sendInvalid(key)
		}
	}
}

// invalidateAll has everybody forget everything.
func (n *Node) invalidateAll() {
	if n.tracking == nil {
		return
	}
	for _, s := range n.clientsByID() {
		if s.tracker != nil {
			s.sendInvalid()
		}
	}
	clear(n.tracking.readers)
	n.tracking.items = 0
}

// broadcast tells the clients in BCAST mode what changed since the last time,
// with one message for each prefix. It runs at the end of a batch.
func (n *Node) broadcast() {
	if n.tracking == nil {
		return
	}
	for _, w := range n.tracking.prefixes {
		if len(w.keys) == 0 {
			continue
		}
		all := make([]string, 0, len(w.keys))
		for key := range w.keys {
			all = append(all, key)
		}
		slices.Sort(all)
		for s := range w.clients {
			var keys [][]byte
			for _, key := range all {
				if !(s.tracker.noLoop && w.keys[key] == s) {
					keys = append(keys, []byte(key))
				}
			}
			if len(keys) > 0 {
				s.sendInvalid(keys...)
			}
		}
		clear(w.keys)
	}
}

// sendInvalid sends a message about keys, without any: about all, to the client
// or to the one it redirects to. RESP2 has no pushes: there only a subscriber
// can be told.
func (s *session) sendInvalid(keys ...[]byte) {
	to := s
	if id := s.tracker.redirect; id != 0 {
		if to = s.node.clients[id]; to == nil || to.closing {
			s.redirectionBroke()
			return
		}
	}
	var b []byte
	switch {
	case to.proto >= 3:
		b = resp.AppendBulkString(resp.AppendPush(b, 3, 2), "invalidate")
	case to != s && to.subs != nil:
		b = resp.AppendBulkString(resp.AppendArray(b, 3), kinds[channels].message)
		b = resp.AppendBulkString(b, "__redis__:invalidate")
	default:
		return
	}
	if keys == nil {
		b = resp.AppendNull(b, to.proto)
	} else {
		b = resp.AppendArray(b, len(keys))
	}
	for _, key := range keys {
		b = resp.AppendBulk(b, key)
	}
	to.push(b)
}

func (s *session) redirectionBroke() {
	s.tracker.broken = true
	if s.proto >= 3 {
		b := resp.AppendBulkString(resp.AppendPush(nil, 3, 2), "tracking-redir-broken")
		s.push(resp.AppendInt(b, s.tracker.redirect))
	}
}

// commandEnds lets CLIENT CACHING stand for one command, or one transaction.
func (t *tracker) commandEnds(s *session) {
	aboutClients := s.last != nil && s.last.cmd.Parent != nil && s.last.cmd.Parent.Name == "client"
	if t.caching && s.multi == nil && !aboutClients {
		t.caching = false
	}
}

// letters are the flags of CLIENT LIST that tell of tracking.
func (t *tracker) letters() string {
	var b strings.Builder
	if t != nil {
		b.WriteByte('t')
		if t.broken {
			b.WriteByte('R')
		}
		if t.bcast {
			b.WriteByte('B')
		}
	}
	return b.String()
}

// redirection is the id that CLIENT GETREDIR replies.
func (s *session) redirection() int64 {
	if s.tracker == nil {
		return -1
	}
	return s.tracker.redirect
}
