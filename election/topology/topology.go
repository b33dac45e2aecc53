// Package topology is what a proxy needs to know of a group: which node is the
// master in which epoch, and which nodes are its replicas.
//
// A Topology is immutable. The sentinel group makes one for every committed
// change and numbers it; receivers keep the newest and ignore the rest, so that
// late or doubled deliveries from several sentinels do no harm.
//
// The package does not promise that the newest topology is still true: a proxy
// learns that a master was replaced only when some sentinel can tell it. What
// keeps a replaced master from acknowledging writes is the protocol of the
// nodes, not this package.
package topology

import (
	"encoding/json"
	"fmt"
)

// Phase tells what the group is doing.
type Phase string

// The phases of a group.
const (
	Stable    Phase = "stable"    // the master serves
	Switching Phase = "switching" // a planned switchover: new writes must wait
	Failover  Phase = "failover"  // no master serves
)

// Node is one node as the group sees it.
type Node struct {
	Addr  string `json:"addr"` // host:port, as announced
	RunID string `json:"run_id,omitempty"`
	Up    bool   `json:"up"` // its link to the master is up and it is not SDOWN
}

// Topology is one committed view of a group. It is never changed once made.
type Topology struct {
	Group     string `json:"group"`
	Epoch     uint64 `json:"epoch"`
	Version   uint64 `json:"version"` // rises with every change, also within an epoch
	Phase     Phase  `json:"phase"`
	Reason    string `json:"reason,omitempty"` // why no master serves, for humans
	Master    Node   `json:"master"`
	Replicas  []Node `json:"replicas"`
	WriteAcks int    `json:"write_acks"`         // in force
	Degraded  bool   `json:"degraded,omitempty"` // fewer than the group is asked to have: replicas are missing
}

// Newer tells whether t replaces old. Epochs never fall; within one the version
// decides. Anything is newer than nil.
func (t *Topology) Newer(old *Topology) bool {
	switch {
	case t == nil:
		return false
	case old == nil:
		return true
	case t.Epoch != old.Epoch:
		return t.Epoch > old.Epoch
	}
	return t.Version > old.Version
}

// Serves tells whether the master takes requests.
func (t *Topology) Serves() bool { return t.Phase == Stable && t.Master.Addr != "" }

// Marshal returns the wire form, JSON in one bulk string.
func (t *Topology) Marshal() []byte {
	b, err := json.Marshal(t)
	if err != nil { // no field of a Topology can fail to marshal
		panic(err)
	}
	return b
}

// Unmarshal reads the wire form.
func Unmarshal(b []byte) (*Topology, error) {
	t := new(Topology)
	if err := json.Unmarshal(b, t); err != nil {
		return nil, fmt.Errorf("topology: cannot read %d bytes from a sentinel: %w", len(b), err)
	}
	return t, nil
}
