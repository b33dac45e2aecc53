package netio

import (
	"fmt"
	"log/slog"

	"golang.org/x/sys/unix"
)

// reserve is what a part keeps open besides connections: its files, listeners,
// raft, the loops' own descriptors.
const reserve = 128

// FitFileLimit raises the limit of open files to what so many clients, other
// connections and the rest need, because gnet ends when an accept finds no free
// descriptor. Where the hard limit is too low it says so, in Redis's words
// (adjustOpenFilesLimit), and returns how many clients fit: a maxclients above
// that would be a promise that cannot be kept. With none left it is an error.
func FitFileLimit(clients, others int, log *slog.Logger) (fit int, err error) {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return 0, fmt.Errorf("cannot read the limit of open files: %w", err)
	}
	want := uint64(clients + others + reserve)
	if lim.Cur >= want {
		return clients, nil
	}
	was := lim.Cur
	lim.Cur = min(want, lim.Max)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		log.Warn(fmt.Sprintf("Server can't set maximum open files to %d because of OS error: %v.", lim.Cur, err))
		lim.Cur = was
	}
	if lim.Cur >= want {
		return clients, nil
	}
	fit = clientsWithin(lim.Cur, clients, others)
	if fit < 1 {
		return 0, fmt.Errorf("Your current 'ulimit -n' of %d is not enough for the server to start. Please increase your open file limit to at least %d. Exiting.", lim.Cur, want)
	}
	log.Warn(fmt.Sprintf("You requested maxclients of %d requiring at least %d max file descriptors.", clients, want))
	log.Warn(fmt.Sprintf("Current maximum open files is %d. maxclients has been reduced to %d to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.", lim.Cur, fit))
	return fit, nil
}

// clientsWithin is how many of the clients a limit of open files leaves room for.
// Other connections give way to them first, to half of what is there.
func clientsWithin(limit uint64, clients, others int) int {
	room := int(limit) - reserve
	return min(clients, max(room-others, room/2))
}
