package main_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestNothingShownIsTakenBack asks for two holders and cuts one of the two off: what
// is written then only the master and the other replica have, which is read all the
// time, also past every proxy. These two fail, the one that was cut off is made
// master, and what it does not have nobody may have been shown.
func TestNothingShownIsTakenBack(t *testing.T) {
	t.Parallel()
	inNetwork(t, func(t *testing.T, hub string) {
		n := startNetworkWith(t, hub, 2, 5*time.Second) // before which a replica that is cut off still counts
		for hostOf(n.leader()) == hostOf(n.master()) {  // which will not reach the one that is cut off
			e := n.epoch()
			n.beginSwitchover()
			n.awaitEpochPast(e)
			n.awaitWhole()
		}
		s, e := &scene{cluster: n.cluster}, n.epoch()
		master, replicas := n.master(), n.replicas()
		ahead, behind := replicas[0], replicas[1]
		seen := &sightings{all: map[string]bool{}}
		proxied := addressesOf(n.state().Proxies)
		stop := seen.watch(t, "shown", append(proxied, ahead.Addr, behind.Addr))
		written, wrote := writeUntil(t, master.Addr, "shown")
		await(t, 20*time.Second, "it is written and read", func() error { return seen.atLeast(50) })

		n.cut(hostOf(master), hostOf(behind))
		before := offsetOf(t, ahead.Addr)
		await(t, 5*time.Second, "one replica is ahead", func() error {
			if at := offsetOf(t, ahead.Addr); at <= before {
				return fmt.Errorf("it is at %d", at)
			}
			return nil
		})
		sleep(150) // in which readers look at it
		s.freeze(ahead)
		n.kill(master)
		wrote()
		n.awaitEpochPast(e)
		s.thaw()
		n.healAll()
		sleep(500)
		stop()

		v, err := do(t, 30*time.Second, proxied[hostOf(behind)-1], "LRANGE", "shown", "0", "-1")
		if err != nil {
			t.Fatal(err)
		}
		var final []string
		for _, x := range v.Elems {
			final = append(final, x.Text)
		}
		for x := range seen.all {
			if !slices.Contains(final, x) {
				t.Errorf("%s was shown and is not there any more", x)
			}
		}
		t.Logf("%d of %d elements stayed, %d were seen", len(final), *written, len(seen.all))
		if *written <= len(final) {
			t.Error("nothing was written that did not stay: the story shows nothing")
		}
	})
}

// sightings are the elements of a list that readers were shown.
type sightings struct {
	mu  sync.Mutex
	all map[string]bool
}

func (s *sightings) atLeast(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) < n {
		return fmt.Errorf("%d were seen", len(s.all))
	}
	return nil
}

// watch reads the list at all addresses until stop is called.
func (s *sightings) watch(t *testing.T, key string, addrs []string) (stop func()) {
	over := make(chan struct{})
	var readers sync.WaitGroup
	for _, addr := range addrs {
		readers.Go(func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(5 * time.Millisecond):
				}
				v, err := do(t, 400*time.Millisecond, addr, "LRANGE", key, "0", "-1")
				if err != nil {
					continue
				}
				s.mu.Lock()
				for _, x := range v.Elems {
					s.all[x.Text] = true
				}
				s.mu.Unlock()
			}
		})
	}
	return sync.OnceFunc(func() { close(over); readers.Wait() })
}

// writeUntil appends to a list at a node, each time on a connection of its own so
// that no write waits for the one before, until stop is called. written counts all
// that were sent.
func writeUntil(t *testing.T, addr, key string) (written *int, stop func()) {
	written = new(int)
	over := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(5 * time.Millisecond):
			}
			*written++
			n := fmt.Sprint(*written)
			all.Go(func() { _, _ = do(t, 2*time.Second, addr, "RPUSH", key, n) })
		}
	})
	return written, sync.OnceFunc(func() { close(over); all.Wait() })
}

// offsetOf is how far a node's stream goes.
func offsetOf(t *testing.T, addr string) (at int) {
	t.Helper()
	v, err := do(t, time.Second, addr, "INFO", "replication")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(v.Text, "master_repl_offset:")
	if _, err := fmt.Sscan(rest, &at); err != nil {
		t.Fatal(err)
	}
	return at
}
