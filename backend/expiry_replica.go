package backend

import "holdfast/backend/internal/store"

// A replica leaves expired keys to its master's DEL. Of keys that its own
// clients wrote (replica-read-only no) the master knows nothing, so nobody would
// ever delete those: they are remembered and looked after here (expire.c,
// expireSlaveKeys).

// ownKeys are the keys that clients of a writable replica have written and that
// may expire; nil where there are none. The engine lock guards it.
type ownKeys map[dbKey]struct{}

// noteOwn remembers a key that was changed, unless by the master.
func (n *Node) noteOwn(db int, key []byte) {
	if n.applying || n.standing.role != roleReplica {
		return
	}
	if n.own == nil {
		n.own = make(ownKeys)
	}
	n.own[dbKey{db, string(key)}] = struct{}{}
}

// expireOwn deletes those of the replica's own keys whose time has come, and
// forgets those that have none; it looks at a slice of them.
func (n *Node) expireOwn() {
	if len(n.own) == 0 || n.lazy {
		return
	}
	if n.standing.role != roleReplica {
		n.own = nil // as a master it looks after all keys
		return
	}
	n.store.SetExpiry(store.ExpiryDelete)
	defer n.derive()
	looked := 0
	for k := range n.own {
		db, key := n.store.DB(k.db), []byte(k.key)
		if o, ok := db.Inspect(key); !ok || o.Expire == store.NoExpire {
			delete(n.own, k)
		}
		if looked++; looked == expireSlice {
			break
		}
	}
}
