package up

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/conf"
)

const (
	readyWait = time.Minute      // for the endpoint to serve
	stopWait  = 10 * time.Second // for a part to end by itself
	diesWait  = 5 * time.Second  // for the parts of a group that was killed to be gone
)

// Supervisor runs one group.
type Supervisor struct {
	opts    Options
	program string    // path of the holdfast program
	out     io.Writer // what the user sees
	parts   []*running

	mu    sync.Mutex // guards the fields below and up.json
	ready bool       // up.json exists and is kept current
}

// New plans a group that runs the given program and talks to the user on out.
func New(o Options, program string, out io.Writer) (*Supervisor, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	plan, err := Plan(o)
	if err != nil {
		return nil, err
	}
	s := &Supervisor{opts: o, program: program, out: &lines{out: out}}
	for _, part := range plan {
		s.parts = append(s.parts, newRunning(part, s))
	}
	return s, nil
}

// Run starts the group and returns when ctx has ended and every part is gone.
// An error is why it could not start; the parts are gone then, too.
func (s *Supervisor) Run(ctx context.Context) error {
	unlock, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer s.stop()
	if err := s.start(); err != nil {
		return err
	}
	if err := s.awaitReady(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop before it was ready
		}
		return err
	}
	news := s.newTailer()
	if err := s.announce(); err != nil {
		return err
	}
	var watch sync.WaitGroup
	for _, r := range s.parts {
		watch.Go(func() { r.keepRunning(ctx) })
	}
	watch.Go(func() { s.tail(ctx, news) })
	watch.Wait()
	return nil
}

// prepare makes the directory, makes sure that no other group runs in it, and
// removes what a killed one left: its parts die after it, each in its own time.
func (s *Supervisor) prepare(ctx context.Context) (unlock func(), err error) {
	if _, err := conf.PrepareDir(s.opts.Dir); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(s.opts.Dir, "up.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	unlock = func() { lock.Close() } // ends the lock, too
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unlock()
		return nil, fmt.Errorf("another group runs in %s; stop it or choose another --dir", s.opts.Dir)
	}
	wait := time.Duration(0)
	if wasKilled(s.opts.Dir) {
		wait = diesWait
	}
	err = errors.Join(removeState(s.opts.Dir), awaitFree(ctx, s.plan(), wait))
	if err == nil {
		err = s.opts.checkLayout()
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

func (s *Supervisor) plan() []Part {
	var plan []Part
	for _, r := range s.parts {
		plan = append(plan, r.Part)
	}
	return plan
}

func (s *Supervisor) start() error {
	fmt.Fprintf(s.out, "starting %d nodes, %d sentinels and %d proxies in %s\n",
		s.opts.Nodes, s.opts.Sentinels, s.opts.Proxies, s.opts.Dir)
	for _, r := range s.parts {
		if err := r.start(); err != nil {
			return err
		}
	}
	return nil
}

// announce writes up.json and says what to do next.
func (s *Supervisor) announce() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = true
	if err := writeState(s.opts.Dir, snapshot(s.parts)); err != nil {
		return err
	}
	state := filepath.Join(s.opts.Dir, StateFile)
	var all bytes.Buffer // in one piece: who has read that it is ready finds the rest, too
	fmt.Fprintf(&all, "ready: one Redis endpoint at %s (%s)\n\n", local(s.opts.ProxyPort), state)
	call, dir := called(s.program), ""
	if s.opts.Dir != absolute(Defaults().Dir) {
		dir = " --dir " + s.opts.Dir
	}
	t := tabwriter.NewWriter(&all, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "  redis-cli -p %d set abc hahahahah\twrite through the proxy\n", s.opts.ProxyPort)
	fmt.Fprintf(t, "  %s status%s\twho is who\n", call, dir)
	fmt.Fprintf(t, "  %s drill kill-master%s\tkill -9 the master under load\n", call, dir)
	fmt.Fprintf(t, "  curl http://%s/metrics\tfigures of the proxy\n", local(s.opts.AdminPort))
	t.Flush()
	fmt.Fprintln(&all, "\nCtrl-C stops everything.")
	_, err := s.out.Write(all.Bytes())
	return err
}

// called is how the user calls the program, as far as its path tells.
func called(program string) string {
	if StartedByGoRun(program) {
		return "go run ./cmd/holdfast"
	}
	return filepath.Base(program)
}

// StartedByGoRun recognizes the place where `go run` puts a program.
func StartedByGoRun(program string) bool { return strings.Contains(program, "/go-build") }

func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// changed keeps up.json current after a part was started again.
func (s *Supervisor) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready {
		return
	}
	if err := writeState(s.opts.Dir, snapshot(s.parts)); err != nil {
		fmt.Fprintf(s.out, "up: %v\n", err)
	}
}

// stop ends the parts from the client's side inwards: first no request comes in
// any more, then nobody is left who would call a stopping master dead, then the
// nodes.
func (s *Supervisor) stop() {
	s.mu.Lock()
	s.ready = false
	err := removeState(s.opts.Dir)
	s.mu.Unlock()
	if err != nil {
		fmt.Fprintf(s.out, "up: %v\n", err)
	}
	for _, kind := range []conf.Part{conf.Proxy, conf.Sentinel, conf.Node} {
		var group sync.WaitGroup
		for _, r := range s.parts {
			if r.Kind == kind {
				group.Go(r.stop)
			}
		}
		group.Wait()
	}
}
