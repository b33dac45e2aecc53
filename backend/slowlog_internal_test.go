package backend

import (
	"runtime"
	"testing"
	"time"

	"holdfast/backend/command"
)

// A long slow log that is full takes what comes without being copied each time.
func TestFullSlowlogIsNotCopied(t *testing.T) {
	const most, more = 10_000, 1000
	var l slowlog
	add := func() {
		l.add(most, 0, new(session), command.Named("get"), [][]byte{[]byte("get"), []byte("k")}, time.Second)
	}
	for range most {
		add()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range more {
		add()
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / more; per > 10<<10 {
		t.Errorf("%d bytes an entry", per)
	}
	if len(l.entries) != most || l.entries[0].id != more || l.entries[most-1].id != most+more-1 {
		t.Errorf("%d entries from %d on", len(l.entries), l.entries[0].id)
	}
}
