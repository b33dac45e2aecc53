package consensus

import (
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// gate is the transport that raft is given. While a proposal has been waiting
// for longer than limit, which with a majority at hand means that this member's
// own disk stalls, it lets no heartbeat out: the followers then elect a leader
// that can write. It opens by itself when the proposal is through or has
// failed.
type gate struct {
	raft.Transport
	limit time.Duration

	mu      sync.Mutex
	waiting map[*time.Timer]struct{} // proposals under way
	stalled int                      // of them, those over the limit
}

var errStalled = errors.New("raft: this member's disk does not answer")

func newGate(t raft.Transport, limit time.Duration) *gate {
	return &gate{Transport: t, limit: limit, waiting: map[*time.Timer]struct{}{}}
}

// watch begins to watch a proposal; done ends it, and may be called again.
func (g *gate) watch() (done func()) {
	over := false
	var t *time.Timer
	g.mu.Lock()
	defer g.mu.Unlock()
	t = time.AfterFunc(g.limit, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if _, waits := g.waiting[t]; waits {
			over = true
			g.stalled++
		}
	})
	g.waiting[t] = struct{}{}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		t.Stop()
		delete(g.waiting, t)
		if over {
			over = false
			g.stalled--
		}
	}
}

func (g *gate) closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stalled > 0
}

// close ends every watch.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for t := range g.waiting {
		t.Stop()
	}
}

func (g *gate) AppendEntries(id raft.ServerID, addr raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if g.closed() {
		return errStalled
	}
	return g.Transport.AppendEntries(id, addr, req, resp)
}

func (g *gate) AppendEntriesPipeline(id raft.ServerID, addr raft.ServerAddress) (raft.AppendPipeline, error) {
	if g.closed() {
		return nil, errStalled
	}
	p, err := g.Transport.AppendEntriesPipeline(id, addr)
	if err != nil {
		return nil, err
	}
	return gatedPipeline{AppendPipeline: p, gate: g}, nil
}

// RequestPreVote is asked of a transport by an interface of its own; without it
// raft would do without pre-votes, and a member that was cut off would unseat
// the leader when it returns.
func (g *gate) RequestPreVote(id raft.ServerID, addr raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return g.Transport.(raft.WithPreVote).RequestPreVote(id, addr, req, resp)
}

type gatedPipeline struct {
	raft.AppendPipeline
	gate *gate
}

func (p gatedPipeline) AppendEntries(req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	if p.gate.closed() {
		return nil, errStalled
	}
	return p.AppendPipeline.AppendEntries(req, resp)
}
