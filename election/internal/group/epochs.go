package group

import (
	"fmt"
	"slices"
)

// Belong gives a group that has no epoch yet the id which its nodes remember: its
// sentinels were built anew, and the nodes obey no other id.
type Belong struct {
	ID string `json:"id"`
}

func (c *Belong) apply(t *turn) error {
	if err := t.in("belong", 0, Born); err != nil {
		return err
	}
	t.g.ID = c.ID
	return nil
}

// Seal takes a new epoch. From its commit on nothing of an older one is
// granted any more.
type Seal struct {
	From   uint64 `json:"from"` // the epoch it was decided in
	Epoch  uint64 `json:"epoch"`
	Cause  Cause  `json:"cause"`
	Prefer string `json:"prefer,omitempty"`
	Votes  int    `json:"votes,omitempty"` // of ForODown
	Fewer  int    `json:"fewer,omitempty"` // of ForRetry: by how many confirmations less it is tried
}

func (c *Seal) apply(t *turn) error {
	g := t.g
	if g.Epoch != c.From || c.Epoch <= c.From {
		return stale("seal", "epoch", c.From, g.Epoch)
	}
	if c.Cause == ForSwitch && g.Phase != Switching {
		return stale("seal", "phase", Switching, g.Phase)
	}
	odown := c.Cause == ForODown
	if odown {
		t.say(g, "+odown", fmt.Sprintf("%s #quorum %d/%d", g.master(), c.Votes, g.Settings.Quorum))
	}
	if g.Phase == Promoting && !odown {
		t.say(g, "-failover-abort-slave-timeout", g.master())
	}
	g.Attempt = Attempt{Cause: c.Cause, Prefer: c.Prefer, ODown: odown || g.Attempt.ODown, Fewer: c.Fewer}
	g.Epoch, g.Next, g.Candidate, g.Reason = c.Epoch, nil, Master{}, ""
	t.enter(Sealing)
	t.say(g, "+new-epoch", fmt.Sprint(c.Epoch))
	if c.Cause != ForBirth {
		t.say(g, "+try-failover", g.master())
		t.say(g, "+elected-leader", g.master())
		t.say(g, "+failover-state-select-slave", g.master())
	}
	return nil
}

// Choose gives the sealed epoch to one process and names the holders that must
// confirm its barrier.
type Choose struct {
	Epoch   uint64   `json:"epoch"`
	Addr    string   `json:"addr"`
	RunID   string   `json:"run_id"`
	Offset  int64    `json:"offset"` // where the epoch starts
	N       int      `json:"n"`
	Members []string `json:"members"`
	Loss    string   `json:"loss,omitempty"` // why answered writes may be missing; "" when none can be
}

func (c *Choose) apply(t *turn) error {
	if err := t.in("choose", c.Epoch, Sealing); err != nil {
		return err
	}
	g := t.g
	if g.Attempt.Cause != ForBirth {
		chosen := g.instance(c.Addr)
		t.say(g, "+selected-slave", chosen)
		t.say(g, "+failover-state-send-slaveof-noone", chosen)
		t.say(g, "+failover-state-wait-promotion", chosen)
	}
	if c.Loss != "" {
		t.say(g, "+possible-loss", g.master()+" #"+c.Loss)
	}
	if g.Master.RunID != c.RunID {
		clear(g.Verdicts)
	}
	g.Master = Master{Addr: c.Addr, RunID: c.RunID, Epoch: c.Epoch}
	g.Old = append(g.Old, c.RunID)
	t.next(c.N, c.Members)
	g.Starts = append(g.Starts, Start{Epoch: c.Epoch, RunID: c.RunID, Addr: c.Addr, Offset: c.Offset})
	if len(g.Starts) > maxStarts {
		g.Starts = slices.Delete(g.Starts, 0, len(g.Starts)-maxStarts)
	}
	g.Reason = ""
	t.enter(Promoting)
	return nil
}

// maxStarts bounds the list of epochs. A node that was away for longer takes a
// full copy, as it would for the lack of a backlog.
const maxStarts = 1024

// next names the pair that shall be in force next, under a version of its own.
func (t *turn) next(n int, members []string) {
	t.g.LastVersion++
	members = slices.Clone(members)
	slices.Sort(members)
	t.g.Next = &Holders{Version: t.g.LastVersion, N: n, Members: members}
}

// Open commits that the chosen master's barrier is confirmed: it serves.
type Open struct {
	Epoch   uint64   `json:"epoch"`
	RunID   string   `json:"run_id"`
	Holders uint64   `json:"holders"` // the version that confirmed
	ReplID  string   `json:"replid"`
	Synced  []string `json:"synced,omitempty"` // replicas that stream already
}

func (c *Open) apply(t *turn) error {
	if err := t.in("open", c.Epoch, Promoting); err != nil {
		return err
	}
	g := t.g
	if g.Master.RunID != c.RunID || g.Next == nil || g.Next.Version != c.Holders {
		return stale("open", "process and holders", fmt.Sprint(c.RunID, c.Holders), fmt.Sprint(g.Master.RunID, g.Next))
	}
	old := g.Opened
	if old.Epoch == 0 {
		old.Addr = g.Master.Addr // nobody was switched away from
	}
	g.Holders, g.Next = *g.Next, nil
	g.Opened, g.Old = g.Master, []string{g.Master.RunID}
	g.LongestLease = g.Settings.Lease // those of earlier epochs have run out
	g.Starts[len(g.Starts)-1].ReplID = c.ReplID
	g.Reason = ""
	t.enter(Stable)
	t.settleNodes(c.Synced)
	t.sayOpened(old, c.Synced)
	g.Attempt = Attempt{}
	t.weigh()
	return nil
}

// weigh says when the N in force falls below what write-acks asks for, and when
// it is that again.
func (t *turn) weigh() {
	g := t.g
	degraded := g.Holders.N < g.Settings.WriteAcks
	if degraded == g.Degraded {
		return
	}
	g.Degraded = degraded
	name := map[bool]string{true: "+write-acks-degraded", false: "-write-acks-degraded"}[degraded]
	t.say(g, name, fmt.Sprintf("%s #write-acks %d/%d", g.master(), g.Holders.N, g.Settings.WriteAcks))
}

// settleNodes marks who is up now: the others are heard of again when they
// stream from the new master.
func (t *turn) settleNodes(synced []string) {
	for addr, n := range t.g.Nodes {
		n.Up = addr == t.g.Master.Addr || slices.Contains(synced, addr)
		t.g.Nodes[addr] = n
	}
}

func (t *turn) sayOpened(old Master, synced []string) {
	g := t.g
	if g.Attempt.Cause == ForBirth {
		return
	}
	from := func(addr string) string { return g.slaveOf(addr, old.Addr) }
	wasMaster := g.masterAt(old.Addr)
	t.say(g, "+promoted-slave", from(g.Master.Addr))
	t.say(g, "+failover-state-reconf-slaves", wasMaster)
	for _, addr := range synced {
		for _, step := range []string{"+slave-reconf-sent", "+slave-reconf-inprog", "+slave-reconf-done"} {
			t.say(g, step, from(addr))
		}
	}
	if g.Attempt.ODown {
		t.say(g, "-odown", wasMaster)
	}
	t.say(g, "+failover-end", wasMaster)
	if old.Addr == g.Master.Addr {
		return
	}
	t.say(g, "+switch-master", fmt.Sprintf("%s %s %s", g.Name, blank(old.Addr), blank(g.Master.Addr)))
	// The old master comes last, as with Redis (sentinelResetMasterAndChangeAddress).
	for _, addr := range g.Others() {
		if addr != old.Addr {
			t.say(g, "+slave", g.slave(addr))
		}
	}
	if _, known := g.Nodes[old.Addr]; known {
		t.say(g, "+slave", g.slave(old.Addr))
	}
}

// Switch commits the intent of a planned switchover: proxies hold new writes.
type Switch struct {
	Epoch     uint64 `json:"epoch"`
	Candidate Master `json:"candidate"`
}

func (c *Switch) apply(t *turn) error {
	if err := t.in("switch", c.Epoch, Stable); err != nil {
		return err
	}
	if t.g.Next != nil {
		return stale("switch", "holders version", t.g.Holders.Version, t.g.Next.Version)
	}
	t.g.Candidate = c.Candidate
	t.g.Reason = "planned switchover to " + c.Candidate.Addr
	t.enter(Switching)
	return nil
}

// Change begins a change of the holders. A later Change cancels it.
type Change struct {
	Epoch   uint64   `json:"epoch"`
	RunID   string   `json:"run_id"`
	Version uint64   `json:"version"` // newest used so far
	N       int      `json:"n"`
	Members []string `json:"members"`
}

func (c *Change) apply(t *turn) error {
	if err := t.in("change", c.Epoch, Stable); err != nil {
		return err
	}
	if t.g.Master.RunID != c.RunID || t.g.LastVersion != c.Version {
		return stale("change", "process and version", fmt.Sprint(c.RunID, c.Version), fmt.Sprint(t.g.Master.RunID, t.g.LastVersion))
	}
	if len(c.Members) < c.N {
		return fmt.Errorf("group: change to %d of %d holders", c.N, len(c.Members))
	}
	t.next(c.N, c.Members)
	return nil
}

// Adopt completes a change: enough of the new holders confirmed the offset that
// the master noted when it heard of the change.
type Adopt struct {
	Epoch   uint64 `json:"epoch"`
	RunID   string `json:"run_id"`
	Version uint64 `json:"version"`
}

func (c *Adopt) apply(t *turn) error {
	if err := t.in("adopt", c.Epoch, Stable); err != nil {
		return err
	}
	if t.g.Master.RunID != c.RunID || t.g.Next == nil || t.g.Next.Version != c.Version {
		return stale("adopt", "process and version", fmt.Sprint(c.RunID, c.Version), fmt.Sprint(t.g.Master.RunID, t.g.Next))
	}
	t.g.Holders, t.g.Next = *t.g.Next, nil
	t.weigh()
	return nil
}
