package main_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/resp"
	"holdfast/cmd/internal/load"
)

// mixed are clients that use what a plain load of writes does not:
// transactions, WATCH, blocking pops, messages and large values. Each one
// knows what must be true of its data at the end.
type mixed struct {
	t       *testing.T
	addrs   []string
	prefix  string
	running context.Context
	stop    context.CancelFunc
	users   sync.WaitGroup
	checks  []func(ask func(...string) resp.Value)
	unknown atomic.Int64
}

func startMixed(t *testing.T, addrs []string) *mixed {
	m := &mixed{t: t, addrs: addrs, prefix: fmt.Sprintf("mixed:%d", scenes.Add(1))}
	m.running, m.stop = context.WithCancel(t.Context())
	for i := range 2 {
		m.transactions(i)
		m.largeValues(i)
	}
	m.compareAndSet(3)
	m.queue(2, 2)
	m.messages()
	t.Cleanup(func() { m.stop(); m.users.Wait() })
	return m
}

// verify stops the clients and looks at what they left.
func (m *mixed) verify() {
	m.t.Helper()
	m.stop()
	m.users.Wait()
	u := &user{m: m}
	defer u.close()
	for _, check := range m.checks {
		check(func(args ...string) resp.Value {
			v, err := u.do(args...)
			for deadline := time.Now().Add(20 * time.Second); err != nil; v, err = u.do(args...) {
				if time.Now().After(deadline) {
					m.t.Fatalf("%v: %v", args, err)
				}
				time.Sleep(50 * time.Millisecond)
			}
			return v
		})
	}
	m.t.Logf("%d requests ended with an unknown outcome", m.unknown.Load())
}

// run lets a user act until the clients are stopped. n chooses its proxy.
func (m *mixed) run(n int, use func(u *user)) {
	u := &user{m: m, addr: m.addrs[n%len(m.addrs)]}
	m.users.Go(func() {
		defer u.close()
		for m.running.Err() == nil {
			use(u)
		}
	})
}

// user is one connection that is made again when it breaks.
type user struct {
	m    *mixed
	addr string
	conn *client.Conn
}

// A request that ended like this may have taken effect, or not.
var errUnknown = errors.New("unknown outcome")

func (u *user) close() {
	if u.conn != nil {
		u.conn.Close()
	}
}

// do sends one request. The error is errUnknown, or one that says that the
// request did not take effect.
func (u *user) do(args ...string) (resp.Value, error) {
	all, err := u.pipeline(args)
	if err != nil {
		return resp.Value{}, err
	}
	return all[0], all[0].Err()
}

// pipeline sends requests at once. The error is that of the connection.
func (u *user) pipeline(requests ...[]string) ([]resp.Value, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	if u.conn == nil || u.conn.Broken() != nil {
		addr := u.addr
		if addr == "" {
			addr = u.m.addrs[0]
		}
		conn, err := client.Dial(ctx, addr, client.Options{Timeout: 50 * time.Second})
		if err != nil {
			time.Sleep(20 * time.Millisecond)
			return nil, errors.New("not sent")
		}
		u.conn = conn
	}
	for _, r := range requests {
		u.conn.Send(r...)
	}
	var all []resp.Value
	for range requests {
		v, err := u.conn.Receive(ctx)
		if err != nil && u.conn.Broken() != nil {
			u.m.unknown.Add(1)
			return nil, errUnknown
		}
		if e := v.Err(); e != nil && strings.HasPrefix(e.Error(), "UNKNOWN ") {
			u.m.unknown.Add(1)
			return nil, errUnknown
		}
		all = append(all, v)
	}
	return all, nil
}

// transactions pushes the same number on two lists, which must stay the same.
func (m *mixed) transactions(i int) {
	a, b := fmt.Sprintf("%s:a%d", m.prefix, i), fmt.Sprintf("%s:b%d", m.prefix, i)
	var sent int
	var done []string
	m.run(i, func(u *user) {
		sent++
		n := strconv.Itoa(sent)
		all, err := u.pipeline([]string{"MULTI"}, []string{"RPUSH", a, n}, []string{"RPUSH", b, n}, []string{"EXEC"})
		if err != nil {
			return
		}
		switch exec := all[3]; {
		case exec.Err() != nil && !strings.HasPrefix(exec.Err().Error(), "UNAVAILABLE "):
			m.t.Errorf("EXEC: %v", exec.Err())
		case exec.Err() == nil && len(exec.Elems) != 2:
			m.t.Errorf("EXEC answered %v", exec)
		case exec.Err() == nil:
			done = append(done, n)
		}
	})
	m.checks = append(m.checks, func(ask func(...string) resp.Value) {
		left, right := strings.Fields(joined(ask("LRANGE", a, "0", "-1"))), strings.Fields(joined(ask("LRANGE", b, "0", "-1")))
		if !slices.Equal(left, right) {
			m.t.Errorf("transactions were torn: %d elements on one side, %d on the other", len(left), len(right))
		}
		m.once(fmt.Sprintf("transactions %d", i), done, left)
	})
}

// once checks that every done element is there, and none twice.
func (m *mixed) once(what string, done, there []string) {
	m.t.Helper()
	times := make(map[string]int)
	for _, e := range there {
		if times[e]++; times[e] == 2 {
			m.t.Errorf("%s: %s is there twice", what, e)
		}
	}
	lost := 0
	for _, e := range done {
		if times[e] == 0 {
			lost++
		}
	}
	if lost > 0 {
		m.t.Errorf("%s: %d of %d acknowledged ones are lost", what, lost, len(done))
	}
	if len(done) == 0 {
		m.t.Errorf("%s: nothing was acknowledged", what)
	}
}

// compareAndSet increments a counter by WATCH from several connections: no
// increment may be overwritten by another.
func (m *mixed) compareAndSet(n int) {
	key := m.prefix + ":cas"
	var done, open atomic.Int64
	for i := range n {
		m.run(i, func(u *user) {
			if _, err := u.do("WATCH", key); err != nil {
				return
			}
			v, err := u.do("GET", key)
			if err != nil {
				return
			}
			old, _ := strconv.Atoi(v.Text)
			all, err := u.pipeline([]string{"MULTI"}, []string{"SET", key, strconv.Itoa(old + 1)}, []string{"EXEC"})
			switch {
			case errors.Is(err, errUnknown):
				open.Add(1)
			case err == nil && all[2].Err() == nil && len(all[2].Elems) == 1:
				done.Add(1)
			}
		})
	}
	m.checks = append(m.checks, func(ask func(...string) resp.Value) {
		have, _ := strconv.ParseInt(ask("GET", key).Text, 10, 64)
		if have < done.Load() || have > done.Load()+open.Load() {
			m.t.Errorf("compare and set: the counter is %d after %d increments and %d unknown ones", have, done.Load(), open.Load())
		}
		if done.Load() == 0 {
			m.t.Error("compare and set: nothing was acknowledged")
		}
	})
}

// queue passes elements through blocking pops. What was pushed comes out at
// most once; what comes out neither way was popped by a connection that broke.
func (m *mixed) queue(producers, consumers int) {
	key := m.prefix + ":queue"
	var mu sync.Mutex
	var pushed, popped []string
	var open atomic.Int64
	for i := range producers {
		n := 0
		m.run(i, func(u *user) {
			n++
			e := fmt.Sprintf("%d-%d", i, n)
			if _, err := u.do("RPUSH", key, e); err == nil {
				mu.Lock()
				pushed = append(pushed, e)
				mu.Unlock()
			}
			time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond)
		})
	}
	for i := range consumers {
		m.run(i, func(u *user) {
			v, err := u.do("BLPOP", key, "1")
			switch {
			case errors.Is(err, errUnknown):
				open.Add(1)
			case err != nil && !strings.HasPrefix(err.Error(), "UNAVAILABLE ") && err.Error() != "not sent":
				m.t.Errorf("BLPOP: %v", err)
			case err == nil && len(v.Elems) == 2:
				mu.Lock()
				popped = append(popped, v.Elems[1].Text)
				mu.Unlock()
			}
		})
	}
	m.checks = append(m.checks, func(ask func(...string) resp.Value) {
		rest := strings.Fields(joined(ask("LRANGE", key, "0", "-1")))
		all := slices.Concat(popped, rest)
		seen := make(map[string]bool)
		for _, e := range all {
			if seen[e] {
				m.t.Errorf("queue: %s came out twice", e)
			}
			seen[e] = true
		}
		gone := 0
		for _, e := range pushed {
			if !seen[e] {
				gone++
			}
		}
		m.t.Logf("queue: %d pushed, %d popped, %d left, %d gone without an answer, %d pops unknown", len(pushed), len(popped), len(rest), gone, open.Load())
	})
}

// largeValues writes values of some megabytes, and reads its own writes.
func (m *mixed) largeValues(i int) {
	key := fmt.Sprintf("%s:large%d", m.prefix, i)
	version, seen := 0, 0
	var done atomic.Int64
	m.run(i, func(u *user) {
		version++
		value := largeValue(version)
		if _, err := u.do("SET", key, value); err == nil {
			seen = version
			done.Add(1)
		}
		v, err := u.do("GET", key)
		if err != nil || v.Null {
			return
		}
		got := versionOf(v.Text)
		switch {
		case v.Text != largeValue(got):
			m.t.Errorf("a value of %d bytes came back damaged", len(v.Text))
		case got < seen:
			m.t.Errorf("large value: version %d was read after %d", got, seen)
		default:
			seen = got
		}
		time.Sleep(20 * time.Millisecond)
	})
	m.checks = append(m.checks, func(ask func(...string) resp.Value) {
		v := ask("GET", key)
		if got := versionOf(v.Text); v.Text != largeValue(got) || got < seen {
			m.t.Errorf("large value: version %d, %d bytes, is left after %d", got, len(v.Text), seen)
		}
		if done.Load() == 0 {
			m.t.Error("large value: nothing was acknowledged")
		}
	})
}

// largeValue is between 100 KB and 4 MB and says which version it is.
func largeValue(version int) string {
	word := fmt.Sprintf("%09d,", version)
	return strings.Repeat(word, 10_000+(version*7919)%390_000)
}

func versionOf(value string) int {
	n, _ := strconv.Atoi(value[:min(9, len(value))])
	return n
}

// messages publishes numbers; a subscriber hears them in order, and goes on
// hearing.
func (m *mixed) messages() {
	channel := m.prefix + ":news"
	var sent, last, heard atomic.Int64
	m.run(0, func(u *user) {
		u.do("PUBLISH", channel, strconv.FormatInt(sent.Add(1), 10))
		time.Sleep(2 * time.Millisecond)
	})
	subscriber := &user{m: m, addr: m.addrs[0]}
	m.users.Go(func() {
		defer subscriber.close()
		for m.running.Err() == nil {
			if _, err := subscriber.do("SUBSCRIBE", channel); err != nil {
				continue
			}
			for m.running.Err() == nil {
				ctx, cancel := context.WithTimeout(m.running, 30*time.Second)
				v, err := subscriber.conn.Receive(ctx)
				cancel()
				if err != nil {
					if m.running.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
						m.t.Error("the subscriber heard nothing for 30 s")
					}
					subscriber.close()
					subscriber.conn = nil
					break
				}
				if len(v.Elems) != 3 || v.Elems[0].Text != "message" {
					continue
				}
				n, _ := strconv.ParseInt(v.Elems[2].Text, 10, 64)
				if n <= last.Load() {
					m.t.Errorf("message %d came after %d", n, last.Load())
				}
				last.Store(n)
				heard.Add(1)
			}
		}
	})
	m.checks = append(m.checks, func(func(...string) resp.Value) {
		m.t.Logf("messages: %d sent, %d heard, the last is %d", sent.Load(), heard.Load(), last.Load())
		if behind := sent.Load() - last.Load(); behind > 50 {
			m.t.Errorf("the subscriber is %d messages behind", behind)
		}
	})
}

// TestChaosOfClients lets clients of all kinds run through random faults. With a
// policy that goes on without confirmations what is acknowledged while all replicas
// are frozen would die with the master.
func TestChaosOfClients(t *testing.T) {
	t.Parallel()
	c := startCluster(t, fast+"--proxies 2 --write-acks-policy strict")
	for n := range *chaosScene {
		seed := *chaosSeed
		if seed == 0 {
			seed = uint64(time.Now().UnixNano())
		}
		t.Logf("-chaos.seed %d", seed)
		m := startMixed(t, addressesOf(c.state().Proxies))
		s := newScene(c, load.VerifiedOptions{Clients: 4, Reads: 0.3})
		d := &director{scene: s, r: rand.New(rand.NewPCG(seed, uint64(n)))}
		for range 3 + d.r.IntN(4) {
			d.strike()
		}
		t.Logf("scene %d: %s", n, strings.Join(d.script, ", "))
		s.thaw()
		s.awaitWhole()
		s.awaitWrites(50)
		time.Sleep(300 * time.Millisecond)
		m.verify()
		s.verify()
		if t.Failed() {
			return
		}
	}
}
