package backend

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"holdfast/backend/internal/store"
	"holdfast/conf"
)

// role is what a node is for its group or its operator.
type role uint8

const (
	roleNone    role = iota // managed and not told yet, or sealed
	roleMaster              // has the stream; may serve or not
	roleReplica             // follows a master
)

func (r role) String() string { return [...]string{"none", "master", "replica"}[r] }

// standing is a node's place in its group. A standing is never changed; a new
// one takes its place under the engine lock, and probes read the newest without
// that lock.
type standing struct {
	role     role
	serving  bool   // a master that may answer writes
	managed  bool   // the role comes from a sentinel group
	draining bool   // a master that appends nothing more
	acted    uint64 // the epoch whose PROMOTE or FOLLOW was carried out
	master   string // host:port that a replica follows
	promise
}

// promise is what must survive a restart: no epoch below it is ever obeyed
// again. It is the content of dir/epoch.
type promise struct {
	Group string `json:"group"`
	Epoch uint64 `json:"promised_epoch"`
}

const promiseFile = "epoch"

// loadPromise reads dir/epoch. A missing file is the empty promise; an
// unreadable one is an error, because guessing could let two masters be.
func loadPromise(dir string) (p promise, found bool, err error) {
	name := filepath.Join(dir, promiseFile)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return p, false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return p, true, fmt.Errorf("cannot read the promised epoch from %s: %w", name, err)
	}
	return p, true, nil
}

// save makes the promise durable: it returns after file and directory are
// synced.
func (p promise) save(dir string) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := conf.WriteAtomic(filepath.Join(dir, promiseFile), append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot store the promised epoch: %w", err)
	}
	return nil
}

// setStanding replaces the standing; the engine lock is held.
func (n *Node) setStanding(next standing) {
	if next.role != n.standing.role || !n.oom.ours {
		if err := n.applyScore(n.cfg(), next.role); err != nil {
			n.log.Warn("Unable to write oom_score_adj: " + err.Error())
		}
	}
	n.standing = next
	n.sight.Store(n.stream.Allowed()) // before it counts
	n.seen.Store(&next)
	n.derive()
}

// derive sets what the gate, the stream and the store take from the standing
// and the node's state. A master that drains appends nothing, not
// even that a key's time has come. The engine lock is held.
func (n *Node) derive() {
	leads := n.standing.role == roleMaster && !n.standing.draining && !n.loading.Load()
	if begins := leads && !n.unit.leads; begins {
		defer n.sayHolders()
	}
	n.unit.leads = leads
	n.open = leads && n.standing.serving && !n.lapsed && !n.loading.Load() && !n.saves.failed && n.aof.failed == nil && !n.guarded && !n.mu.parted
	switch {
	case n.applying:
		n.store.SetExpiry(store.ExpiryIgnore)
	case leads && n.pause.until == 0:
		n.store.SetExpiry(store.ExpiryDelete)
	default:
		n.store.SetExpiry(store.ExpiryHide)
	}
}

// Letter is how Redis's log lines show what a server is: M for a master, S for
// a replica and for a node that has no role yet. Any goroutine may ask.
func (n *Node) Letter() byte {
	if s := n.seen.Load(); s != nil && s.role == roleMaster {
		return 'M'
	}
	return 'S'
}
