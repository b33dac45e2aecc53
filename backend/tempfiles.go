package backend

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// sweepTempFiles removes snapshots that a process which was killed left unfinished:
// they bear its id. Those of a process that runs may be in use.
func (n *Node) sweepTempFiles(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "temp-*.rdb")) // the pattern is a good one
	for _, file := range files {
		word := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "temp-"), ".rdb")
		pid, err := strconv.Atoi(word)
		if err != nil || pid <= 0 || pid != os.Getpid() && !errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			continue
		}
		if err := os.Remove(file); err != nil {
			n.log.Warn("Cannot remove an unfinished snapshot", "file", file, "err", err)
			continue
		}
		n.log.Info("Removed an unfinished snapshot of a process that is gone", "file", file)
	}
}
