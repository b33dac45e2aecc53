package backend

import (
	"fmt"
	"strings"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/types"
)

var memoryRows = []row{
	{"memory|doctor", func(s *session, x *commands.Ctx) { x.Out = appendText(x, s.node.diagnose()) }},
	{"memory|malloc-stats", func(s *session, x *commands.Ctx) { x.Out = appendText(x, s.node.allocatorText()) }},
	{"memory|purge", func(s *session, x *commands.Ctx) { s.node.store.Purge(); x.OK() }},
	{"memory|stats", memoryStats},
	{"memory|usage", memoryUsage},
}

func memoryUsage(_ *session, x *commands.Ctx) {
	samples := 5
	for i := 3; i < len(x.Args); i += 2 {
		if !equalFold(string(x.Args[i]), "samples") || i+1 == len(x.Args) {
			x.Err(errSyntax)
			return
		}
		n, ok := types.ParseInt(x.Args[i+1])
		if !ok {
			x.Err(errNotInt)
			return
		}
		if n < 0 {
			x.Err(errSyntax)
			return
		}
		samples = int(n)
	}
	bytes, ok := x.DB.MemoryUsage(x.Args[2], samples)
	if !ok {
		x.Null()
		return
	}
	x.Int(int64(bytes))
}

// memoryStats replies Redis's fields in its order, and after them nothing of
// ours: clients know the number.
func memoryStats(s *session, x *commands.Ctx) {
	n := s.node
	n.takeFigures()
	f := n.figures.Load()
	m := &f.memory
	integer := func(name string, v int64) { x.BulkString(name); x.Int(v) }
	double := func(name string, v float64) { x.BulkString(name); x.Double(v) }
	pair := func(name string, size, of int64) {
		double(name+".ratio", ratio(size, of))
		integer(name+".bytes", size-of)
	}
	const fields = 27
	x.Map(fields + len(f.databases))
	integer("peak.allocated", m.peak)
	integer("total.allocated", m.used)
	integer("startup.allocated", m.startup)
	integer("replication.backlog", m.backlog)
	integer("clients.slaves", m.replicas)
	integer("clients.normal", m.clients)
	integer("cluster.links", 0)
	integer("aof.buffer", 0)
	integer("lua.caches", int64(f.scripts.Bytes))
	integer("functions.caches", int64(f.scripts.FunctionBytes))
	for _, db := range f.databases {
		keys, expires := n.store.DB(db.index).Overhead()
		x.BulkString(fmt.Sprintf("db.%d", db.index))
		x.Map(3)
		integer("overhead.hashtable.main", int64(keys))
		integer("overhead.hashtable.expires", int64(expires))
		integer("overhead.hashtable.slot-to-keys", 0)
	}
	integer("overhead.total", m.overhead)
	integer("keys.count", int64(m.keys))
	integer("keys.bytes-per-key", m.dataset/int64(max(m.keys, 1)))
	integer("dataset.bytes", m.dataset)
	double("dataset.percentage", 100*float64(m.dataset)/float64(max(m.used-m.startup, 1)))
	double("peak.percentage", 100*ratio(m.used, m.peak))
	integer("allocator.allocated", m.dataset)
	integer("allocator.active", m.active)
	integer("allocator.resident", m.resident)
	pair("allocator-fragmentation", m.active, m.dataset)
	pair("allocator-rss", m.resident, m.active)
	pair("rss-overhead", m.rss, m.resident)
	double("fragmentation", ratio(m.rss, m.used))
	integer("fragmentation.bytes", m.rss-m.used)
}

// diagnose says what about the node's memory is worth a look (object.c,
// getMemoryDoctorReport, has the thresholds).
func (n *Node) diagnose() string {
	n.takeFigures()
	m := &n.figures.Load().memory
	const little, much = 5 << 20, 10 << 20
	if m.used-m.startup < little {
		return "There is too little data (below 5 MiB) to say anything about its memory.\n"
	}
	var found []string
	note := func(holds bool, text string) {
		if holds {
			found = append(found, text)
		}
	}
	note(ratio(m.peak, m.used) > 1.5, "The peak was more than 1.5 times of what is used now. Free pages go back to the system by themselves; MEMORY PURGE does it at once.")
	note(ratio(m.active, m.dataset) > 1.1 && m.active-m.dataset > much,
		"More than a tenth of the data's pages is empty, because keys of many sizes were deleted. New keys fill it first.")
	note(ratio(m.resident, m.active) > 1.1 && m.resident-m.active > much, "More than a tenth of the data's memory is free and kept for new keys; MEMORY PURGE returns it.")
	note(ratio(m.rss, m.resident) > 1.1 && m.rss-m.resident > much, "The process takes much memory that is not data: look at the clients (CLIENT LIST: tot-mem) and the scripts.")
	note(m.replicas > much, "Replicas are far behind and make the node keep their part of the stream.")
	note(m.clients/int64(max(len(n.clients), 1)) > 200<<10, "Clients take more than 200 KiB each on average: CLIENT LIST shows which of them do not read their replies.")
	if len(found) == 0 {
		return "Nothing about the memory of this node needs attention.\n"
	}
	return "- " + strings.Join(found, "\n- ") + "\n"
}

// allocatorText is a table of the arena's block sizes.
func (n *Node) allocatorText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "allocated: %d\nactive: %d\nresident: %d\n\n%8s %8s %10s %10s\n",
		n.store.UsedMemory(), n.store.ActiveMemory(), n.store.ResidentMemory(), "size", "slabs", "blocks", "used")
	n.store.MemoryClasses(func(size, slabs, blocks, used int) {
		fmt.Fprintf(&b, "%8d %8d %10d %10d\n", size, slabs, blocks, used)
	})
	return b.String()
}
