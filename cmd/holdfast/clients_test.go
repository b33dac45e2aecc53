package main_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestRedisCli(t *testing.T) {
	t.Parallel()
	requireRedis(t, "redis-cli")
	c := startCluster(t, "--read-policy master") // each command is a session of its own
	cli := func(args ...string) string {
		out, stderr, _ := executeProgram(t, time.Minute, "redis-cli", append([]string{"-p", strconv.Itoa(c.opts.ProxyPort)}, args...)...)
		return strings.TrimSpace(out + stderr)
	}
	for _, step := range []struct{ command, want string }{
		{"set abc hahahahah", "OK"},
		{"get abc", "hahahahah"},
		{"-3 get abc", "hahahahah"},
		{"incr n", "1"},
		{"nonesuch", "ERR unknown command"},
		{"set abc", "ERR wrong number of arguments"},
		{"lpush abc x", "WRONGTYPE"},
		{"eval return(KEYS[1]) 1 k", "k"},
	} {
		if got := cli(strings.Fields(step.command)...); !strings.Contains(got, step.want) {
			t.Errorf("redis-cli %s: %q, want %q", step.command, got, step.want)
		}
	}
	sentinel := strconv.Itoa(c.opts.SentinelPort)
	out, _, _ := executeProgram(t, time.Minute, "redis-cli", "-p", sentinel, "sentinel", "get-master-addr-by-name", "mymaster")
	if _, port, _ := strings.Cut(c.master().Addr, ":"); !strings.Contains(out, port) {
		t.Errorf("the sentinel tells the master %q", out)
	}
}

func TestRedisBenchmark(t *testing.T) {
	requireRedis(t, "redis-benchmark")
	c := startCluster(t, "")
	for _, args := range []string{"-n 2000", "-n 8000 -P 16"} {
		all := append([]string{"-p", strconv.Itoa(c.opts.ProxyPort), "-q", "-c", "20"}, strings.Fields(args)...)
		out, stderr, status := executeProgram(t, 3*time.Minute, "redis-benchmark", all...)
		if status != 0 || strings.Contains(strings.ToLower(out+stderr), "error") {
			t.Errorf("redis-benchmark %s: status %d: %s%s", args, status, out, stderr)
		}
		if !strings.Contains(out, "MSET (10 keys)") {
			t.Errorf("redis-benchmark %s did not come to its last test:\n%s", args, out)
		}
	}
	out, stderr, status := execute(t, time.Minute, "bench", "-p", strconv.Itoa(c.opts.ProxyPort), "-n", "500", "-c", "10", "--csv")
	if status != 0 || strings.Count(out, "\n") != 20 {
		t.Errorf("holdfast bench: status %d:\n%s%s", status, out, stderr)
	}
}

// A program that uses what clients use runs through the death of the master.
// Nothing may fail.
func TestGoRedisAcrossAFailover(t *testing.T) {
	t.Parallel()
	c := startCluster(t, fast)
	c.awaitWhole()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	rdb := redis.NewClient(&redis.Options{Addr: c.proxy(), ReadTimeout: 90 * time.Second, MaxRetries: -1, PoolSize: 20})
	defer rdb.Close()

	running, stop := context.WithCancel(ctx)
	defer stop()
	var users sync.WaitGroup
	for name, use := range map[string]func(context.Context, *redis.Client) error{
		"pipeline": usePipeline, "transaction": useTransaction, "watch": useWatch, "script": useScript, "reads": useReads,
	} {
		users.Go(func() {
			for i := 0; running.Err() == nil; i++ {
				if err := use(ctx, rdb); err != nil {
					t.Errorf("%s, round %d: %v", name, i, err)
					return
				}
			}
		})
	}
	messages := subscribe(t, ctx, rdb)
	popped := make(chan string, 1)
	users.Go(func() {
		v, err := rdb.BLPop(ctx, 3*time.Minute, "queue").Result()
		if err != nil {
			t.Errorf("BLPOP across the failover: %v", err)
			return
		}
		popped <- v[1]
	})

	time.Sleep(500 * time.Millisecond) // under way
	c.kill(c.master())
	c.awaitWhole()
	if err := rdb.RPush(ctx, "queue", "element").Err(); err != nil {
		t.Errorf("RPUSH after the failover: %v", err)
	}
	select {
	case got := <-popped:
		if got != "element" {
			t.Errorf("BLPOP brought %q", got)
		}
	case <-time.After(time.Minute):
		t.Error("the client that was blocked in BLPOP was not served after the failover")
	}
	awaitMessage(t, ctx, rdb, messages)
	stop()
	cancelSoon := time.AfterFunc(2*time.Minute, cancel)
	defer cancelSoon.Stop()
	users.Wait()
}

func usePipeline(ctx context.Context, rdb *redis.Client) error {
	cmds, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range 10 {
			p.Set(ctx, fmt.Sprint("p", i), i, 0)
			p.Get(ctx, fmt.Sprint("p", i))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := 1; i < len(cmds); i += 2 {
		if got := cmds[i].(*redis.StringCmd).Val(); got != strconv.Itoa(i/2) {
			return fmt.Errorf("reply %d is %q: replies and requests do not match", i, got)
		}
	}
	return nil
}

func useTransaction(ctx context.Context, rdb *redis.Client) error {
	var n *redis.IntCmd
	_, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, "t")
		p.RPush(ctx, "t", "a", "b")
		n = p.LLen(ctx, "t")
		return nil
	})
	if err == nil && n.Val() != 2 {
		err = fmt.Errorf("LLEN in a transaction: %d", n.Val())
	}
	return err
}

func useWatch(ctx context.Context, rdb *redis.Client) error {
	err := rdb.Watch(ctx, func(tx *redis.Tx) error {
		n, err := tx.Get(ctx, "w").Int()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "w", n+1, 0)
			return nil
		})
		return err
	}, "w")
	if errors.Is(err, redis.TxFailedErr) {
		return nil // what WATCH is for, also when the connection to the master was lost
	}
	return err
}

func useScript(ctx context.Context, rdb *redis.Client) error {
	return rdb.Eval(ctx, "return redis.call('incr', KEYS[1])", []string{"s"}).Err()
}

func useReads(ctx context.Context, rdb *redis.Client) error {
	err := rdb.Get(ctx, "p1").Err()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	return err
}

// subscribe waits until the subscription stands, and returns its messages.
func subscribe(t *testing.T, ctx context.Context, rdb *redis.Client) <-chan *redis.Message {
	t.Helper()
	sub := rdb.Subscribe(ctx, "news")
	t.Cleanup(func() { sub.Close() })
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	messages := sub.Channel()
	awaitMessage(t, ctx, rdb, messages)
	return messages
}

// awaitMessage publishes until the subscriber hears something.
func awaitMessage(t *testing.T, ctx context.Context, rdb *redis.Client, messages <-chan *redis.Message) {
	t.Helper()
	text := strconv.FormatInt(time.Now().UnixNano(), 36)
	await(t, 20*time.Second, "the subscriber hears a message", func() error {
		if err := rdb.Publish(ctx, "news", text).Err(); err != nil {
			return err
		}
		for {
			select {
			case m := <-messages:
				if m.Payload == text {
					return nil
				}
			case <-time.After(100 * time.Millisecond):
				return errors.New("nothing came")
			}
		}
	})
}
