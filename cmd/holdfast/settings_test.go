package main_test

import (
	"fmt"
	"testing"
	"time"

	"holdfast/cmd/internal/up"
	"holdfast/election/topology"
)

// A setting of the group that is changed at one sentinel is seen at all, and at
// one that was killed and came back, whose flags say otherwise. The group serves
// by it.
func TestSettingsOfTheGroup(t *testing.T) {
	t.Parallel()
	c := startCluster(t, fast+"--failover-timeout 9000")
	c.awaitWhole()
	everywhere := func(field, want string) {
		t.Helper()
		for _, s := range c.state().Sentinels {
			await(t, 20*time.Second, fmt.Sprintf("%s %s at the sentinel %s", field, want, s.Addr), func() error {
				v, err := do(t, 5*time.Second, s.Addr, "SENTINEL", "MASTER", up.Group)
				if got := v.Pairs()[field].Text; err == nil && got != want {
					err = fmt.Errorf("it is %q", got)
				}
				return err
			})
		}
	}
	everywhere("failover-timeout", "9000")
	first := c.state().Sentinels[0]
	mustDo(t, first.Addr, "SENTINEL", "SET", up.Group, "failover-timeout", "12345", "write-acks", "2")
	everywhere("failover-timeout", "12345")
	everywhere("write-acks", "2")

	victim := c.state().Sentinels[1]
	c.kill(victim)
	await(t, 20*time.Second, "the sentinel is back", func() error {
		if c.state().Sentinels[1].PID == victim.PID {
			return fmt.Errorf("it is still process %d", victim.PID)
		}
		return nil
	})
	everywhere("failover-timeout", "12345")
	everywhere("write-acks", "2")

	c.awaitTopology("writes take two confirmations", func(t *topology.Topology) bool { return t.Serves() && t.WriteAcks == 2 && !t.Degraded })
	mustDo(t, c.proxy(), "SET", "k", "v")
}
