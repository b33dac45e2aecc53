package main_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/resp"
	"holdfast/cmd/internal/load"
)

// A writer's operations are numbered from 0, and what operation n does to the
// writer's keys follows from n alone:
//
//	n mod 4 = 0  RPUSH of n to its list
//	n mod 4 = 1  INCR of its counter
//	n mod 4 = 2  both, in MULTI … EXEC, with INCR of a total of its database
//	n mod 4 = 3  the same in a script
//
// (the last two have a counter of their own). So whatever a node holds must be
// the trace of the operations 0 … p-1, of all of them, once and in order, for
// some p; and what was acknowledged is below p. The totals hold the writers
// together: a state that never was would break them.
type writer struct {
	number int // names its keys, and its database
	sent   int // operations that left, in all rounds
	acked  atomic.Int64
	acks   []ackedAt // of this round
	err    error     // an answer that no operation should have
}

// ackedAt notes how many operations were acknowledged at a time.
type ackedAt struct {
	at    time.Time
	acked int
}

const (
	writerDatabases = 3
	totalKey        = "crash:total"
	mostAtOnce      = 8 // operations that a writer sends before it waits
)

// bothScript is operation 3.
const bothScript = "redis.call('RPUSH', KEYS[1], ARGV[1]); redis.call('INCR', KEYS[2]); return redis.call('INCR', KEYS[3])"

func (w *writer) database() int { return w.number % writerDatabases }

func (w *writer) key(kind string) string { return fmt.Sprintf("crash:%d:%s", w.number, kind) }

// operation appends operation n, and says how many replies it has.
func (w *writer) operation(b []byte, n int) ([]byte, int) {
	list, pairs, element := w.key("list"), w.key("pairs"), strconv.Itoa(n)
	switch n % 4 {
	case 0:
		return resp.AppendCommand(b, "RPUSH", list, element), 1
	case 1:
		return resp.AppendCommand(b, "INCR", w.key("counter")), 1
	case 3:
		return resp.AppendCommand(b, "EVAL", bothScript, "3", list, pairs, totalKey, element), 1
	}
	b = resp.AppendCommand(b, "MULTI")
	b = resp.AppendCommand(b, "RPUSH", list, element)
	b = resp.AppendCommand(b, "INCR", pairs)
	b = resp.AppendCommand(b, "INCR", totalKey)
	return resp.AppendCommand(b, "EXEC"), 5
}

// run writes until the connection fails.
func (w *writer) run(ctx context.Context, addr string, rnd *rand.Rand) {
	w.acks = w.acks[:0]
	conn, err := load.Dial(ctx, addr, "")
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(3 * time.Minute))
	if _, err := conn.Do("SELECT", strconv.Itoa(w.database())); err != nil {
		return
	}
	for ctx.Err() == nil && w.err == nil {
		if !w.batch(conn, 1+rnd.IntN(mostAtOnce)) {
			return
		}
	}
}

// batch sends some operations and takes their replies.
func (w *writer) batch(conn *load.Conn, size int) (goOn bool) {
	var out []byte
	replies := make([]int, size)
	for i := range size {
		out, replies[i] = w.operation(out, w.sent+i)
	}
	w.sent += size
	if _, err := conn.Write(out); err != nil {
		return false
	}
	for i := range size {
		for range replies[i] {
			reply, err := conn.Reply()
			if err != nil {
				return false
			}
			if reply[0] == '-' {
				w.err = fmt.Errorf("writer %d, operation %d: %q", w.number, w.acked.Load(), reply)
				return false
			}
		}
		w.acks = append(w.acks, ackedAt{time.Now(), int(w.acked.Add(1))})
	}
	return true
}

// writers write at the same time.
type writers struct {
	t   *testing.T
	rnd *rand.Rand
	all []*writer

	acked, inDoubt, found int // operations of all rounds; found are those in doubt that were there
}

func newWriters(t *testing.T, rnd *rand.Rand, number int) *writers {
	ws := &writers{t: t, rnd: rnd}
	for i := range number {
		ws.all = append(ws.all, &writer{number: i})
	}
	return ws
}

// strike lets all write to addr, calls strike when they have got some more
// operations acknowledged, and returns when all have ended.
func (ws *writers) strike(addr string, operations int, strike func()) {
	ws.t.Helper()
	ctx, cancel := context.WithTimeout(ws.t.Context(), 3*time.Minute)
	defer cancel()
	var running sync.WaitGroup
	for _, w := range ws.all {
		rnd := rand.New(rand.NewPCG(ws.rnd.Uint64(), 0))
		running.Go(func() { w.run(ctx, addr, rnd) })
	}
	start := ws.count()
	for ws.count() < start+operations && ctx.Err() == nil && ws.t.Context().Err() == nil {
		time.Sleep(100 * time.Microsecond)
	}
	if ctx.Err() != nil {
		ws.t.Errorf("the writers got only %d operations acknowledged in three minutes", ws.count()-start)
	}
	strike()
	cancel()
	running.Wait()
	ws.acked += ws.count() - start
	for _, w := range ws.all {
		if w.err != nil {
			ws.t.Fatal(w.err)
		}
	}
}

func (ws *writers) count() (acked int) {
	for _, w := range ws.all {
		acked += int(w.acked.Load())
	}
	return acked
}

// floors is the number of operations of each writer that are acknowledged.
func (ws *writers) floors() (acked []int) {
	for _, w := range ws.all {
		acked = append(acked, int(w.acked.Load()))
	}
	return acked
}

// audit reads everything back. Every writer must find at least floors of its
// operations, and goes on behind what it finds.
func (ws *writers) audit(addr string, floors []int) {
	ws.t.Helper()
	ctx, cancel := context.WithTimeout(ws.t.Context(), 2*time.Minute)
	defer cancel()
	conn, err := client.Dial(ctx, addr, client.Options{})
	if err != nil {
		ws.t.Fatal(err)
	}
	defer conn.Close()
	var totals [writerDatabases]int
	for i, w := range ws.all {
		found, pairs, err := w.readBack(ctx, conn)
		if err == nil && (found < floors[i] || found > w.sent) {
			err = fmt.Errorf("%d operations are there; %d left and %d must not be lost", found, w.sent, floors[i])
		}
		if err != nil {
			ws.t.Fatalf("writer %d: %v", w.number, err)
		}
		totals[w.database()] += pairs
		ws.inDoubt += w.sent - int(w.acked.Load())
		ws.found += max(0, found-int(w.acked.Load()))
		w.sent = found
		w.acked.Store(int64(found))
	}
	for db, want := range totals {
		if _, err := conn.Do(ctx, "SELECT", strconv.Itoa(db)); err != nil {
			ws.t.Fatal(err)
		}
		if got, err := number(conn.Do(ctx, "GET", totalKey)); err != nil || got != want {
			ws.t.Fatalf("the total of database %d is %d (%v), its writers have %d", db, got, err, want)
		}
	}
}

// readBack says how many operations have left their trace, and how many of
// those count in the total.
func (w *writer) readBack(ctx context.Context, conn *client.Conn) (found, pairs int, err error) {
	if _, err := conn.Do(ctx, "SELECT", strconv.Itoa(w.database())); err != nil {
		return 0, 0, err
	}
	v, err := conn.Do(ctx, "LRANGE", w.key("list"), "0", "-1")
	if err != nil {
		return 0, 0, err
	}
	counter, err1 := number(conn.Do(ctx, "GET", w.key("counter")))
	pairs, err2 := number(conn.Do(ctx, "GET", w.key("pairs")))
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, err
	}
	list := v.Strings()
	found = len(list) + counter // each operation adds to one of the two
	at, increments, both := 0, 0, 0
	for n := range found {
		if n%4 == 1 {
			increments++
			continue
		}
		if at == len(list) || list[at] != strconv.Itoa(n) {
			return 0, 0, fmt.Errorf("where operation %d should stand its list has %q", n, list[at:min(at+4, len(list))])
		}
		at++
		if n%4 > 1 {
			both++
		}
	}
	if increments != counter || both != pairs {
		return 0, 0, fmt.Errorf("behind %d operations the counters are %d and %d, not %d and %d", found, counter, pairs, increments, both)
	}
	return found, pairs, nil
}

// number reads a counter, which is 0 while it is not there.
func number(v resp.Value, err error) (int, error) {
	if err != nil || v.Null {
		return 0, err
	}
	return strconv.Atoi(v.Text)
}

func isErrorReply(err error) bool {
	_, ok := errors.AsType[resp.Error](err)
	return ok
}
