package consensus

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Member is one sentinel: a stable id and the host:port of its raft listener.
type Member struct{ ID, Addr string }

// Config of one member.
type Config struct {
	ID      string        // this member, one of Members
	Listen  string        // host:port to bind; "": the member's own address
	Members []Member      // identical on every member
	Single  bool          // allow a group of one, which cannot survive and cannot disagree
	Dir     string        // of the log and the snapshots; exists
	Timeout time.Duration // of heartbeats and elections; 0: DefaultTimeout

	Logger  *slog.Logger // nil: slog.Default
	Network *Network     // tests only: members in one process, no sockets
	NoSync  bool         // tests only: the log is not forced to disk
}

// DefaultTimeout is the silence of a leader after which another is elected.
// With a factor of two for the vote, a group is without a leader for about half
// a second. Below 200 ms the pauses of a busy machine look like deaths.
const DefaultTimeout = 250 * time.Millisecond

// Validate tells what is wrong with a configuration, in words for whoever wrote
// it.
func (c *Config) Validate() error {
	if c.ID == "" {
		return errors.New("raft: no id: set raft.id to this sentinel's name among raft.members")
	}
	if len(c.Members) == 0 {
		return errors.New("raft: no members: set raft.members to every sentinel, the same list on each of them")
	}
	if len(c.Members) == 1 && !c.Single {
		return errors.New("raft: a group of one member would split from every other one: list all sentinels in raft.members, or set raft.single = yes")
	}
	ids, addrs := map[string]bool{}, map[string]bool{}
	for _, m := range c.Members {
		switch {
		case m.ID == "" || m.Addr == "":
			return fmt.Errorf("raft: member %q=%q lacks its id or its address", m.ID, m.Addr)
		case ids[m.ID]:
			return fmt.Errorf("raft: two members have the id %s", m.ID)
		case addrs[m.Addr]:
			return fmt.Errorf("raft: two members have the address %s", m.Addr)
		}
		ids[m.ID], addrs[m.Addr] = true, true
	}
	if !ids[c.ID] {
		return fmt.Errorf("raft: raft.members does not name this sentinel, %s: add %s=host:port to the list on every member", c.ID, c.ID)
	}
	return nil
}

// own is this member's entry in the list.
func (c *Config) own() Member {
	for _, m := range c.Members {
		if m.ID == c.ID {
			return m
		}
	}
	return Member{}
}
