package main_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"holdfast/backend/resp"
)

// operation on one register: a write of a value nobody else writes, or a read.
type operation struct {
	key   int
	write bool
	value int
}

// register is what linearizability means for one key: a read shows the newest
// write.
var register = porcupine.Model{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		byKey := make(map[int][]porcupine.Operation)
		for _, o := range all {
			byKey[o.Input.(operation).key] = append(byKey[o.Input.(operation).key], o)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		if o := input.(operation); o.write {
			return true, o.value
		}
		return output.(int) == state.(int), state
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %v", input, output) },
}

// TestReadsOfTheMasterAreLinearizable has clients read and write a few keys at
// the master, through its death, and looks for a history that explains all of
// it. A write whose outcome is unknown may take effect at any later time, or
// never.
func TestReadsOfTheMasterAreLinearizable(t *testing.T) {
	t.Parallel()
	c := startCluster(t, fast+"--read-policy master")
	for run := range *chaosRuns {
		c.awaitWhole()
		h := startHistory(t, c.proxy(), fmt.Sprintf("linear:%d", run))
		time.Sleep(200 * time.Millisecond)
		e := c.epoch()
		c.kill(c.master())
		c.awaitEpochPast(e)
		time.Sleep(300 * time.Millisecond)
		h.check()
	}
}

// TestStrongReadsAreLinearizable is that for clients of two proxies whose reads are
// strong, through deaths and freezes of the master: one that wakes up behind its
// successor answers nothing that is no longer so.
func TestStrongReadsAreLinearizable(t *testing.T) {
	t.Parallel()
	c := startCluster(t, fast+"--consistency strong --proxies 2")
	for run := range *chaosRuns {
		for _, freeze := range []bool{false, true} {
			c.awaitWhole()
			h := startHistoryOf(t, addressesOf(c.state().Proxies), fmt.Sprintf("strong:%d:%v", run, freeze))
			sleep(200)
			e, m := c.epoch(), c.master()
			if freeze {
				s := &scene{cluster: c}
				s.freeze(m)
				c.awaitEpochPast(e)
				sleep(100)
				s.thaw()
			} else {
				c.kill(m)
				c.awaitEpochPast(e)
			}
			sleep(300)
			h.check()
		}
	}
}

// TestStrongReadsAcrossPartitions cuts the master off, with a proxy and clients on
// its side, in silence and in one direction only. What is asked there waits or
// fails; what is answered anywhere is explained by one order.
func TestStrongReadsAcrossPartitions(t *testing.T) {
	t.Parallel()
	inNetwork(t, func(t *testing.T, hub string) {
		n := startNetwork(t, hub, "--consistency", "strong")
		for run := range *chaosRuns {
			for name, cut := range map[string]func(master int){
				"both ways": n.isolate,
				"the master hears nobody": func(master int) {
					for _, o := range othersThan(master) {
						n.drop(o, master)
					}
				},
				"nobody hears the master": func(master int) {
					for _, o := range othersThan(master) {
						n.drop(master, o)
					}
				},
			} {
				n.awaitWhole()
				host, proxies := hostOf(n.master()), addressesOf(n.state().Proxies)
				proxies[0], proxies[host-1] = proxies[host-1], proxies[0]
				h := startHistoryOf(t, proxies, fmt.Sprintf("cut:%d:%s", run, name))
				sleep(300)
				e := n.epoch()
				cut(host)
				n.awaitEpochPast(e)
				sleep(500)
				n.healAll()
				sleep(500)
				h.check()
				if t.Failed() {
					return
				}
			}
		}
	})
}

// history is what a number of clients did and saw.
type history struct {
	*mixed
	mu  sync.Mutex
	all []porcupine.Operation
}

func startHistory(t *testing.T, addr, prefix string) *history {
	return startHistoryOf(t, []string{addr}, prefix)
}

// startHistoryOf is startHistory for clients of several proxies. Those of the first
// only read: where the master is cut off together with that proxy, no write that
// waits for confirmation holds their replies up.
func startHistoryOf(t *testing.T, addrs []string, prefix string) *history {
	const clients, keys = 9, 4
	m := &mixed{t: t, addrs: addrs}
	m.running, m.stop = context.WithCancel(t.Context())
	h := &history{mixed: m}
	t.Cleanup(func() { m.stop(); m.users.Wait() })
	began := time.Now()
	for i := range clients {
		n := 0
		m.run(i, func(u *user) {
			n++
			o := operation{key: rand.IntN(keys), write: rand.IntN(2) == 0, value: n*clients + i}
			if len(addrs) > 1 && i%len(addrs) == 0 {
				o.write = false
			}
			key := fmt.Sprintf("%s:%d", prefix, o.key)
			op := porcupine.Operation{ClientId: i, Input: o, Output: 0, Call: int64(time.Since(began))}
			var v resp.Value
			var err error
			if o.write {
				_, err = u.do("SET", key, strconv.Itoa(o.value))
			} else if v, err = u.do("GET", key); err == nil {
				op.Output, _ = strconv.Atoi(v.Text)
			}
			op.Return = int64(time.Since(began))
			switch {
			case err == nil:
			case o.write && (errors.Is(err, errUnknown) || strings.HasPrefix(err.Error(), "NOACKS ")):
				op.Return = math.MaxInt64
			default: // had no effect, or nobody saw it
				return
			}
			h.mu.Lock()
			h.all = append(h.all, op)
			h.mu.Unlock()
			time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
		})
	}
	return h
}

func (h *history) check() {
	h.t.Helper()
	h.stop()
	h.users.Wait()
	result, info := porcupine.CheckOperationsVerbose(register, h.all, 20*time.Second)
	h.t.Logf("%d operations: %s", len(h.all), result)
	if result == porcupine.Illegal {
		file := h.t.ArtifactDir() + "/history.html"
		porcupine.VisualizePath(register, info, file)
		h.t.Errorf("no order of the operations explains what the clients saw; see %s", file)
	}
}
