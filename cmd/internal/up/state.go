package up

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"holdfast/conf"
)

// StateFile is the name of the file below Dir that describes a running group.
const StateFile = "up.json"

// State is the running group. A part whose PID is 0 does not run at the moment.
type State struct {
	Proxies   []Process `json:"proxies"`
	Nodes     []Process `json:"nodes"`
	Sentinels []Process `json:"sentinels"`
}

// Process is one running part.
type Process struct {
	Addr string `json:"addr"`
	PID  int    `json:"pid"`
	Dir  string `json:"dir,omitempty"` // of nodes and sentinels
}

// ReadState reads the state of the group that runs in dir.
func ReadState(dir string) (*State, error) {
	file := filepath.Join(dir, StateFile)
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no group runs in %s (there is no %s); start one with `holdfast up --dir %s`", dir, file, dir)
	}
	if err != nil {
		return nil, err
	}
	s := new(State)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("%s is not as `holdfast up` writes it: %w; stop that group and start it again", file, err)
	}
	return s, nil
}

// writeState replaces the file by a rename, so that a reader sees all of the
// old one or all of the new one.
func writeState(dir string, s *State) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return conf.WriteAtomic(filepath.Join(dir, StateFile), append(b, '\n'), 0o644)
}

// wasKilled tells whether the last group in dir did not end by itself.
func wasKilled(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, StateFile))
	return err == nil
}

func removeState(dir string) error {
	err := os.Remove(filepath.Join(dir, StateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// snapshot is the state of the parts as they run now.
func snapshot(parts []*running) *State {
	s := &State{Proxies: []Process{}, Nodes: []Process{}, Sentinels: []Process{}}
	for _, r := range parts {
		p := Process{Addr: r.Addr, PID: r.pid(), Dir: r.Dir}
		switch r.Kind {
		case conf.Node:
			s.Nodes = append(s.Nodes, p)
		case conf.Sentinel:
			s.Sentinels = append(s.Sentinels, p)
		case conf.Proxy:
			p.Dir = ""
			s.Proxies = append(s.Proxies, p)
		}
	}
	return s
}
