package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/backend/netio/freeport"
)

// A proxy asks the kernel not to push others off their cores, with all of its
// threads, unless it is told to be as every process.
func TestProxyIsScheduledAsConfigured(t *testing.T) {
	for _, tc := range []struct {
		flags string
		want  uint32
	}{{"", unix.SCHED_BATCH}, {"batch", unix.SCHED_BATCH}, {"normal", unix.SCHED_NORMAL}} {
		t.Run("cpu-scheduling "+tc.flags, func(t *testing.T) {
			port := freeport.Port(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			args := []string{"proxy", "--port", strconv.Itoa(port), "--admin", "", "--master", freeport.Addr(t)}
			if tc.flags != "" {
				args = append(args, "--cpu-scheduling", tc.flags)
			}
			cmd := exec.CommandContext(ctx, program, args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer cmd.Process.Kill()
			await(t, 20*time.Second, "the proxy answers", func() error {
				_, err := do(t, time.Second, local(port), "PING")
				return err
			})
			if err := scheduledAs(cmd.Process.Pid, tc.want); err != nil {
				t.Error(err)
			}
		})
	}
}

// scheduledAs tells what thread of a process is under another policy.
func scheduledAs(pid int, want uint32) error {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return err
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			return err
		}
		attr, err := unix.SchedGetAttr(tid, 0)
		if err == nil && attr.Policy != want {
			err = fmt.Errorf("thread %d of %d has the policy %d, not %d", tid, len(tasks), attr.Policy, want)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
