package backend

import (
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/store"
)

// watchSet is what a session watches.
type watchSet struct {
	keys   map[dbKey]bool // whether the key was there when WATCH was called
	broken bool           // one of them was changed
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
	if !s.watch.broken {
		for _, key := range x.Args[1:] {
			s.watchKey(dbKey{s.db, string(key)})
		}
	}
	x.OK()
}

func (s *session) watchKey(k dbKey) {
	if _, ok := s.watch.keys[k]; ok {
		return
	}
	if s.watch.keys == nil {
		s.watch.keys = make(map[dbKey]bool)
	}
	n := s.node
	s.watch.keys[k] = n.alive(k)
	s.keep(len(k.key), 1)
	if n.watchers[k] == nil {
		n.watchers[k] = make(map[*session]struct{})
	}
	n.watchers[k][s] = struct{}{}
}

func (s *session) unwatch() {
	for k := range s.watch.keys {
		s.keep(len(k.key), -1)
		delete(s.node.watchers[k], s)
		if len(s.node.watchers[k]) == 0 {
			delete(s.node.watchers, k)
		}
	}
	s.watch = watchSet{}
}

// watchBroken tells whether a watched key was changed, or its time has come.
func (s *session) watchBroken() bool {
	if s.watch.broken {
		return true
	}
	for k, was := range s.watch.keys {
		if was && !s.node.alive(k) {
			return true
		}
	}
	return false
}

// alive tells whether a key is there, without deleting it when its time has
// come: it is asked in the middle of other commands.
func (n *Node) alive(k dbKey) bool {
	n.store.SetExpiry(store.ExpiryHide)
	defer n.derive()
	return n.store.DB(k.db).Has([]byte(k.key))
}

// touched breaks the transactions of all that watch a key. That a key which was
// gone already is deleted changes nothing for them.
func (n *Node) touched(db int, key []byte, wasGone bool) {
	k := dbKey{db, string(key)}
	for s := range n.watchers[k] {
		if !wasGone || s.watch.keys[k] {
			s.watch.broken = true
		}
	}
}

// touchedAll breaks the transactions of all that watch a key of db, or any key
// when db is negative, if the key was there or is there now: FLUSHALL, SWAPDB,
// a full resync (multi.c, touchAllWatchedKeysInDb).
func (n *Node) touchedAll(db int) {
	n.signalAll(db)
	n.leaveFootprints()
	for k, all := range n.watchers {
		if db >= 0 && k.db != db {
			continue
		}
		now := n.alive(k)
		for s := range all {
			s.watch.broken = s.watch.broken || now || s.watch.keys[k]
		}
	}
}
