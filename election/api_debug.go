package election

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/resp"
	"holdfast/conf"
	"holdfast/election/internal/health"
)

// debugNames are the times that SENTINEL DEBUG of Redis changes (sentinel.c,
// sentinelSetDebugConfigParameters).
var debugNames = []string{"info-period", "ping-period", "ask-period", "publish-period", "default-down-after", "tilt-trigger", "tilt-period",
	"slave-reconf-timeout", "min-link-reconnect-period", "default-failover-timeout", "election-timeout", "script-max-runtime", "script-retry-delay"}

// debug is SENTINEL DEBUG [name milliseconds …]: the times that mean something
// here, in Redis's order. They are fixed: what it would change is refused.
func debug(c *conn, args [][]byte) {
	if len(args) > 0 {
		c.fail("ERR " + debugError(args))
		return
	}
	monitor := conf.NewMonitor("", "")
	times := []struct {
		name string
		is   time.Duration
	}{
		{"INFO-PERIOD", health.InfoPeriod},
		{"PING-PERIOD", maxPing},
		{"ASK-PERIOD", reportPace},
		{"DEFAULT-DOWN-AFTER", monitor.DownAfter},
		{"DEFAULT-FAILOVER-TIMEOUT", monitor.FailoverTimeout},
		{"TILT-TRIGGER", health.TiltTrigger},
		{"TILT-PERIOD", health.TiltPeriod},
		{"ELECTION-TIMEOUT", c.server.s.cfg.Raft.Timeout},
	}
	c.out = resp.AppendMap(c.out, c.proto, len(times))
	for _, t := range times {
		c.out = resp.AppendBulkString(c.out, t.name)
		c.out = resp.AppendBulkInt(c.out, t.is.Milliseconds())
	}
}

// debugError is why times are not changed: in Redis's words where Redis refuses
// too.
func debugError(args [][]byte) string {
	for i := 0; i < len(args); i += 2 {
		name := string(args[i])
		if i+1 == len(args) || !slices.Contains(debugNames, strings.ToLower(name)) {
			return "Unknown option or number of arguments for SENTINEL DEBUG '" + name + "'"
		}
		if ms, err := strconv.ParseInt(string(args[i+1]), 10, 64); err != nil || ms <= 0 {
			return fmt.Sprintf("Invalid argument '%s' for SENTINEL DEBUG '%s'", args[i+1], name)
		}
	}
	return "SENTINEL DEBUG changes nothing here: the times of a sentinel are fixed, but for those of SENTINEL SET and raft.timeout"
}
