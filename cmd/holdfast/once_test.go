package main_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// The connections between proxy and master are cut again and again, and the master is
// killed, under clients that pipeline. Every request takes effect once, in its place, and
// is answered what it did.
func TestRequestsTakeEffectOnceAcrossCuts(t *testing.T) {
	t.Parallel()
	c := startCluster(t, fast+"--hold-timeout 60s --write-acks-timeout 60000 ")
	c.awaitWhole()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	running, stop := context.WithCancel(ctx)
	defer stop()
	var users sync.WaitGroup
	var rounds atomic.Int64
	for i := range 8 {
		rdb := redis.NewClient(&redis.Options{Addr: c.proxy(), Protocol: 2 + i%2, ReadTimeout: 90 * time.Second, MaxRetries: -1, PoolSize: 1})
		defer rdb.Close()
		users.Go(func() {
			for n := int64(1); running.Err() == nil; n += 3 {
				if err := oneRound(ctx, rdb, fmt.Sprint("user", i), n); err != nil {
					t.Errorf("user %d, round %d: %v", i, n, err)
					return
				}
				rounds.Add(1)
			}
		})
	}
	for i := range 30 {
		if i == 15 {
			c.kill(c.master())
			c.awaitWhole()
			continue
		}
		if _, err := do(t, 10*time.Second, c.master().Addr, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"); err != nil {
			t.Fatal(err)
		}
		before := rounds.Load()
		await(t, time.Minute, "load goes on", func() error {
			if rounds.Load() < before+20 {
				return fmt.Errorf("%d rounds", rounds.Load()-before)
			}
			return nil
		})
	}
	stop()
	users.Wait()
	if resolved := proxyMetric(t, c, "holdfast_proxy_resolved_total"); resolved == 0 {
		t.Error("no request was in flight that had taken effect: the test shows nothing")
	}
	if unknown := proxyMetric(t, c, "holdfast_proxy_unknown_total"); unknown > 0 {
		t.Errorf("%d requests are unknown", unknown)
	}
}

// oneRound has a user's counter go from n-1 to n+2, by commands whose replies are kept in
// different ways, and one that changes nothing.
func oneRound(ctx context.Context, rdb *redis.Client, key string, n int64) error {
	list := key + ":list"
	var incr, pushed *redis.IntCmd
	var inner, none *redis.IntCmd
	var script *redis.Cmd
	var popped *redis.StringCmd
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		incr = p.Incr(ctx, key)
		script = p.Eval(ctx, "return redis.call('INCR',KEYS[1])", []string{key})
		pushed = p.RPush(ctx, list, n)
		popped = p.LPop(ctx, list)
		none = p.Del(ctx, key+":none")
		return nil
	})
	if err != nil {
		return err
	}
	if _, err = rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		inner = p.Incr(ctx, key)
		return nil
	}); err != nil {
		return err
	}
	second, _ := script.Int64()
	got := fmt.Sprint(incr.Val(), second, inner.Val(), pushed.Val(), popped.Val(), none.Val())
	if want := fmt.Sprint(n, n+1, n+2, 1, fmt.Sprint(n), 0); got != want {
		return fmt.Errorf("was answered %s, want %s", got, want)
	}
	return nil
}
