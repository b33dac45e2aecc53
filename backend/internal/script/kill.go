package script

import (
	"sync"
	"sync/atomic"
	"time"
)

// Kind tells scripts from functions.
type Kind uint8

// The kinds of what can run. AnyKind is for Kill.
const (
	Script Kind = iota
	Function
	AnyKind
)

// Busy is what other clients are told while a script has run for longer than
// it should: who may end it depends on the kind.
func (k Kind) Busy() string {
	return "BUSY Redis is busy running a script. You can only call " + k.KillCommand() + " or SHUTDOWN NOSAVE."
}

// KillCommand is what ends a script of that kind.
func (k Kind) KillCommand() string {
	if k == Function {
		return "FUNCTION KILL"
	}
	return "SCRIPT KILL"
}

// Running describes the script or function under way.
type Running struct {
	Name    string // the script's SHA1, the function's name
	Kind    Kind
	Command [][]byte // the whole request; valid while the script runs
	Started time.Time
}

// status is what other goroutines may know and do about the script under way.
type status struct {
	mu         sync.Mutex
	running    bool
	what       Running
	wrote      bool
	fromMaster bool
	kill       atomic.Bool
}

func (s *status) begin(r *run, req Request) {
	s.mu.Lock()
	s.running, s.wrote, s.fromMaster = true, false, req.FromMaster
	s.what = Running{Name: r.name, Kind: r.box.kind, Command: req.Args, Started: r.started}
	s.kill.Store(false)
	s.mu.Unlock()
}

func (s *status) end() {
	s.mu.Lock()
	s.running, s.what = false, Running{}
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

// Wrote tells whether the script under way has run a write command. It is safe
// for concurrent use.
func (e *Engine) Wrote() bool {
	e.status.mu.Lock()
	defer e.status.mu.Unlock()
	return e.status.wrote
}

// Running tells what script is under way. It is safe for concurrent use.
func (e *Engine) Running() (Running, bool) {
	e.status.mu.Lock()
	defer e.status.mu.Unlock()
	return e.status.what, e.status.running
}

// Kill asks the script of that kind under way to end, as SCRIPT KILL and
// FUNCTION KILL do, and returns an error reply, empty when it will. It is safe
// for concurrent use.
func (e *Engine) Kill(k Kind) string {
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
	case k != AnyKind && k != s.what.Kind:
		return s.what.Kind.Busy()
	}
	s.kill.Store(true)
	return ""
}
