package backend

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/repl"
	"holdfast/conf"
)

// The incarnation names a node's data for its group: a holder that confirmed a
// write under it still has that write while it keeps the name. So a
// process gets a new one unless dir/incarnation proves that nothing is lost:
//
//  1. A clean end that saved everything writes which data this was, and where in
//     the history. The next start takes the file away, durably, before anything
//     else; the name is kept if what it loads is exactly that.
//  2. With appendonly, appendfsync always and write-acks-durable nothing is
//     confirmed that is not on disk, and the file stays while the node runs: also
//     after a crash all is there. It goes, durably, before one of the three is
//     switched off.
//  3. A node without a group needs no proof, and writes none.
type identity struct {
	name  atomic.Pointer[string]
	claim *proof // of the start, until the data is loaded; nil: none

	// Under the engine lock.
	standing string // the file of rule 2; "": there is none
	whole    *proof // what a clean end has on disk; nil: it is not known to be all
}

// proof is the content of dir/incarnation.
type proof struct {
	Incarnation string `json:"incarnation"`
	By          string `json:"by"` // byEnd or byLog
	ReplID      string `json:"replid"`
	Epoch       uint64 `json:"data_epoch"`
	Offset      uint64 `json:"offset"`
}

const (
	identityFile = aof.ProofFile
	byEnd        = "a clean end"
	byLog        = "appendfsync always"
)

func (n *Node) incarnation() string { return *n.identity.name.Load() }

// newIncarnation says that what this node confirmed under its former name it may
// not have any more.
func (n *Node) newIncarnation() string {
	name := randomID(20)
	n.identity.name.Store(&name)
	return name
}

// provesItself tells whether all that is confirmed under a configuration is on
// disk.
func provesItself(cfg *conf.NodeConfig) bool {
	return cfg.AppendOnly && cfg.AppendFsync == "always" && cfg.WriteAcksDurable
}

// claimIdentity takes up the name that a proof of the last run is for, and
// consumes it. Whether it holds is seen when the data is loaded.
func (n *Node) claimIdentity(cfg *conf.NodeConfig) error {
	n.newIncarnation()
	file := filepath.Join(cfg.Dir, identityFile)
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var p proof
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil || len(p.Incarnation) != repl.IDLen {
		n.log.Warn("The proof of what this node held last cannot be read; it begins as a new incarnation", "file", file, "err", err)
	} else {
		n.identity.name.Store(&p.Incarnation)
		n.identity.claim = &p
	}
	if err == nil && p.By == byLog && provesItself(cfg) {
		n.identity.standing = file
		return nil
	}
	return removeDurably(file)
}

func removeDurably(file string) error {
	err := os.Remove(file)
	if err == nil {
		err = syncDir(filepath.Dir(file))
	}
	if err != nil {
		return fmt.Errorf("cannot take back what proves this node's data: %w", err)
	}
	return nil
}

// settleIdentity keeps the claimed name if the loaded data is what it stands for,
// and renews the proof of rule 2 where it is to stand. Nothing has been answered
// yet but probes.
func (n *Node) settleIdentity() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	id := &n.identity
	if p := id.claim; p != nil && !n.holds(p) {
		n.log.Warn("The data is not what this node is known to have held: it begins as a new incarnation",
			"held", fmt.Sprintf("epoch %d, offset %d", p.Epoch, p.Offset), "has", fmt.Sprintf("epoch %d, offset %d", n.pair().epoch, n.pair().offset))
		n.stream.Counts(n.newIncarnation(), n.counts)
	}
	id.claim = nil
	cfg := n.cfg()
	if !n.standing.managed || !provesItself(cfg) || n.aof.log == nil || n.aof.log.Fresh() {
		return n.takeBackProof()
	}
	id.standing = filepath.Join(cfg.Dir, identityFile)
	return n.here(byLog).save(id.standing)
}

// holds tells whether the loaded data proves that nothing is missing. A file that
// is written as it is confirmed may only have got longer.
func (n *Node) holds(p *proof) bool {
	own, h := n.pair(), n.stream.History()
	if p.By == byLog {
		return n.aof.log != nil && (own.epoch > p.Epoch || own.epoch == p.Epoch && own.offset >= p.Offset)
	}
	same := h.ID == p.ReplID || h.ID2 == p.ReplID && h.Second == p.Offset
	return same && own == pair{p.Epoch, p.Offset}
}

// here is a proof for the data as it is. The engine lock is held.
func (n *Node) here(by string) *proof {
	own := n.pair()
	return &proof{Incarnation: n.incarnation(), By: by, ReplID: n.stream.History().ID, Epoch: own.epoch, Offset: own.offset}
}

func (p *proof) save(file string) error {
	b, err := json.Marshal(p)
	if err == nil {
		err = conf.WriteAtomic(file, append(b, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot store what proves this node's data: %w", err)
	}
	return nil
}

// takeBackProof ends the proof of rule 2: what is confirmed from now on need not
// be on disk. The engine lock is held.
func (n *Node) takeBackProof() error {
	file := n.identity.standing
	if file == "" {
		return nil
	}
	n.identity.standing = ""
	return removeDurably(file)
}

// noteWhole notes, at a clean end after which nothing is executed any more, that
// the snapshot file or the append-only file has everything once it is closed.
func (n *Node) noteWhole(saved *proof) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.here(byEnd)
	byFile := n.aof.log != nil && !n.aof.log.Fresh()
	if n.standing.managed && !n.apart.dead && !n.loading.Load() && (byFile || saved != nil && *saved == *now) {
		n.identity.whole = now
	}
}

// proveEnd writes the proof of rule 1 when all files are closed, unless something
// came since.
func (n *Node) proveEnd() error {
	n.mu.Lock()
	p := n.identity.whole
	still := p != nil && *p == *n.here(byEnd)
	n.mu.Unlock()
	if !still {
		return nil
	}
	return p.save(filepath.Join(n.cfg().Dir, identityFile))
}
