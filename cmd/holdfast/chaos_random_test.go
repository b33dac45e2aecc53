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
	chaosSeed  = flag.Uint64("chaos.seed", 0, "seed of the random chaos; 0: a new one")
	chaosScene = flag.Int("chaos.scenes", 1, "random scenes that are played")
	chaosKeys  = flag.Int("chaos.keys", 0, "keys of 200 bytes that are there beforehand, so that a full copy takes its time")
)

// TestRandomChaos plays scenes of faults drawn at random. In a scene at most
// one node dies, so with write-acks 1 nothing acknowledged may be lost; any
// number of parts may freeze, and sentinels and proxies may die at will.
func TestRandomChaos(t *testing.T) {
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-chaos.seed %d", seed)
	c := startCluster(t, fast+"--proxies 2")
	c.fill(*chaosKeys)
	for n := range *chaosScene {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		s := newScene(c, load.VerifiedOptions{Pipeline: []int{1, 1, 20, 100}[r.IntN(4)], Reads: 0.3})
		d := &director{scene: s, r: r}
		began := time.Now()
		for range 2 + r.IntN(6) {
			d.strike()
		}
		t.Logf("scene %d: %s", n, strings.Join(d.script, ", "))
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

func (d *director) strike() {
	s := d.state()
	kinds := map[string][]up.Process{"n": s.Nodes, "s": s.Sentinels, "p": s.Proxies}
	kind := []string{"n", "n", "n", "s", "s", "p"}[d.r.IntN(6)]
	i := d.r.IntN(len(kinds[kind]))
	p := kinds[kind][i]
	name := fmt.Sprintf("%s%d", kind, i+1)
	wait := time.Duration(d.r.ExpFloat64() * float64(300*time.Millisecond))
	switch {
	case p.PID == 0 || !isAlive(p.PID): // up has not started it again, or not yet noticed
		d.script = append(d.script, name+" is dead")
	case slices.Contains(d.frozen, p):
		d.script = append(d.script, "thaw "+name)
		d.thaw(p)
	case d.r.IntN(2) == 0 || kind == "n" && d.killed:
		d.script = append(d.script, "freeze "+name)
		d.freeze(p)
		if d.r.IntN(3) == 0 {
			wait += 1500 * time.Millisecond
		}
	default:
		d.killed = d.killed || kind == "n"
		d.script = append(d.script, "kill "+name)
		d.kill(p)
	}
	wait = min(wait, 4*time.Second)
	d.script = append(d.script, wait.Round(time.Millisecond).String())
	time.Sleep(wait)
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
