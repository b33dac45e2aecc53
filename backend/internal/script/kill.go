package script

import (
	"sync"
	"sync/atomic"
)

// status is what other goroutines may know and do about the script under way.
type status struct {
	mu         sync.Mutex
	running    bool
	wrote      bool
	fromMaster bool
	kill       atomic.Bool
}

func (s *status) begin(fromMaster bool) {
	s.mu.Lock()
	s.running, s.wrote, s.fromMaster = true, false, fromMaster
	s.kill.Store(false)
	s.mu.Unlock()
}

func (s *status) end() {
	s.mu.Lock()
	s.running = false
	s.kill.Store(false)
	s.mu.Unlock()
}

// mayWrite claims the right to run a write command. It is lost once the script
// was killed: a kill promises that nothing was written.
func (s *status) mayWrite() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kill.Load() {
		return false
	}
	s.wrote = true
	return true
}

func (s *status) killed() bool { return s.kill.Load() }

// Running tells whether a script is under way. It is safe for concurrent use.
func (e *Engine) Running() bool {
	e.status.mu.Lock()
	defer e.status.mu.Unlock()
	return e.status.running
}

// Kill asks the script under way to end, as SCRIPT KILL does, and returns an
// error reply, empty when it will. It is safe for concurrent use.
func (e *Engine) Kill() string {
	s := &e.status
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.running:
		return "NOTBUSY No scripts in execution right now."
	case s.fromMaster:
		return "UNKILLABLE The busy script was sent by a master instance in the context of replication and cannot be killed."
	case s.wrote:
		return "UNKILLABLE Sorry the script already executed write commands against the dataset. " +
			"You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
	}
	s.kill.Store(true)
	return ""
}
