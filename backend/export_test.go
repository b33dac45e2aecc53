package backend

import "holdfast/backend/internal/aof"

// UseDisk puts another disk under the append-only file of a node that was not
// started yet.
func (n *Node) UseDisk(d aof.Disk) { n.aof.disk = d }
