package main_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Masters are killed while clients push to queues and pop from them. Every element
// that is surely in a queue comes out once, to one client, and who waits at a queue
// that stays empty hears nothing of it.
func TestPopsTakeEffectOnceAcrossKills(t *testing.T) {
	c := startCluster(t, fast+"--hold-timeout 60s --write-acks-timeout 60000 ")
	c.awaitWhole()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	rdb := redis.NewClient(&redis.Options{Addr: c.proxy(), ReadTimeout: 90 * time.Second, MaxRetries: -1, PoolSize: 60})
	defer rdb.Close()

	var mu sync.Mutex
	came := make(map[string]int) // element → how often
	var popped atomic.Int64
	take := func(element string) {
		mu.Lock()
		defer mu.Unlock()
		came[element]++
		popped.Add(1)
	}
	pops := []func() (string, error){
		func() (string, error) { return second(rdb.BLPop(ctx, 0, "queue").Result()) },
		func() (string, error) { return second(rdb.BRPop(ctx, 0, "queue").Result()) },
		func() (string, error) { return rdb.BLMove(ctx, "queue", "moved", "LEFT", "RIGHT", 0).Result() },
		func() (string, error) {
			_, all, err := rdb.BLMPop(ctx, 0, "left", 1, "queue").Result()
			return strings.Join(all, " "), err
		},
	}
	var consumers, idle sync.WaitGroup
	for i := range 12 {
		consumers.Go(func() {
			for {
				element, err := pops[i%len(pops)]()
				switch {
				case err != nil:
					t.Errorf("a pop: %v", err)
					return
				case element == "end":
					return
				}
				take(element)
			}
		})
	}
	for i := range 10 {
		idle.Go(func() {
			if v, err := second(rdb.BLPop(ctx, 0, fmt.Sprint("idle", i)).Result()); err != nil || v != "late" {
				t.Errorf("who waited all the time got %q, %v", v, err)
			}
		})
	}

	pushing, stop := context.WithCancel(ctx)
	var producers sync.WaitGroup
	pushed := make([]int, 3)
	for i := range pushed {
		producers.Go(func() {
			for pushing.Err() == nil {
				element := fmt.Sprintf("%d-%d", i, pushed[i])
				if err := rdb.RPush(ctx, "queue", element).Err(); err != nil {
					t.Errorf("a push: %v", err)
					return
				}
				pushed[i]++
			}
		})
	}
	under := func(more int64) {
		at := popped.Load()
		await(t, time.Minute, "elements are popped", func() error {
			if got := popped.Load() - at; got <= more {
				return fmt.Errorf("%d were", got)
			}
			return nil
		})
	}
	for range 3 {
		under(300)
		c.kill(c.master())
		c.awaitWhole()
	}
	under(300)
	stop()
	producers.Wait()
	for i := range 10 {
		if err := rdb.RPush(ctx, fmt.Sprint("idle", i), "late").Err(); err != nil {
			t.Error(err)
		}
	}
	idle.Wait()
	await(t, time.Minute, "the queue is empty", func() error {
		if n, err := rdb.LLen(ctx, "queue").Result(); err != nil || n > 0 {
			return fmt.Errorf("it has %d elements (%v)", n, err)
		}
		return nil
	})
	for range 12 {
		rdb.RPush(ctx, "queue", "end")
	}
	consumers.Wait()

	for i, n := range pushed {
		for j := range n {
			if e := fmt.Sprintf("%d-%d", i, j); came[e] != 1 {
				t.Errorf("%s came out %d times", e, came[e])
			}
		}
	}
	t.Logf("%d popped", popped.Load())
}

// second is the element of what BLPOP answers.
func second(pair []string, err error) (string, error) {
	if err != nil || len(pair) != 2 {
		return "", err
	}
	return pair[1], nil
}
