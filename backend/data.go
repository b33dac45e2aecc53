package backend

import (
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
	"holdfast/conf"
)

// The store knows no client and no stream: what happens to keys without a command
// that names them, because their time came or for lack of room, it reports here.

// newStore makes an empty store with this node's settings.
func (n *Node) newStore() (*store.Store, error) {
	cfg := n.cfg()
	s, err := store.New(cfg.Databases)
	if err != nil {
		return nil, err
	}
	s.SetLimits(limits(cfg))
	s.SetEviction(eviction(cfg))
	return s, nil
}

// hook connects the store in use with the gate.
func (n *Node) hook(s *store.Store) {
	s.Hooks = store.Hooks{
		Changed: n.changed,
		Added:   n.tellOf(commands.NewKey, "new"),
		Missed:  n.tellOf(commands.KeyMiss, "keymiss"),
		Expired: n.expired,
		Evicted: n.evicted,
		Flushed: n.flushed,
		Swapped: n.touchedAll,
	}
}

var delWord, unlinkWord = []byte("DEL"), []byte("UNLINK")

// deletionWord is the command that stands for a deletion in the stream.
func deletionWord(lazy bool) []byte {
	if lazy {
		return unlinkWord
	}
	return delWord
}

// looksAtAny tells which commands look at keys that they do not name.
func looksAtAny(c *command.Command) bool { return c.Name == "scan" || c.Name == "randomkey" }

// expired propagates that a key's time has come. The store reports the change
// next.
func (n *Node) expired(db int, key []byte) {
	n.expiring = true
	n.unit.alone(db, [][]byte{deletionWord(n.options.LazyExpire), key})
	if s := n.running; s != nil && s.last != nil && looksAtAny(s.last.cmd) {
		n.unit.cut() // what else it finds past has nothing to do with this
	}
	if n.events.keyspace || n.events.keyevent {
		n.event(commands.Expired, "expired", db, key)
	}
}

// flushed is the store's report that a database was emptied, all when db is
// negative.
func (n *Node) flushed(db int) {
	n.touchedAll(db)
	n.invalidateAll()
	if db < 0 {
		n.abandonSave()
	}
}

// limits are the sizes up to which values keep their compact encodings.
func limits(cfg *conf.NodeConfig) types.Limits {
	l := types.DefaultLimits()
	l.HashMaxListpackEntries, l.HashMaxListpackValue = cfg.HashMaxListpackCount, int(cfg.HashMaxListpackValue)
	l.SetMaxIntsetEntries = cfg.SetMaxIntsetCount
	l.SetMaxListpackEntries, l.SetMaxListpackValue = cfg.SetMaxListpackCount, cfg.SetMaxListpackValue
	l.ZSetMaxListpackEntries, l.ZSetMaxListpackValue = cfg.ZsetMaxListpackCount, int(cfg.ZsetMaxListpackValue)
	l.ListMaxListpackSize = cfg.ListMaxListpackSize
	l.StreamNodeMaxBytes, l.StreamNodeMaxEntries = int(cfg.StreamNodeMaxBytes), cfg.StreamNodeMaxEntries
	return l
}
