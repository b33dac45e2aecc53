package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"holdfast/cmd/internal/child"
	"holdfast/cmd/internal/load"
)

const (
	startWait = 10 * time.Second // for a process to answer
	stopWait  = 5 * time.Second  // for a process to end by itself
)

// stack is the running processes of one system.
type stack struct {
	programs map[string]string // path by name
	dir      string            // for their files; removed with the stack
	port     int               // of the process started last: what clients talk to
	procs    []*child.Process
	err      error // the first failure to write a file
}

func newStack(programs map[string]string) (*stack, error) {
	dir, err := os.MkdirTemp("", "peerbench-")
	if err != nil {
		return nil, err
	}
	return &stack{programs: programs, dir: dir}, nil
}

func (s *stack) addr() string { return net.JoinHostPort("127.0.0.1", itoa(s.port)) }

// spawn starts a program with the arguments made for a free port, and waits
// until a request through that port is answered.
func (s *stack) spawn(program string, args func(port int) []string) error {
	s.port = freePort()
	argv := args(s.port)
	if s.err != nil {
		return s.err
	}
	logFile := filepath.Join(s.dir, fmt.Sprintf("%d-%s.log", len(s.procs), program))
	log, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(s.programs[program], argv...)
	cmd.Stdout, cmd.Stderr = log, log
	p, err := child.Start(cmd)
	if err != nil {
		return err
	}
	s.procs = append(s.procs, p)
	if err := s.awaitAnswer(p); err != nil {
		said, _ := os.ReadFile(logFile)
		return fmt.Errorf("%s %v: %w; it said:\n%s", program, argv, err, said)
	}
	return nil
}

// awaitAnswer asks for a key rather than by PING, which a proxy may answer
// before it reaches its server.
func (s *stack) awaitAnswer(p *child.Process) error {
	for deadline := time.Now().Add(startWait); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if !p.Running() {
			return fmt.Errorf("it ended: %v", p.Err())
		}
		if asks(s.addr()) == nil {
			return nil
		}
	}
	return errors.New("no answer in time")
}

func asks(addr string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c, err := load.Dial(ctx, addr, "")
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	v, err := c.Do("GET", "peerbench")
	if err != nil {
		return err
	}
	return v.Err()
}

// cpu is the processor time that all processes have used so far.
func (s *stack) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, p := range s.procs {
		used, err := child.CPU(p.PID)
		if err != nil {
			return 0, fmt.Errorf("processor time of process %d: %w", p.PID, err)
		}
		sum += used
	}
	return sum, nil
}

// stop ends the processes, clients' side first, and removes their files.
func (s *stack) stop() {
	for i := len(s.procs) - 1; i >= 0; i-- {
		s.procs[i].Stop(context.Background(), stopWait)
	}
	os.RemoveAll(s.dir)
}

func freePort() int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0 // the program that is given it will say what is wrong
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

func itoa(n int) string { return strconv.Itoa(n) }
