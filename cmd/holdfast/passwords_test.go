package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
)

// A sentinel that its nodes do not let in says so, and what it lacks; it does not
// take them for a plain Redis.
func TestSentinelWithoutThePassword(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freeport.Port(t)
	node := newService(t, "node", dir, port, "requirepass secret", fmt.Sprintf("control-port %d", freeport.Port(t)))
	sentinel := newService(t, "sentinel", dir, freeport.Port(t), "sentinel raft-id s1", "sentinel raft-single yes",
		fmt.Sprintf("sentinel raft-listen 127.0.0.1:%d", freeport.Port(t)), fmt.Sprintf("sentinel monitor mymaster 127.0.0.1 %d 1", port))
	node.start(t)
	sentinel.start(t)
	why := fmt.Sprintf("127.0.0.1:%d does not let the sentinels in (NOAUTH Authentication required.): set auth-pass", port)
	sentinel.says(t, "+waiting master mymaster", why)
	if info := mustDo(t, local(sentinel.port), "INFO", "sentinel"); !strings.Contains(info, why) {
		t.Errorf("INFO says %s", info)
	}
	mustDo(t, local(sentinel.port), "SENTINEL", "SET", "mymaster", "auth-pass", "secret")
	await(t, 20*time.Second, "the group begins", func() error {
		if info := mustDo(t, local(sentinel.port), "INFO", "sentinel"); !strings.Contains(info, "phase=stable") {
			return fmt.Errorf("%s", info)
		}
		return nil
	})
}
