package election

import (
	"sync"
	"sync/atomic"

	"holdfast/election/internal/group"
	"holdfast/election/topology"
)

// machine applies committed entries: it keeps the newest state, prints the
// events that an entry means, and hands the topologies to those who watch.
type machine struct {
	events  *events
	state   atomic.Pointer[group.State]
	changed chan struct{} // has room for one: the state is another now

	mu      sync.Mutex
	watches map[string]*topology.Watch // by group
}

func newMachine(e *events) *machine {
	m := &machine{events: e, changed: make(chan struct{}, 1), watches: map[string]*topology.Watch{}}
	m.state.Store(group.NewState())
	return m
}

// Apply implements consensus.Machine. What an entry of an earlier life of this
// sentinel meant has been printed then.
func (m *machine) Apply(entry []byte, replay bool) error {
	next, events, err := m.state.Load().Apply(entry)
	if err != nil {
		return err
	}
	m.state.Store(next)
	if !replay {
		for _, e := range events {
			m.events.committed(e)
		}
	}
	m.publish(next)
	return nil
}

// Snapshot implements consensus.Machine.
func (m *machine) Snapshot() ([]byte, error) { return m.state.Load().Marshal() }

// Restore implements consensus.Machine.
func (m *machine) Restore(b []byte) error {
	s, err := group.Unmarshal(b)
	if err != nil {
		return err
	}
	m.state.Store(s)
	m.publish(s)
	return nil
}

func (m *machine) publish(s *group.State) {
	for name, g := range s.Groups {
		m.watch(name).Offer(g.Topology())
	}
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// watch returns the group's Watch; a group that is not known yet may be waited
// for.
func (m *machine) watch(name string) *topology.Watch {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.watches[name]
	if w == nil {
		w = new(topology.Watch)
		m.watches[name] = w
	}
	return w
}

// knows tells whether the group is monitored.
func (m *machine) knows(name string) bool { return m.state.Load().Groups[name] != nil }
