package backend

import (
	"testing"
	"time"

	"holdfast/backend/internal/store"
	"holdfast/conf"
)

// Redis's numbers for the least and the greatest effort at hz 10.
func TestEffort(t *testing.T) {
	for setting, want := range map[int]effort{
		1:  {20, 10, 25 * time.Millisecond, time.Millisecond},
		10: {65, 1, 43 * time.Millisecond, 3250 * time.Microsecond},
	} {
		if got := effortOf(setting, 10); got != want {
			t.Errorf("effort %d: %+v, want %+v", setting, got, want)
		}
	}
	if e := effortOf(1, 100); e.slow != 2500*time.Microsecond {
		t.Errorf("at hz 100 a cycle takes up to %v", e.slow)
	}
}

// Fast cycles are called for after a cycle that ran out of time, and while the
// running average says that too much is past.
func TestEagerExpiry(t *testing.T) {
	e := effortOf(1, 10)
	var x expiry
	if x.eager(e) {
		t.Error("eager at the start")
	}
	x.capped = true
	if !x.eager(e) {
		t.Error("not eager after a cycle that was cut short")
	}
	x.capped = false
	for range 3 {
		x.looked(&store.ExpireCycle{Looked: 100, Expired: 80})
	}
	if x.stale < 0.11 || x.stale > 0.12 || !x.eager(e) {
		t.Errorf("stale %v", x.stale)
	}
	for range 10 {
		x.looked(&store.ExpireCycle{})
	}
	if x.eager(e) {
		t.Errorf("stale %v after cycles that found nothing", x.stale)
	}
}

func TestPaceOfTheTimer(t *testing.T) {
	for _, tc := range []struct {
		hz      int
		dynamic bool
		clients int
		want    int
	}{{10, true, 2000, 10}, {10, true, 3000, 20}, {10, true, 10_000, 80}, {10, false, 10_000, 10}, {0, true, 0, 1}, {1000, true, 0, 500}, {400, true, 1 << 20, 500}} {
		cfg := &conf.NodeConfig{Hz: tc.hz, DynamicHz: tc.dynamic}
		if got := turnsPerSecond(cfg, tc.clients); got != tc.want {
			t.Errorf("hz %d with %d clients, dynamic %v: %d turns, want %d", tc.hz, tc.clients, tc.dynamic, got, tc.want)
		}
	}
}
