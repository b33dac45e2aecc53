package netio

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Batch puts the whole process under SCHED_BATCH (sched(7)), which takes
// nothing from it but the right to push a running process off its core as soon
// as there is something to read. A process that other processes feed otherwise
// comes on after each small piece, and pays a switch, a turn of the loop and a
// write to its upstream for it; behind them it finds all that they have written
// meanwhile. An idle core still takes it at once.
//
// Threads under another policy than the normal one were given it by somebody
// and keep it. New threads inherit the policy of the one that makes them.
func Batch() error {
	for {
		changed, err := batchThreads()
		if err != nil {
			return fmt.Errorf("cannot schedule the process as a batch: %w", err)
		}
		if !changed { // all threads made from now on inherit
			return nil
		}
	}
}

// batchThreads changes the threads that exist now, and tells whether there were
// any to change: those may have made others meanwhile.
func batchThreads() (changed bool, err error) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false, err
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		attr, err := unix.SchedGetAttr(tid, 0)
		if err == nil && attr.Policy == unix.SCHED_NORMAL {
			changed = true
			attr.Policy, attr.Runtime = unix.SCHED_BATCH, 0 // 0: the slice stays the system's
			err = unix.SchedSetAttr(tid, attr, 0)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) { // the thread has ended
			return changed, err
		}
	}
	return changed, nil
}
