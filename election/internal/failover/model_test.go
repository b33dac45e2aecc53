package failover

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"holdfast/election/internal/group"
	"holdfast/election/internal/native"
)

var histories = flag.Int("histories", 40, "random histories of the model test")

// world is a whole group in one thread: leaders that step, nodes that obey, and
// a wire between them on which everything may be late or lost. Time is a number
// that the test moves; chance is a seed.
type world struct {
	t       testing.TB
	r       *rand.Rand
	seed    uint64
	began   time.Time
	now     time.Time
	fault   fault
	wire    []*event
	numbers int

	state   *group.State
	leaders []*leader // the last one leads; the others do not know yet that they do not
	term    uint64
	nodes   map[string]*modelNode
	heard   map[string]time.Time
	alarm   map[string]bool    // nodes taken for dead that are not
	island  map[string]bool    // nodes that only clients and a deposed leader reach
	rates   map[string]float64 // of the nodes' clocks

	kept   []record // answered writes, which every master must have
	opened uint64   // epoch of the last open barrier
	losses int      // announced
	lossy  uint64   // epoch that the last of them was announced with
	trace  []string
}

type event struct {
	due time.Time
	do  func()
}

// leader is one sentinel's term.
type leader struct {
	a        *Answers
	frozen   *group.State // what a deposed leader still believes; nil for the one who leads
	asked    map[string]time.Time
	linked   map[string]int // process that it is connected to; 0: none
	proposal *event
}

const modelDownAfter = 60 * time.Millisecond

var modelAddrs = []string{"a:1", "b:1", "c:1"}

// fault is a rule that is broken on purpose.
type fault string

const (
	heedsOldPairAlone fault = "a master releases what the pair in force confirms, whatever the new one does"
	heedsNewPairAlone fault = "a master releases what the new pair confirms, whatever the one in force does"
	takesAtOnce       fault = "a master takes a new pair as soon as it is told"
	readyAtOnce       fault = "a master says that a new pair is ready before that has confirmed"
	saysWithoutTaking fault = "a master says that it uses the pair in force and does not"
	countsAnybody     fault = "a master counts confirmations of nodes that are no members"
	ignoresLeases     fault = "a master serves on when its lease is over"
	countsFromReceipt fault = "a master counts its lease from the moment it gets it"
	waitsForNoLease   fault = "a leader does not wait for leases to be over"
	verifiesNothing   fault = "a leader grants leases without asking whether it leads"
	buriesTheSilent   fault = "a leader takes a master that does not answer for one that does not exist"
)

func newWorld(t testing.TB, seed uint64, s group.Settings) *world {
	began := time.Unix(1000, 0)
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 1)), seed: seed, began: began, now: began, state: group.NewState(), nodes: map[string]*modelNode{},
		heard: map[string]time.Time{}, alarm: map[string]bool{}, island: map[string]bool{}, rates: map[string]float64{}}
	for _, addr := range modelAddrs {
		n := &modelNode{w: w, addr: addr}
		n.start()
		w.nodes[addr], w.heard[addr], w.rates[addr] = n, w.now, 0.97+0.06*w.r.Float64()
	}
	s.Quorum, s.DownAfter, s.FailoverTimeout, s.Lease = 2, modelDownAfter, time.Second, 300*time.Millisecond
	w.apply(&group.Create{Name: "m", ID: "id", Master: "a:1", Nodes: modelAddrs[1:], Settings: s})
	w.elect()
	return w
}

func (w *world) number() int         { w.numbers++; return w.numbers }
func (w *world) group() *group.Group { return w.state.Groups["m"] }
func (w *world) log(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%6d ", w.now.UnixMilli()-1_000_000)+fmt.Sprintf(format, args...))
}

func (w *world) later(ms int, do func()) *event {
	e := &event{due: w.now.Add(time.Duration(ms) * time.Millisecond), do: do}
	w.wire = append(w.wire, e)
	return e
}

// violation is how a world ends in which a rule was broken on purpose.
type violation string

func (w *world) fail(format string, args ...any) {
	if w.fault != "" {
		panic(violation(fmt.Sprintf(format, args...)))
	}
	for _, line := range w.trace[max(0, len(w.trace)-120):] {
		w.t.Log(line)
	}
	w.t.Fatalf("seed %d: "+format, append([]any{w.seed}, args...)...)
}

// apply commits a command.
func (w *world) apply(c group.Command) {
	next, _, err := w.state.Apply(group.Encode("m", w.now, c))
	if err != nil {
		w.log("refused %s: %v", group.KindOf(c), err)
		return
	}
	w.state = next
	switch c := c.(type) {
	case *group.Judge, *group.See, *group.Explain:
	default:
		w.log("commit %s %+v", group.KindOf(c), c)
	}
	switch c := c.(type) {
	case *group.Choose:
		if c.Loss != "" {
			w.losses++
			w.kept, w.lossy = nil, c.Epoch
		}
	case *group.Open:
		w.opened = c.Epoch
		w.checkMaster(c.RunID)
	}
}

// checkMaster holds a new master to the first promise: it has every answered
// write.
func (w *world) checkMaster(runID string) {
	m := w.nodes[w.group().Master.Addr]
	if m.runID() != runID {
		return // died meanwhile; the next one will be checked
	}
	for _, k := range w.kept {
		if !slices.Contains(m.history, k) {
			w.fail("the master of epoch %d lacks the answered write %d", w.opened, k.id)
		}
	}
}

// answered takes the answer to a write, which no client may get from a master
// that was replaced unless the next ones have it, nor before N of the holders that
// the group agrees on at this moment have confirmed it.
func (w *world) answered(n *modelNode, r record, at int) {
	g := w.group()
	if n.acted == g.Opened.Epoch && n.runID() == g.Opened.RunID {
		have := 0
		for incarnation, a := range n.acks {
			if g.Holders.Has(incarnation) && a.offset >= at {
				have++
			}
		}
		if have < g.Holders.N {
			w.fail("%s answered offset %d, which %d of %+v have", n.addr, at, have, g.Holders)
		}
	}
	if r.id == 0 {
		return
	}
	if n.acted < w.lossy && n.inForce.n > 0 {
		return // what the holders of an earlier master confirmed may be what was announced as lost since
	}
	if n.acted < w.opened {
		if m := w.nodes[g.Opened.Addr]; m.runID() == g.Opened.RunID && !slices.Contains(m.history, r) {
			w.fail("%s answered write %d in epoch %d, and the master of epoch %d lacks it", n.addr, r.id, n.acted, w.opened)
		}
	}
	w.kept = append(w.kept, r)
}

// elect makes a new leader; the old one goes on for a while.
func (w *world) elect() {
	w.term++
	if n := len(w.leaders); n > 0 {
		old := w.leaders[n-1]
		if p := old.proposal; p != nil && w.r.IntN(2) == 0 {
			p.do() // it got through before the election
		}
		old.frozen = w.state
	}
	w.log("term %d", w.term)
	w.leaders = append(w.leaders, &leader{a: NewAnswers(w.term, w.now), asked: map[string]time.Time{}, linked: map[string]int{}})
	if len(w.leaders) > 2 {
		w.leaders = w.leaders[1:]
	}
}

// turn lets a leader observe, judge, step and act.
func (w *world) turn(l *leader) {
	if w.fault == waitsForNoLease {
		l.a.lease.since, l.a.lease.until = time.Time{}, time.Time{}
	}
	g := w.group()
	if l.frozen != nil {
		g = l.frozen.Groups["m"]
	}
	for _, id := range []string{"s1", "s2", "s3"} {
		l.a.Heard(id, false, w.now)
	}
	for _, addr := range modelAddrs {
		n := w.nodes[addr]
		switch {
		case l.linked[addr] != n.run || !n.alive:
			w.connect(l, n)
		case w.now.Sub(l.asked[addr]) >= 15*time.Millisecond:
			w.probe(l, g, n)
		}
		l.a.Judged(addr, w.down(addr))
	}
	w.mourn(l, g)
	if l.frozen == nil {
		w.vote(l, g)
	}
	for _, action := range Step(g, l.a, w.now).Actions {
		w.act(l, g, action)
	}
}

// mourn tells a leader, sooner or later, that an old master's process does not exist.
func (w *world) mourn(l *leader, g *group.Group) {
	n := w.nodes[g.Opened.Addr]
	if n == nil || w.r.IntN(4) > 0 {
		return
	}
	if !n.alive || n.runID() != g.Opened.RunID || w.fault == buriesTheSilent && w.down(n.addr) {
		l.a.Died(g.Opened.RunID)
	}
}

func (w *world) down(addr string) bool {
	return w.now.Sub(w.heard[addr]) > modelDownAfter || w.alarm[addr]
}

// verdict is every sentinel's on the master: down, or another process by now.
func (w *world) verdict(g *group.Group) bool {
	n := w.nodes[g.Master.Addr]
	return w.down(n.addr) || n.alive && !n.frozen && n.runID() != g.Master.RunID
}

func (w *world) vote(l *leader, g *group.Group) {
	down := w.verdict(g)
	v := g.Verdicts["s1"]
	if g.Master.RunID == "" || l.a.Committing || down == (v.Down && v.RunID == g.Master.RunID) {
		return
	}
	l.a.Committing = true
	w.propose(l, &group.Judge{RunID: g.Master.RunID, Down: map[string]bool{"s1": down, "s2": down}})
}

func (w *world) connect(l *leader, n *modelNode) {
	if l.linked[n.addr] != 0 || !n.alive {
		l.linked[n.addr] = 0
		l.a.Lost(n.addr, !n.alive, w.now)
	}
	if n.alive && !n.frozen && !w.apart(l, n) && w.r.IntN(4) == 0 {
		l.linked[n.addr] = n.run
		l.a.Connected(n.addr, n.addr, &native.Hello{RunID: n.runID()})
	}
}

// apart tells whether a leader cannot reach a node: it leads the others.
func (w *world) apart(l *leader, n *modelNode) bool { return w.island[n.addr] && l.frozen == nil }

func (w *world) propose(l *leader, c group.Command) {
	l.proposal = w.later(1+w.r.IntN(4), func() {
		l.proposal = nil
		if l.frozen == nil {
			w.apply(c)
		}
		l.a.Committing = false
	})
}

func (w *world) act(l *leader, g *group.Group, action Action) {
	switch x := action.(type) {
	case Commit:
		w.propose(l, x.Command)
	case Ask:
		w.probe(l, g, w.nodes[x.Addr])
	case Recheck:
		for _, id := range []string{"s1", "s2", "s3"} {
			l.a.Rechecked(id, x.RunID, w.verdict(g))
		}
	case Call:
		w.call(l, x)
	case Verify:
		w.later(w.r.IntN(3), func() {
			leads := l.frozen == nil || w.fault == verifiesNothing
			w.later(w.r.IntN(3), func() { l.a.Verified(x.Lease, leads) })
		})
	}
}

// exchange carries something to a node and back: late, or lost with the
// connection on either way. A frozen node takes it when it thaws.
func (w *world) exchange(l *leader, n *modelNode, there func() func(), lost func()) {
	run := n.run
	fate := w.r.IntN(40)
	broken := func() {
		if l.linked[n.addr] == run {
			l.linked[n.addr] = 0
			l.a.Lost(n.addr, false, w.now)
		}
		lost()
	}
	var arrive func()
	arrive = func() {
		switch {
		case n.frozen && n.run == run:
			w.later(5, arrive)
		case !n.alive || n.run != run || fate == 0 || w.apart(l, n):
			broken()
		default:
			back := there()
			w.later(w.r.IntN(4), func() {
				if fate == 1 {
					broken()
					return
				}
				back()
			})
		}
	}
	w.later(w.r.IntN(4), arrive)
}

func (w *world) probe(l *leader, g *group.Group, n *modelNode) {
	if l.linked[n.addr] == 0 {
		return
	}
	l.asked[n.addr] = w.now
	lease, ok := l.a.Grant(g)
	if !ok || lease.Addr != n.addr {
		lease = Lease{}
	}
	w.exchange(l, n, func() func() {
		p := n.probe(g.Epoch, g.Holders.Version, lease)
		return func() {
			if l.frozen == nil {
				w.heard[n.addr] = w.now
			}
			if l.linked[n.addr] == n.run && p.RunID == n.runID() {
				l.a.Probed(n.addr, p, nil, w.now)
			}
		}
	}, func() {})
}

var errLost = errors.New("the connection was lost")

func (w *world) call(l *leader, c Call) {
	n, args := w.nodes[c.Addr], pairOf(c)
	w.exchange(l, n, func() func() {
		sealed, offset, err := n.obey(c, args)
		w.log("%s %s %d by term %d: %v %+v", c.Addr, c.Kind, c.Epoch, l.a.Term, err, sealed)
		return func() { l.a.Answered(c, sealed, offset, err, w.now) }
	}, func() { l.a.Answered(c, native.Sealed{}, 0, errLost, w.now) })
}

// pairOf reads the holders of a PROMOTE or HOLDERS.
func pairOf(c Call) (p pair) {
	at := map[native.Kind]int{native.KindPromote: 5, native.KindHolders: 4}[c.Kind]
	if at == 0 {
		return p
	}
	p.version, _ = strconv.ParseUint(c.Args[at], 10, 64)
	p.n, _ = strconv.Atoi(c.Args[at+1])
	p.members = c.Args[at+2:]
	return p
}

// millisecond moves the world on.
func (w *world) millisecond() {
	w.now = w.now.Add(time.Millisecond)
	due := w.wire
	w.wire = nil
	w.r.Shuffle(len(due), func(i, k int) { due[i], due[k] = due[k], due[i] })
	for _, e := range due {
		if e.due.After(w.now) {
			w.wire = append(w.wire, e)
		} else {
			e.do()
		}
	}
	for _, addr := range modelAddrs {
		n := w.nodes[addr]
		if w.r.IntN(2) == 0 {
			n.write(w.number())
		}
		n.replicate(w.r)
		n.release()
	}
	for _, l := range w.leaders {
		if w.r.IntN(2) == 0 {
			w.turn(l)
		}
	}
}

func (w *world) run(ms int) {
	for range ms {
		w.millisecond()
	}
}

// whole tells whether the group serves with every node in its place.
func (w *world) whole() bool {
	g := w.group()
	m := w.nodes[g.Master.Addr]
	return g.Phase == group.Stable && len(g.Holders.Members) == len(w.nodes)-1 && g.Holders.N == g.Settings.WriteAcks && g.Next == nil && m.serving && m.runID() == g.Master.RunID
}

// settle waits until the group is whole, which it must become by itself.
func (w *world) settle() {
	for range 10_000 {
		if w.whole() {
			return
		}
		w.millisecond()
	}
	if w.fault != "" {
		panic(violation("")) // that it hangs is no proof of harm
	}
	w.fail("the group did not come back: phase %s, epoch %d, reason %q", w.group().Phase, w.group().Epoch, w.group().Reason)
}

// disturb does one thing that happens in the world.
func (w *world) disturb() {
	n := w.nodes[modelAddrs[w.r.IntN(len(modelAddrs))]]
	switch w.r.IntN(8) {
	case 0, 1:
		w.log("kill %s", n.addr)
		n.alive = false
		n.cut()
	case 2:
		w.log("freeze %s", n.addr)
		n.frozen = true
	case 3:
		w.log("restart %s", n.addr)
		n.start()
	case 4:
		w.log("cut %s", n.addr)
		n.cut()
	case 5:
		w.alarm[n.addr] = true
		w.later(20, func() { delete(w.alarm, n.addr) })
	case 6:
		w.elect()
	case 7:
		w.switchover()
	}
}

// more is what a single failure does not do.
func (w *world) more() {
	switch w.r.IntN(4) {
	case 0:
		w.apply(&group.Set{Options: []group.Option{{Name: "write-acks", Value: strconv.Itoa(w.r.IntN(3))}}})
	case 1:
		w.maroon(w.nodes[modelAddrs[w.r.IntN(len(modelAddrs))]])
	case 2:
		w.maroon(w.nodes[w.group().Master.Addr])
	case 3: // a replica that comes and goes: change follows change
		addr := modelAddrs[w.r.IntN(len(modelAddrs))]
		for range 10 {
			w.alarm[addr] = true
			w.run(1 + w.r.IntN(15))
			delete(w.alarm, addr)
			w.run(1 + w.r.IntN(15))
		}
	}
}

// maroon leaves a node with the leader that has led so far, and all others with
// another one.
func (w *world) maroon(n *modelNode) {
	w.log("maroon %s", n.addr)
	w.elect()
	w.island[n.addr] = true
	w.later(100+w.r.IntN(700), func() { delete(w.island, n.addr) })
}

func (w *world) switchover() {
	l := w.leaders[len(w.leaders)-1]
	if c, err := Planned(w.group(), l.a, false, w.now); err == nil {
		w.log("SENTINEL FAILOVER")
		w.propose(l, c)
	}
}

func (w *world) heal() {
	for _, addr := range modelAddrs {
		n := w.nodes[addr]
		n.frozen = false
		if !n.alive {
			n.start()
		}
	}
	clear(w.alarm)
	clear(w.island)
}

// anything is a history in which everything happens that may.
func (w *world) anything() {
	w.settle()
	for range 6 {
		w.run(w.r.IntN(120))
		for range 1 + w.r.IntN(3) {
			w.disturb()
			w.run(w.r.IntN(40))
			if w.r.IntN(2) == 0 {
				w.more()
				w.run(w.r.IntN(200))
			}
		}
		w.run(w.r.IntN(200))
		if w.r.IntN(2) == 0 {
			w.heal()
		}
	}
	w.heal()
	w.settle()
}

// few is how many histories are played: in one thread the race detector, for which
// -short is, finds nothing however many they are.
func few() int {
	if testing.Short() {
		return *histories / 10
	}
	return *histories
}

// Whatever happens: no master lacks an answered write unless its loss was
// announced, no write is answered before the holders of that moment confirmed
// it, no replaced master answers what the next ones lack, and the group comes back.
func TestModelAnything(t *testing.T) {
	for seed := range uint64(few()) {
		newWorld(t, seed, group.Settings{WriteAcks: int(seed % 3), Strict: seed%5 == 0}).anything()
	}
}

// The model is worth something: each rule that is broken on purpose is caught.
func TestModelCatchesBrokenRules(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped by -short: it takes hundreds of histories to break a rule")
	}
	for _, f := range []fault{heedsOldPairAlone, heedsNewPairAlone, takesAtOnce, readyAtOnce, saysWithoutTaking, countsAnybody,
		ignoresLeases, countsFromReceipt, waitsForNoLease, verifiesNothing, buriesTheSilent} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(1000) {
				if v := breaking(t, f, seed); v != "" {
					t.Logf("seed %d: %s", seed, v)
					return
				}
			}
			t.Error("nothing came of it")
		})
	}
}

// breaking tells what came of a history in which a rule is broken.
func breaking(t *testing.T, f fault, seed uint64) (came violation) {
	defer func() {
		if v := recover(); v != nil {
			came = v.(violation)
		}
	}()
	w := newWorld(t, seed, group.Settings{WriteAcks: int(seed % 3)})
	w.fault = f
	w.anything()
	return ""
}

// One failure at a time loses nothing, and nothing is announced.
func TestModelOneFailureAtATime(t *testing.T) {
	writes := 0
	for seed := range uint64(few()) {
		w := newWorld(t, seed, group.Settings{WriteAcks: 1, Strict: seed%2 == 0})
		for range 6 {
			w.settle()
			w.run(w.r.IntN(100))
			if !w.whole() {
				w.settle()
			}
			w.disturb()
			w.run(w.r.IntN(300))
			if w.r.IntN(3) == 0 {
				w.elect()
			}
			w.run(w.r.IntN(300))
			w.heal()
		}
		w.settle()
		if w.losses > 0 {
			w.fail("%d losses were announced", w.losses)
		}
		writes += len(w.kept)
	}
	if writes < 100*few() {
		t.Errorf("only %d writes were answered in %d histories", writes, few())
	}
}
