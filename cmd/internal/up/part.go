package up

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"holdfast/cmd/internal/child"
	"holdfast/conf"
)

// logName is the file below a part's folder that takes its output.
const logName = "log"

// running is one part and its current process.
type running struct {
	Part
	super *Supervisor

	mu      sync.Mutex
	process *child.Process // nil before the first start
}

func newRunning(p Part, s *Supervisor) *running { return &running{Part: p, super: s} }

// start runs the part's program with its output appended to the part's log.
// The part writes there by itself: it neither waits for this process nor loses
// its last words with it.
func (r *running) start() error {
	if _, err := conf.PrepareDir(r.Dir); err != nil {
		return err
	}
	log, err := os.OpenFile(r.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(r.super.program, r.Args...)
	cmd.Stdout, cmd.Stderr = log, log
	p, err := child.Start(cmd)
	if err != nil {
		return fmt.Errorf("starting %s: %w", r.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process = p
	return nil
}

func (r *running) logFile() string { return filepath.Join(r.Dir, logName) }

func (r *running) current() *child.Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.process
}

// pid is the process id, 0 when the part does not run.
func (r *running) pid() int {
	if p := r.current(); p != nil && p.Running() {
		return p.PID
	}
	return 0
}

// keepRunning starts the part again whenever it has died, until ctx ends.
func (r *running) keepRunning(ctx context.Context) {
	for {
		p := r.current()
		select {
		case <-ctx.Done():
			return
		case <-p.Done():
		}
		if ctx.Err() != nil {
			return
		}
		r.super.changed()
		if r.super.opts.RestartAfter == 0 {
			r.say("ended (%s); it is not started again", howEnded(p))
			return
		}
		r.say("ended (%s); starting it again in %v", howEnded(p), r.super.opts.RestartAfter)
		select {
		case <-ctx.Done():
			return
		case <-time.After(r.super.opts.RestartAfter):
		}
		if err := r.start(); err != nil {
			r.say("%v", err) // the ended process is still the current one: tried again after the next wait
			continue
		}
		r.super.changed()
		r.say("started again, process %d", r.current().PID)
	}
}

func howEnded(p *child.Process) string {
	if err := p.Err(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.String()
		}
		return err.Error()
	}
	return "exit status 0"
}

func (r *running) say(format string, args ...any) {
	fmt.Fprintf(r.super.out, "%s: %s\n", r.Name, fmt.Sprintf(format, args...))
}

func (r *running) stop() {
	if p := r.current(); p != nil {
		p.Stop(context.Background(), stopWait)
	}
}

// lastWords are the last lines of the part's log, to show why it ended.
func (r *running) lastWords() string {
	b, err := os.ReadFile(r.logFile())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return "  " + strings.Join(all[max(0, len(all)-10):], "\n  ")
}
