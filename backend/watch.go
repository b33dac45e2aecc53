package backend

import "holdfast/backend/internal/commands"

// watchSet is what a session watches.
type watchSet struct {
	keys   map[dbKey]struct{}
	broken bool // one of them was changed
}

// dbKey names a key of a database.
type dbKey struct {
	db  int
	key string
}

func watch(s *session, x *commands.Ctx) {
	if s.multi != nil {
		x.Err("ERR WATCH inside MULTI is not allowed")
		return
	}
	for _, key := range x.Args[1:] {
		s.watchKey(dbKey{s.db, string(key)})
	}
	x.OK()
}

func (s *session) watchKey(k dbKey) {
	if _, ok := s.watch.keys[k]; ok {
		return
	}
	if s.watch.keys == nil {
		s.watch.keys = make(map[dbKey]struct{})
	}
	s.watch.keys[k] = struct{}{}
	n := s.node
	if n.watchers[k] == nil {
		n.watchers[k] = make(map[*session]struct{})
	}
	n.watchers[k][s] = struct{}{}
}

func (s *session) unwatch() {
	for k := range s.watch.keys {
		delete(s.node.watchers[k], s)
		if len(s.node.watchers[k]) == 0 {
			delete(s.node.watchers, k)
		}
	}
	s.watch = watchSet{}
}

// touched breaks the transactions of all that watch a key.
func (n *Node) touched(db int, key []byte) {
	for s := range n.watchers[dbKey{db, string(key)}] {
		s.watch.broken = true
	}
}

// touchedAll breaks the transactions of all that watch a key of db, or any key
// when db is negative: FLUSHALL, SWAPDB, a full resync.
func (n *Node) touchedAll(db int) {
	for k, all := range n.watchers {
		if db < 0 || k.db == db {
			for s := range all {
				s.watch.broken = true
			}
		}
	}
}
