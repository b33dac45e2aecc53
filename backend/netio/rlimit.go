package netio

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// RaiseFileLimit raises the limit of open files to what clients connections
// need, with some to spare, as Redis does (adjustOpenFilesLimit), because gnet
// ends when an accept finds no free descriptor. It returns how many clients
// fit, which is less than asked for when the hard limit is too low.
func RaiseFileLimit(clients int) (int, error) {
	const reserve = 128 // files, links, raft, the loops' own descriptors
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return 0, fmt.Errorf("cannot read the limit of open files: %w", err)
	}
	want := uint64(clients + reserve)
	if lim.Cur >= want {
		return clients, nil
	}
	lim.Cur = min(want, lim.Max)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return 0, fmt.Errorf("cannot raise the limit of open files to %d: %w", lim.Cur, err)
	}
	return min(clients, int(lim.Cur)-reserve), nil
}
