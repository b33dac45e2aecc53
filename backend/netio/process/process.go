// Package process knows that another process of the same machine is gone, which is
// more than that it does not answer. The name of a process says which one it is: of
// which run of the kernel, in which space of process ids, under which id. "" is none
// of which that can be known.
package process

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Name names this process.
func Name() string {
	here := place()
	if here == "" {
		return ""
	}
	return fmt.Sprintf("%s/%d", here, os.Getpid())
}

// place names the kernel's run and the space of process ids of this process.
func place() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + "/" + space
}

// Gone tells whether the named process is known not to exist any more. One
// of another machine, or whose id another process has by now, is not known to be.
func Gone(name string) bool {
	i := strings.LastIndexByte(name, '/')
	pid, err := strconv.Atoi(name[i+1:])
	if i < 0 || err != nil || pid <= 0 || name[:i] != place() {
		return false
	}
	return errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}
