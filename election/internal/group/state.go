package group

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Sentinel is one member of the sentinel group, as clients reach it.
type Sentinel struct {
	ID    string `json:"id"`     // its raft id
	Addr  string `json:"addr"`   // host:port of its client port
	RunID string `json:"run_id"` // what SENTINEL MYID answers
}

// State is everything the sentinels agree on. It is never changed once made.
type State struct {
	Sentinels map[string]Sentinel `json:"sentinels"` // by raft id
	Groups    map[string]*Group   `json:"groups"`    // by name
}

// NewState is the state before the first entry.
func NewState() *State {
	return &State{Sentinels: map[string]Sentinel{}, Groups: map[string]*Group{}}
}

// Names returns the names of the groups, sorted.
func (s *State) Names() []string { return slices.Sorted(maps.Keys(s.Groups)) }

// SentinelIDs returns the raft ids of the sentinels that have joined, sorted.
func (s *State) SentinelIDs() []string { return slices.Sorted(maps.Keys(s.Sentinels)) }

// Marshal writes the state as JSON, for a raft snapshot.
func (s *State) Marshal() ([]byte, error) { return json.Marshal(s) }

// Unmarshal reads what Marshal wrote.
func Unmarshal(b []byte) (*State, error) {
	s := NewState()
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("group: cannot read a snapshot of %d bytes: %w", len(b), err)
	}
	return s, nil
}

// Event is one thing that happened, as Redis Sentinel prints and publishes it.
type Event struct {
	Group string // the group it belongs to
	Name  string // "+switch-master"
	Text  string // "mymaster 10.0.0.1 6379 10.0.0.2 6379"
}

// turn is the application of one entry.
type turn struct {
	at     time.Time
	state  *State
	g      *Group // the command's group, ours to change; nil for a command of none
	events []Event
}

// Apply returns the state after a committed entry, and its events. On an error
// the state is the old one: the entry was decided upon something that no longer
// holds, or cannot be read.
func (s *State) Apply(entry []byte) (*State, []Event, error) {
	e, cmd, err := decode(entry)
	if err != nil {
		return s, nil, err
	}
	t := &turn{at: e.At, state: &State{Sentinels: maps.Clone(s.Sentinels), Groups: maps.Clone(s.Groups)}}
	before := s.Groups[e.Group]
	if _, creates := cmd.(*Create); e.Group != "" && !creates {
		if before == nil {
			return s, nil, fmt.Errorf("group: no such master with that name: %s", e.Group)
		}
		t.g = before.clone()
	}
	if err := cmd.apply(t); err != nil {
		return s, nil, err
	}
	if t.g != nil {
		t.g.number(before)
		t.state.Groups[t.g.Name] = t.g
	}
	return t.state, t.events, nil
}
