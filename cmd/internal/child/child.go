// Package child starts processes that end with this one, and accounts for what
// they cost.
//
// A child gets SIGKILL from the kernel when this process dies in any way, kill
// -9 included. What a child itself started is not covered.
package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a started child. Its exit is collected by a goroutine of its own,
// so that it never stays behind as a zombie.
type Process struct {
	PID  int
	done chan struct{}
	err  error // of the exit; valid once done is closed
}

// Start starts cmd so that it dies with this process. It is put into a process
// group of its own: a Ctrl-C at the terminal reaches this process alone, which
// then decides in which order its children stop.
func Start(cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.SysProcAttr.Setpgid = true
	if err := onSpawner(cmd.Start); err != nil {
		return nil, err
	}
	p := &Process{PID: cmd.Process.Pid, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// onSpawner runs f on a thread that lives as long as the process. The kernel
// sends the parent-death signal when the *thread* that started a child ends,
// and the runtime may end any thread but one that is locked for good.
func onSpawner(f func() error) error {
	spawner.once.Do(func() {
		spawner.work = make(chan func())
		go func() {
			runtime.LockOSThread()
			for f := range spawner.work {
				f()
			}
		}()
	})
	result := make(chan error, 1)
	spawner.work <- func() { result <- f() }
	return <-result
}

var spawner struct {
	once sync.Once
	work chan func()
}

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the child ended, nil for exit status 0; call it after Done.
func (p *Process) Err() error { return p.err }

// Running tells whether the child has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Signal sends sig unless the child has ended.
func (p *Process) Signal(sig syscall.Signal) error {
	if !p.Running() {
		return nil
	}
	if err := syscall.Kill(p.PID, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// Stop asks the child to end by SIGTERM, kills it after patience or at the end
// of ctx, and returns when it is gone. A stopped process is woken first, so
// that it can answer.
func (p *Process) Stop(ctx context.Context, patience time.Duration) {
	p.Signal(syscall.SIGCONT)
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return
	case <-ctx.Done():
	case <-time.After(patience):
	}
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Resident is how much of the machine's memory a process occupies, in bytes.
func Resident(pid int) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(raw), &size, &resident); err != nil {
		return 0, fmt.Errorf("/proc/%d/statm: %w", pid, err)
	}
	return resident * int64(os.Getpagesize()), nil
}

// CPU is the processor time that a process with this id has used so far, all
// its threads together, those that ended included, user and system. It is the
// kernel's clock of the process (clock_getcpuclockid(3)), which counts
// nanoseconds where /proc/PID/stat counts ticks.
func CPU(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &ts); err != nil {
		return 0, err
	}
	return time.Duration(ts.Nano()), nil
}
