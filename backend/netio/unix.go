package netio

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
)

// listenUnix listens at a path. A socket that a killed process left there goes;
// any other file stays, and is an error.
func listenUnix(path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode()&os.ModeSocket == 0:
		return nil, fmt.Errorf("there is a file that is no socket at %s", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return net.Listen("unix", path)
}
