package consensus

import (
	"sync"

	"github.com/hashicorp/raft"
)

// Network joins members in one process without sockets, for tests: any two of
// them can be cut off from each other.
type Network struct {
	mu      sync.Mutex
	members map[raft.ServerAddress]*raft.InmemTransport
	cut     map[[2]raft.ServerAddress]bool
}

// NewNetwork makes a network without members.
func NewNetwork() *Network {
	return &Network{members: map[raft.ServerAddress]*raft.InmemTransport{}, cut: map[[2]raft.ServerAddress]bool{}}
}

func (w *Network) join(addr raft.ServerAddress) raft.Transport {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, t := raft.NewInmemTransport(addr)
	w.members[addr] = t
	w.wire()
	return t
}

// Cut drops everything between two members.
func (w *Network) Cut(a, b string) { w.set(a, b, true) }

// Heal undoes Cut.
func (w *Network) Heal(a, b string) { w.set(a, b, false) }

func (w *Network) set(a, b string, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[[2]raft.ServerAddress{raft.ServerAddress(a), raft.ServerAddress(b)}] = cut
	w.cut[[2]raft.ServerAddress{raft.ServerAddress(b), raft.ServerAddress(a)}] = cut
	w.wire()
}

func (w *Network) wire() {
	for from, t := range w.members {
		for to, peer := range w.members {
			switch {
			case from == to:
			case w.cut[[2]raft.ServerAddress{from, to}]:
				t.Disconnect(to)
			default:
				t.Connect(to, peer)
			}
		}
	}
}
