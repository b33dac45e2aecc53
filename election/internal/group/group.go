package group

import (
	"maps"
	"slices"
	"time"
)

// Phase is where a group stands.
type Phase string

// The phases, in the order of a group's journey.
const (
	Born      Phase = "born"      // never had a master
	Sealing   Phase = "sealing"   // Epoch is committed, nobody owns it yet
	Promoting Phase = "promoting" // Master owns Epoch, its barrier is closed
	Stable    Phase = "stable"    // Master serves
	Switching Phase = "switching" // Master drains for Candidate; proxies hold
)

// Cause is why an epoch is sealed.
type Cause string

// The causes.
const (
	ForBirth   Cause = "birth"   // the first master
	ForODown   Cause = "odown"   // a quorum says that the master is down
	ForSwitch  Cause = "switch"  // a planned switchover has drained
	ForAbort   Cause = "abort"   // a planned switchover did not come through
	ForRetry   Cause = "retry"   // the chosen node did not get through its barrier
	ForAsked   Cause = "asked"   // an operator asked for it while the master was down
	ForForce   Cause = "force"   // an operator accepts loss
	ForPromise Cause = "promise" // a node has promised a higher epoch than the group knows
)

// Settings of a group. Create takes them from a file; Set changes them.
type Settings struct {
	Quorum          int           `json:"quorum"`
	DownAfter       time.Duration `json:"down_after"`
	FailoverTimeout time.Duration `json:"failover_timeout"`
	FastDown        bool          `json:"fast_down"` // refused connections are enough, if a replica agrees
	ParallelSyncs   int           `json:"parallel_syncs"`
	WriteAcks       int           `json:"write_acks"`
	Strict          bool          `json:"strict"`    // too few replicas: writes wait, N is not lowered
	Lease           time.Duration `json:"lease"`     // of the right to serve with N = 0; 0: it has no end
	Available       bool          `json:"available"` // promotion = available

	// At the nodes. Nil: as each sentinel's file says.
	AuthUser *string `json:"auth_user,omitempty"`
	AuthPass *string `json:"auth_pass,omitempty"`
}

// Node is one known node. A node is its address: its run id and incarnation
// change over its lives.
type Node struct {
	Addr        string `json:"addr"`
	RunID       string `json:"run_id,omitempty"`
	Incarnation string `json:"incarnation,omitempty"`
	Control     string `json:"control,omitempty"` // host:port of the control port
	Priority    int    `json:"priority"`
	Native      bool   `json:"native"` // false until it was heard to speak the native protocol
	Up          bool   `json:"up"`     // streams from the master and is not SDOWN
}

// Master is one process in the right of one epoch.
type Master struct {
	Addr  string `json:"addr"`
	RunID string `json:"run_id,omitempty"`
	Epoch uint64 `json:"epoch"`
}

// Holders is one version of (H, N): N of the Members, which are incarnations,
// must have confirmed a write before it is answered.
type Holders struct {
	Version uint64   `json:"version"`
	N       int      `json:"n"`
	Members []string `json:"members"` // sorted
}

// Same tells whether two versions mean the same pair.
func (h Holders) Same(n int, members []string) bool {
	return h.N == n && slices.Equal(h.Members, members)
}

// Has tells whether the incarnation is a member.
func (h Holders) Has(incarnation string) bool {
	return incarnation != "" && slices.Contains(h.Members, incarnation)
}

// Start is where an epoch begins in the history of the group.
type Start struct {
	Epoch  uint64 `json:"epoch"`
	RunID  string `json:"run_id"`
	Addr   string `json:"addr"`
	ReplID string `json:"replid"`
	Offset int64  `json:"offset"`
}

// Verdict is what one sentinel says of the master's process RunID.
type Verdict struct {
	RunID string    `json:"run_id"`
	Down  bool      `json:"down"`
	At    time.Time `json:"at"` // of the entry
}

// Attempt is why and how the newest epoch was sealed.
type Attempt struct {
	Cause  Cause  `json:"cause"`
	Prefer string `json:"prefer,omitempty"` // address that wins among equals
	ODown  bool   `json:"odown"`            // +odown was said, and -odown is due
	Fewer  int    `json:"fewer,omitempty"`  // confirmations less than write-acks: holders did not reach the one chosen before
}

// Group is the committed state of one group.
type Group struct {
	Name     string   `json:"name"`
	ID       string   `json:"id"` // what nodes remember they belong to
	Settings Settings `json:"settings"`

	Phase   Phase     `json:"phase"`
	Since   time.Time `json:"since"` // of the phase: the time of its entry
	Epoch   uint64    `json:"epoch"` // newest committed, whether owned yet or not
	Attempt Attempt   `json:"attempt"`

	Master    Master   `json:"master"`    // last chosen; at birth the configured one
	Opened    Master   `json:"opened"`    // of the last barrier
	Old       []string `json:"old"`       // run ids: Opened and every master chosen since
	Candidate Master   `json:"candidate"` // of a planned switchover

	Holders     Holders  `json:"holders"`         // in force
	Next        *Holders `json:"next,omitempty"`  // on its way to be in force
	LastVersion uint64   `json:"holders_version"` // newest ever used, so that none is used twice
	Degraded    bool     `json:"degraded"`        // N in force is lower than write-acks; it was said

	LongestLease time.Duration `json:"longest_lease"` // that a master of this epoch may have been granted

	Starts   []Start            `json:"starts"`
	Nodes    map[string]Node    `json:"nodes"`    // every node ever seen, by address
	Verdicts map[string]Verdict `json:"verdicts"` // on Master, by sentinel

	Reason  string `json:"reason,omitempty"` // what is missing, for humans
	Version uint64 `json:"version"`          // of the topology
}

// Serving tells whether the group has a master with an open barrier.
func (g *Group) Serving() bool { return g.Phase == Stable || g.Phase == Switching }

// Leased tells whether the master's right to serve rests on a lease: while the N
// in force, or the one asked for, is 0.
func (g *Group) Leased() bool {
	return g.Serving() && (g.Holders.N == 0 || g.Next != nil && g.Next.N == 0)
}

// Others returns the addresses of all nodes but the last chosen master, sorted.
func (g *Group) Others() []string {
	addrs := g.Addrs()
	return slices.DeleteFunc(addrs, func(a string) bool { return a == g.Master.Addr })
}

// Addrs returns the addresses of all known nodes, sorted.
func (g *Group) Addrs() []string { return slices.Sorted(maps.Keys(g.Nodes)) }

// Votes counts the sentinels among those that fresh accepts which say that the
// master's present process is down.
func (g *Group) Votes(fresh func(sentinel string) bool) int {
	n := 0
	for id, v := range g.Verdicts {
		if v.Down && v.RunID == g.Master.RunID && fresh(id) {
			n++
		}
	}
	return n
}

func (g *Group) clone() *Group {
	c := *g
	c.Old = slices.Clone(g.Old)
	c.Holders.Members = slices.Clone(g.Holders.Members)
	if g.Next != nil {
		next := *g.Next
		next.Members = slices.Clone(next.Members)
		c.Next = &next
	}
	c.Starts = slices.Clone(g.Starts)
	c.Nodes = maps.Clone(g.Nodes)
	c.Verdicts = maps.Clone(g.Verdicts)
	return &c
}
