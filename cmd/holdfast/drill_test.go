package main_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"holdfast/cmd/internal/drill"
)

// judgment is what a drill may show at most.
type judgment struct {
	pause float64 // ms
}

func (j judgment) check(t *testing.T, all []drill.Outcome) {
	t.Helper()
	// What the machine stalls for itself is not in all of them.
	least := slices.MinFunc(all, func(a, b drill.Outcome) int { return cmp.Compare(a.Pause, b.Pause) })
	if least.Pause > j.pause**drillSlack {
		t.Errorf("the shortest pause was %.0f ms; at most %.0f are promised, and %v times that passes here", least.Pause, j.pause, *drillSlack)
	}
	for _, o := range all {
		if !o.Clean() {
			t.Errorf("run %d: %d lost, %d doubled, %d refused but applied, %d out of order, %d stale: %v",
				o.Run, o.Lost, o.Doubled, o.RefusedApplied, o.Reordered, o.Stale, o.Examples)
		}
		if o.Acknowledged == 0 {
			t.Errorf("run %d proves nothing: no write was acknowledged", o.Run)
		}
		if len(o.Errors) > 0 {
			t.Errorf("run %d: clients saw errors: %v", o.Run, o.Errors)
		}
	}
}

func runs() string { return fmt.Sprintf("--runs %d", *drillRuns) }

func TestKillMaster(t *testing.T) {
	c := startCluster(t, fast)
	judgment{pause: 1500}.check(t, c.drill("kill-master", runs()))
}

func TestFreezeMaster(t *testing.T) {
	c := startCluster(t, fast)
	judgment{pause: 2500}.check(t, c.drill("freeze-master", runs()))
}

func TestSwitchover(t *testing.T) {
	c := startCluster(t, fast)
	judgment{pause: 300}.check(t, c.drill("switchover", runs()))
}

func TestKillLeadingSentinel(t *testing.T) {
	c := startCluster(t, fast)
	judgment{pause: 300}.check(t, c.drill("kill-sentinel", runs()))
}

// Two proxies share the load, and half of it are reads.
func TestKillMasterBehindTwoProxies(t *testing.T) {
	c := startCluster(t, fast+"--proxies 2")
	judgment{pause: 1500}.check(t,
		c.drill("kill-master", "--runs 1 --reads 0.5 --writers 32"))
}
