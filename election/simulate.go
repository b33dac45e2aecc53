package election

import (
	"os"
	"strings"

	"holdfast/backend/resp"
	"holdfast/election/internal/group"
)

// The failures of SENTINEL SIMULATE-FAILURE, as bits (sentinel.c,
// SENTINEL_SIMFAILURE_*).
const (
	crashAfterElection  = 1 << iota // a new epoch is committed for a failover that this sentinel leads
	crashAfterPromotion             // the new master serves
)

// simulateFailure is SENTINEL SIMULATE-FAILURE: it replaces what was asked for
// before.
func simulateFailure(c *conn, args [][]byte) {
	s := c.server.s
	s.failure.Store(0)
	for _, a := range args {
		switch strings.ToLower(string(a)) {
		case "crash-after-election":
			s.failure.Or(crashAfterElection)
			s.log.Warn("Failure simulation: this Sentinel will crash after being successfully elected as failover leader")
		case "crash-after-promotion":
			s.failure.Or(crashAfterPromotion)
			s.log.Warn("Failure simulation: this Sentinel will crash after promoting the selected replica to master")
		case "help":
			c.out = resp.AppendArray(c.out, 2)
			c.out = resp.AppendBulkString(c.out, "crash-after-election")
			c.out = resp.AppendBulkString(c.out, "crash-after-promotion")
			return
		default:
			c.fail("ERR Unknown failure simulation specified")
			return
		}
	}
	c.ok()
}

// simulate ends the process where a failure is asked for after what this sentinel
// has just committed.
func (l *loop) simulate(committed group.Command) {
	asked := l.s.failure.Load()
	if asked != 0 && failureAt(committed)&asked != 0 {
		l.log.Warn("Sentinel CRASH because of SENTINEL simulate-failure")
		os.Exit(99) // Redis's
	}
}

// failureAt is the failure that belongs to a step of a failover, 0 for none.
func failureAt(committed group.Command) uint32 {
	switch c := committed.(type) {
	case *group.Seal:
		if c.Cause != group.ForBirth {
			return crashAfterElection
		}
	case *group.Open:
		return crashAfterPromotion
	}
	return 0
}
