package main_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"holdfast/cmd/internal/up"
)

// A sentinel that is asked to dies at its step of a failover, and the others
// complete it.
func TestSimulatedFailures(t *testing.T) {
	t.Parallel()
	c := startCluster(t, fast)
	for _, step := range []string{"crash-after-election", "crash-after-promotion"} {
		c.awaitWhole()
		before := c.state().Sentinels
		for _, s := range before { // only the leader gets there
			mustDo(t, s.Addr, "SENTINEL", "SIMULATE-FAILURE", step)
		}
		old := c.master()
		if _, err := do(t, 20*time.Second, before[0].Addr, "SENTINEL", "FAILOVER", up.Group); err != nil {
			t.Log(err) // its leader may be gone by then
		}
		await(t, 30*time.Second, "a sentinel died "+step, func() error {
			if slices.Equal(c.state().Sentinels, before) {
				return errors.New("all live")
			}
			return nil
		})
		await(t, 30*time.Second, "another master after a "+step, func() error {
			if c.master().Addr == old.Addr {
				return errors.New("still the old one")
			}
			return nil
		})
		for _, s := range c.state().Sentinels {
			await(t, 30*time.Second, "the sentinel "+s.Addr+" is asked for no other failure", func() error {
				_, err := do(t, time.Second, s.Addr, "SENTINEL", "SIMULATE-FAILURE", "help") // which sets none
				return err
			})
		}
	}
	c.awaitWhole()
	mustDo(t, c.proxy(), "SET", "k", "v")
}
