package main_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
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

// history is what a number of clients did and saw.
type history struct {
	*mixed
	mu  sync.Mutex
	all []porcupine.Operation
}

func startHistory(t *testing.T, addr, prefix string) *history {
	const clients, keys = 6, 4
	m := &mixed{t: t, addrs: []string{addr}}
	m.running, m.stop = context.WithCancel(t.Context())
	h := &history{mixed: m}
	t.Cleanup(func() { m.stop(); m.users.Wait() })
	began := time.Now()
	for i := range clients {
		n := 0
		m.run(i, func(u *user) {
			n++
			o := operation{key: rand.IntN(keys), write: rand.IntN(2) == 0, value: n*clients + i}
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
			case o.write && errors.Is(err, errUnknown):
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
