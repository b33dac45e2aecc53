package up

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"holdfast/conf"
)

// layoutFile remembers what the data of a directory was made for. The
// sentinels' raft knows its members and its nodes by address, so a group that
// comes back elsewhere would wait for itself for ever.
const layoutFile = "layout"

// layout is the part of the options that the data is tied to.
func (o *Options) layout() string {
	return fmt.Sprintf("--nodes %d --sentinels %d --node-port %d --sentinel-port %d --raft-port %d\n",
		o.Nodes, o.Sentinels, o.NodePort, o.SentinelPort, o.RaftPort)
}

// checkLayout refuses a directory whose data belongs to another layout, and
// remembers the layout of a new one.
func (o *Options) checkLayout() error {
	file := filepath.Join(o.Dir, layoutFile)
	had, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return conf.WriteAtomic(file, []byte(o.layout()), 0o644)
	case err != nil:
		return err
	case string(had) != o.layout():
		return fmt.Errorf("the data in %s belongs to a group started with %s; start it so again, or give another --dir",
			o.Dir, strings.TrimSpace(string(had)))
	}
	return nil
}
