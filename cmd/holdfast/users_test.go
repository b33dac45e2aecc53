package main_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"holdfast/backend/client"
)

// A user with few rights, who may not even ask what a node is, works through a
// proxy as everyone does, and under the same rules after a failover.
func TestLimitedUserAcrossAFailover(t *testing.T) {
	t.Parallel()
	c := startCluster(t, fast)
	c.awaitWhole()
	for _, n := range c.state().Nodes { // users are not replicated
		mustDo(t, n.Addr, "ACL", "SETUSER", "alice", "on", ">wonder", "+get", "+incr", "~alice:*")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	conn, err := client.Dial(ctx, c.proxy(), client.Options{User: "alice", Password: "wonder", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	allowed := func(want int64) {
		t.Helper()
		if v, err := conn.Do(ctx, "INCR", "alice:n"); err != nil || v.Int != want {
			t.Fatalf("INCR: %v, %v; want %d", v, err, want)
		}
		if _, err := conn.Do(ctx, "GET", "alice:n"); err != nil {
			t.Error(err)
		}
	}
	refused := func() {
		t.Helper()
		for _, words := range [][]string{{"GET", "other"}, {"SET", "alice:n", "0"}, {"HOLDFAST", "HELLO", "1"}} {
			if _, err := conn.Do(ctx, words...); err == nil {
				t.Errorf("%v was allowed", words)
			}
		}
	}
	allowed(1)
	refused()
	old := c.master()
	c.kill(old)
	await(t, 20*time.Second, "another master", func() error {
		if c.master().Addr == old.Addr {
			return errors.New("still the old one")
		}
		return nil
	})
	allowed(2)
	refused()
	if log, err := do(t, 10*time.Second, c.master().Addr, "INFO", "commandstats"); err != nil || !strings.Contains(log.Text, "cmdstat_holdfast|hello") {
		t.Errorf("the proxy did not greet the new master as a native node: %v", err)
	}
	if _, err := client.Dial(ctx, c.proxy(), client.Options{User: "alice", Password: "wrong", Timeout: 30 * time.Second}); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("a wrong password: %v", err)
	}
}
