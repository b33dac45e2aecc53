package main_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/cmd/internal/load"
	"holdfast/cmd/internal/up"
)

var (
	chaosSeed  = flag.Uint64("chaos.seed", 18, "seed of the random chaos; 0: a new one")
	chaosScene = flag.Int("chaos.scenes", 1, "random scenes that are played")
	chaosKeys  = flag.Int("chaos.keys", 0, "keys of 200 bytes that are there beforehand, so that a full copy takes its time")
)

// TestRandomChaos plays scenes of faults drawn at random. In most scenes at
// most one node dies, so with write-acks 1 nothing acknowledged may be lost; any
// number of parts may freeze, and sentinels and proxies may die at will: writes wait
// while nobody confirms them. In a reckless scene any number of nodes die: what is
// lost must have been announced.
func TestRandomChaos(t *testing.T) {
	t.Parallel()
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-chaos.seed %d", seed)
	c := startCluster(t, fast+"--proxies 2 --write-acks-policy strict")
	c.fill(*chaosKeys)
	for n := range *chaosScene {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		s := newScene(c, load.VerifiedOptions{Pipeline: []int{1, 1, 20, 100}[r.IntN(4)], Reads: 0.3})
		s.reckless = r.IntN(4) == 0
		d := &director{scene: s, r: r}
		began := time.Now()
		for range 2 + r.IntN(6) {
			d.strike()
		}
		t.Logf("scene %d (reckless: %v): %s", n, s.reckless, strings.Join(d.script, ", "))
		s.verify()
		t.Logf("scene %d took %v", n, time.Since(began).Round(time.Millisecond))
		if t.Failed() {
			return
		}
	}
}

// director draws the faults of a scene.
type director struct {
	*scene
	r      *rand.Rand
	killed bool // a node has died
	script []string
}

// strike does one thing to one part, and waits.
func (d *director) strike() {
	wait := time.Duration(d.r.ExpFloat64() * float64(300*time.Millisecond))
	switch d.r.IntN(8) {
	case 0:
		d.switchover()
	case 1, 2, 3:
		d.atEvent()
	case 4:
		d.jitter()
	default:
		if d.hit(d.draw()) {
			wait += 1500 * time.Millisecond
		}
	}
	wait = min(wait, 4*time.Second)
	d.note(wait.Round(time.Millisecond).String())
	time.Sleep(wait)
}

func (d *director) note(what string) { d.script = append(d.script, what) }

// draw chooses a part.
func (d *director) draw() (kind string, n int) {
	kind = []string{"n", "n", "n", "s", "s", "p"}[d.r.IntN(6)]
	return kind, d.r.IntN(len(d.parts(kind)))
}

func (d *director) parts(kind string) []up.Process {
	s := d.state()
	return map[string][]up.Process{"n": s.Nodes, "s": s.Sentinels, "p": s.Proxies}[kind]
}

// hit kills, freezes or thaws a part. It reports whether a long wait should
// follow, so that others take it for dead.
func (d *director) hit(kind string, i int) (long bool) {
	p := d.parts(kind)[i]
	name := fmt.Sprintf("%s%d", kind, i+1)
	switch {
	case p.PID == 0 || !isAlive(p.PID): // up has not started it again, or not yet noticed
		d.note(name + " is dead")
	case slices.Contains(d.frozen, p):
		d.note("thaw " + name)
		d.thaw(p)
	case d.r.IntN(2) == 0 || kind == "n" && d.killed && !d.reckless:
		d.note("freeze " + name)
		d.freeze(p)
		return d.r.IntN(3) == 0
	default:
		d.killed = d.killed || kind == "n"
		d.note("kill " + name)
		d.kill(p)
	}
	return false
}

// switchover asks for a planned change of the master. It may be refused.
func (d *director) switchover() {
	sentinels := d.parts("s")
	p := sentinels[d.r.IntN(len(sentinels))]
	_, err := do(d.t, 300*time.Millisecond, p.Addr, "SENTINEL", "FAILOVER", up.Group)
	d.note(fmt.Sprintf("switchover (%v)", err))
}

// atEvent begins a failover and hits a part at the moment when a sentinel tells
// of one of its steps.
func (d *director) atEvent() {
	i := d.r.IntN(len(d.parts("s")))
	p := d.parts("s")[i]
	if p.PID == 0 || !isAlive(p.PID) || slices.Contains(d.frozen, p) {
		return
	}
	heard := d.events(p.Addr)
	if d.r.IntN(2) == 0 {
		d.switchover()
	} else if t, err := d.topologyNow(); err == nil {
		for k, n := range d.parts("n") {
			if n.Addr == t.Master.Addr {
				d.hit("n", k)
			}
		}
	}
	name := []string{"+sdown", "+odown", "+new-epoch", "+selected-slave", "+promoted-slave", "+switch-master", "+reboot"}[d.r.IntN(7)]
	for timeout := time.After(2500 * time.Millisecond); ; {
		select {
		case e, ok := <-heard:
			if ok && e.name != name {
				continue
			}
			d.note(fmt.Sprintf("at %s of s%d (%v):", name, i+1, ok))
			time.Sleep(time.Duration(d.r.IntN(3)*d.r.IntN(20)) * time.Millisecond)
			d.hit(d.draw())
		case <-timeout:
			d.note("no " + name)
		}
		return
	}
}

// jitter freezes parts for moments, so that messages meet in unusual orders.
func (d *director) jitter() {
	times := 5 + d.r.IntN(20)
	for range times {
		kind, i := d.draw()
		p := d.parts(kind)[i]
		if p.PID == 0 || !isAlive(p.PID) || slices.Contains(d.frozen, p) {
			continue
		}
		d.freeze(p)
		time.Sleep(time.Duration(1+d.r.IntN(60)) * time.Millisecond)
		d.thaw(p)
	}
	d.note(fmt.Sprintf("%d moments", times))
}

// fill writes that many keys, many of them in one unit of the stream.
func (c *cluster) fill(keys int) {
	c.t.Helper()
	const script = "for i = 1, tonumber(ARGV[1]) do redis.call('set', KEYS[1] .. ':' .. i, string.rep('x', 200)) end"
	const unit = 20_000
	for from := 0; from < keys; from += unit {
		mustDo(c.t, c.proxy(), "EVAL", script, "1", fmt.Sprintf("fill:%d", from), strconv.Itoa(min(unit, keys-from)))
	}
}
