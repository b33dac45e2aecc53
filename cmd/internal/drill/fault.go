package drill

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"holdfast/cmd/internal/up"
	"holdfast/cmd/internal/view"
	"holdfast/election/topology"
)

// Fault is a way to break a group.
type Fault struct {
	Name string
	Help string

	strike func(ctx context.Context, g *group) (*strike, error)
}

// strike is a fault that was done.
type strike struct {
	target  string                      // host:port of what was hit
	serving func(context.Context) error // what is still amiss before the group has got over it
	undo    func()                      // lets a frozen part go on; may be called twice
}

// Faults are all there are.
var Faults = []*Fault{
	{"kill-master", "kill -9 the master", killMaster},
	{"freeze-master", "stop the master's process (SIGSTOP) and let it go on once another one serves", freezeMaster},
	{"switchover", "ask for a planned change of master (SENTINEL FAILOVER)", switchover},
	{"kill-sentinel", "kill -9 the sentinel that leads", killSentinel},
}

// Find returns the fault of that name; the error names those there are.
func Find(name string) (*Fault, error) {
	var names []string
	for _, f := range Faults {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return nil, fmt.Errorf("no drill is called %q; there are %s", name, strings.Join(names, ", "))
}

func killMaster(ctx context.Context, g *group) (*strike, error) {
	return signalMaster(ctx, g, syscall.SIGKILL, func(int) {})
}

func freezeMaster(ctx context.Context, g *group) (*strike, error) {
	return signalMaster(ctx, g, syscall.SIGSTOP, func(pid int) { syscall.Kill(pid, syscall.SIGCONT) })
}

func signalMaster(ctx context.Context, g *group, sig syscall.Signal, undo func(pid int)) (*strike, error) {
	topo, err := g.topology(ctx)
	if err != nil {
		return nil, err
	}
	state, err := g.state()
	if err != nil {
		return nil, err
	}
	master, err := find(state.Nodes, topo.Master.Addr)
	if err != nil {
		return nil, err
	}
	if err := syscall.Kill(master.PID, sig); err != nil {
		return nil, fmt.Errorf("process %d: %w", master.PID, err)
	}
	return &strike{target: master.Addr, serving: g.servesPast(topo.Epoch), undo: sync.OnceFunc(func() { undo(master.PID) })}, nil
}

// servesPast holds once a master serves in a later epoch.
func (g *group) servesPast(epoch uint64) func(context.Context) error {
	return func(ctx context.Context) error {
		topo, err := g.topology(ctx)
		switch {
		case err != nil:
			return err
		case topo.Phase != topology.Stable:
			return fmt.Errorf("the group is in phase %s: %s", topo.Phase, topo.Reason)
		case topo.Epoch <= epoch:
			return fmt.Errorf("the group is still in epoch %d", topo.Epoch)
		}
		return nil
	}
}

// switchover asks any sentinel that will take the request. One refuses for
// some seconds after the last failover; the request is repeated until then.
func switchover(ctx context.Context, g *group) (*strike, error) {
	topo, err := g.topology(ctx)
	if err != nil {
		return nil, err
	}
	state, err := g.state()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, switchoverWait)
	defer cancel()
	for {
		var refused error
		for _, s := range state.Sentinels {
			if refused = failover(ctx, s.Addr); refused == nil {
				return &strike{target: topo.Master.Addr, serving: g.servesPast(topo.Epoch), undo: func() {}}, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, refused
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// switchoverWait is how long the sentinels may refuse a switchover. On a busy machine
// the leader misses a replica for a moment, or is about to count it in.
const switchoverWait = 10 * time.Second

func failover(ctx context.Context, sentinel string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := view.Dial(ctx, sentinel)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Do(ctx, "SENTINEL", "FAILOVER", up.Group)
	return err
}

func killSentinel(ctx context.Context, g *group) (*strike, error) {
	leader, err := g.leader(ctx)
	if err != nil {
		return nil, err
	}
	state, err := g.state()
	if err != nil {
		return nil, err
	}
	process, err := find(state.Sentinels, leader.Addr)
	if err != nil {
		return nil, err
	}
	if err := syscall.Kill(process.PID, syscall.SIGKILL); err != nil {
		return nil, fmt.Errorf("process %d: %w", process.PID, err)
	}
	return &strike{target: leader.Addr, undo: func() {}, serving: func(ctx context.Context) error {
		next, err := g.leader(ctx)
		if err == nil && next.Term <= leader.Term {
			err = errors.New("no sentinel leads in a later term")
		}
		return err
	}}, nil
}
