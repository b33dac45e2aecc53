package health

import (
	"strings"
	"time"
)

// InfoPeriod is how often INFO is read from a healthy node; the role in it may
// be that old (sentinel.c, SENTINEL_INFO_PERIOD).
const InfoPeriod = 10 * time.Second

// ValidReply tells whether the reply to a PING shows a living server. text is
// the reply's text, error or not.
func ValidReply(text string) bool {
	return text == "PONG" || strings.HasPrefix(text, "LOADING") || strings.HasPrefix(text, "MASTERDOWN")
}

// Node is what one sentinel has seen of one node. The zero value has seen
// nothing; Start begins the observation.
type Node struct {
	started   time.Time
	replied   time.Time    // last valid reply
	runID     string       // of the process that gave it
	asked     time.Time    // oldest request without a reply; zero without one
	sinceRole time.Time    // since when the role below is reported
	replica   bool         // the node calls itself a replica
	epoch     uint64       // in which it is supposed to be the master; 0: it is not
	expected  time.Time    // since when
	broken    int          // how often in a row it broke a connection or refused one
	refusedAt [2]time.Time // the last two refusals
	dead      string       // run id of a process that is known not to exist any more
}

// Start begins the observation, as if the node had answered now. A node that
// was never heard is thus down after one down-after.
func (n *Node) Start(now time.Time) { *n = Node{started: now, replied: now} }

// Asked records that a PING, or another request that counts as one, went out.
func (n *Node) Asked(now time.Time) {
	if n.asked.IsZero() {
		n.asked = now
	}
}

// Replied records a valid reply of the process runID.
func (n *Node) Replied(runID string, now time.Time) {
	n.replied, n.asked, n.runID, n.broken = now, time.Time{}, runID, 0
}

// What became of a connection.
type Loss int

// The losses.
const (
	Silent  Loss = iota // it, or an attempt to make one, timed out
	Broken              // the other end closed or reset it
	Refused             // a dial was refused: the host lives and nobody listens
)

// Lost records that there is no connection.
func (n *Node) Lost(l Loss, now time.Time) {
	switch l {
	case Silent:
		n.broken = 0 // a timeout is not a refusal
	case Broken:
		n.broken = 1
	case Refused:
		n.broken++
		n.refusedAt = [2]time.Time{n.refusedAt[1], now}
	}
}

// Died records that the process that gave the last valid reply does not exist any
// more.
func (n *Node) Died() { n.dead = n.runID }

// Dead tells whether that is known of the process that gave the last valid reply.
func (n *Node) Dead() bool { return n.dead != "" && n.dead == n.runID }

// redialsApart is how far apart the two refusals are that show a process gone.
const redialsApart = 100 * time.Millisecond

// Gone tells whether no process listens there any more: a connection was broken
// or refused, and the last two dials after that, not at the same moment, too.
func (n *Node) Gone() bool {
	return n.broken >= 3 && n.refusedAt[1].Sub(n.refusedAt[0]) >= redialsApart
}

// Role records the role that the node reports.
func (n *Node) Role(replica bool, now time.Time) {
	if n.sinceRole.IsZero() || n.replica != replica {
		n.sinceRole = now
	}
	n.replica = replica
}

// Expect says that the group takes the node for the master of an epoch, 0 for
// none. What it called itself before that is nothing to hold against it: the
// last report may be an INFO that is older than its promotion.
func (n *Node) Expect(epoch uint64, now time.Time) {
	if n.epoch != epoch {
		n.epoch, n.expected = epoch, now
	}
}

// Shift moves everything seen forward by a time in which this process slept.
func (n *Node) Shift(by time.Duration) {
	for _, t := range []*time.Time{&n.started, &n.replied, &n.asked, &n.sinceRole, &n.expected} {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
}

// RunID is the process that replied last, "" before the first reply.
func (n *Node) RunID() string { return n.runID }

// Silence is how long the node has given no valid reply.
func (n *Node) Silence(now time.Time) time.Duration { return now.Sub(n.replied) }

// Down tells whether the node is subjectively down: silent for too long, or
// calling itself a replica for too long while it is supposed to be the master.
func (n *Node) Down(now time.Time, downAfter time.Duration) bool {
	if n.Silence(now) > downAfter {
		return true
	}
	patience := downAfter + 2*InfoPeriod
	return n.epoch > 0 && n.replica && now.Sub(n.sinceRole) > patience && now.Sub(n.expected) > patience
}

// Verdict is what a sentinel tells the others about the group's master. It
// names the process it judges, so that a verdict on one process is never
// counted against its successor at the same address.
type Verdict struct {
	RunID string `json:"run_id"`
	Down  bool   `json:"down"`
	Gone  bool   `json:"gone,omitempty"` // nobody listens there: down, if a replica says that its link broke
	Dead  bool   `json:"dead,omitempty"` // the process does not exist any more, as its machine knows
}

// Judge returns the verdict on the process runID, which is the group's master.
// Another process that answers at its address proves that it is gone.
func (n *Node) Judge(runID string, now time.Time, downAfter time.Duration) Verdict {
	gone := n.runID != "" && runID != "" && n.runID != runID
	return Verdict{RunID: runID, Down: gone || n.Down(now, downAfter), Gone: n.Gone(), Dead: n.Dead() && n.dead == runID}
}
