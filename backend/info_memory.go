package backend

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// memoryFigures are what INFO and MEMORY STATS tell of memory; all are bytes
// unless they say otherwise.
type memoryFigures struct {
	used      int64 // of all that is allocated
	peak      int64
	dataset   int64 // of used, keys and values
	overhead  int64 // of used, the rest
	startup   int64 // of overhead, what was there before any data
	uncounted int64 // of used, what maxmemory does not count

	clients, chunks   int64 // of overhead
	backlog, replicas int64 // of chunks, what the window keeps and what replicas do that are behind
	scripts           int64

	active, resident int64 // the arena's pages in use, and all it occupies
	rss              int64 // of the process
	pending          int   // values deleted and not freed
	keys             int
}

// memoryFigures is called under the engine lock.
func (n *Node) memoryFigures() memoryFigures {
	log := n.stream.Backlog()
	m := memoryFigures{
		used: n.usedMemory(), dataset: n.store.UsedMemory(), overhead: n.overhead(),
		startup: n.startMemory, uncounted: n.uncountedMemory(),
		clients: n.clientMemory.Load(), chunks: log.Memory(), backlog: min(log.Memory(), int64(log.Size())),
		scripts: n.scriptMemory(),
		active:  n.store.ActiveMemory(), resident: n.store.ResidentMemory(),
		rss: residentSize(), pending: n.store.PendingObjects(),
	}
	m.peak = m.used
	m.replicas = min(log.Memory()-m.backlog, int64(n.feeds.Behind()))
	for i := range n.store.Databases() {
		m.keys += n.store.DB(i).Len()
	}
	return m
}

// ratio compares sizes, for people: of nothing it is 1.
func ratio(a, b int64) float64 {
	if b <= 0 {
		return 1
	}
	return float64(a) / float64(b)
}

func infoMemory(n *Node, b *infoText) {
	f, cfg := n.figures.Load(), n.cfg()
	m := &f.memory
	b.field("used_memory", m.used)
	b.field("used_memory_human", human(m.used))
	b.field("used_memory_rss", m.rss)
	b.field("used_memory_rss_human", human(m.rss))
	b.field("used_memory_peak", m.peak)
	b.field("used_memory_peak_human", human(m.peak))
	b.field("used_memory_peak_perc", percent(m.used, m.peak))
	b.field("used_memory_overhead", m.overhead)
	b.field("used_memory_startup", m.startup)
	b.field("used_memory_dataset", m.dataset)
	b.field("used_memory_dataset_perc", percent(m.dataset, m.used-m.startup))
	b.field("allocator_allocated", m.dataset)
	b.field("allocator_active", m.active)
	b.field("allocator_resident", m.resident)
	total := systemMemory()
	b.field("total_system_memory", total)
	b.field("total_system_memory_human", human(total))
	infoScripts(b, f)
	b.field("maxmemory", cfg.MaxMemory)
	b.field("maxmemory_human", human(cfg.MaxMemory))
	b.field("maxmemory_policy", cfg.MaxMemoryPolicy)
	b.ratio("allocator_frag", m.active, m.dataset)
	b.ratio("allocator_rss", m.resident, m.active)
	b.ratio("rss_overhead", m.rss, m.resident)
	b.ratio("mem_fragmentation", m.rss, m.used)
	b.field("mem_not_counted_for_evict", m.uncounted)
	b.field("mem_replication_backlog", m.backlog)
	b.field("mem_total_replication_buffers", m.chunks)
	b.field("mem_clients_slaves", m.replicas)
	b.field("mem_clients_normal", m.clients)
	b.zeros("mem_cluster_links")
	b.field("mem_aof_buffer", f.aof.lag)
	b.field("mem_allocator", "holdfast-arena")
	b.field("active_defrag_running", 0)
	b.field("lazyfree_pending_objects", m.pending)
	b.field("lazyfreed_objects", f.store.LazyFreed)
}

// infoScripts prints the fields of scripts and functions.
func infoScripts(b *infoText, f *figures) {
	b.zeros("used_memory_lua", "used_memory_vm_eval")
	b.field("used_memory_lua_human", human(0))
	b.field("used_memory_scripts_eval", f.scripts.Bytes)
	b.field("number_of_cached_scripts", f.scripts.Scripts)
	b.field("number_of_functions", f.scripts.Functions)
	b.field("number_of_libraries", f.scripts.Libraries)
	b.zeros("used_memory_vm_functions", "used_memory_vm_total")
	b.field("used_memory_vm_total_human", human(0))
	b.field("used_memory_functions", f.scripts.FunctionBytes)
	code := f.scripts.Bytes + f.scripts.FunctionBytes
	b.field("used_memory_scripts", code)
	b.field("used_memory_scripts_human", human(int64(code)))
}

// ratio prints by how much one size is more than another.
func (b *infoText) ratio(name string, size, of int64) {
	b.field(name+"_ratio", fmt.Sprintf("%.2f", ratio(size, of)))
	b.field(name+"_bytes", size-of)
}

func percent(part, whole int64) string {
	return fmt.Sprintf("%.2f%%", 100*float64(part)/float64(max(whole, 1)))
}

// residentSize is the process's resident set, bytes; 0 where it is not known.
func residentSize() int64 {
	raw, err := os.ReadFile("/proc/self/statm")
	var size, resident int64
	if err == nil {
		_, _ = fmt.Sscan(string(raw), &size, &resident)
	}
	return resident * int64(os.Getpagesize())
}

// systemMemory is the machine's memory, bytes.
func systemMemory() int64 {
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) != nil {
		return 0
	}
	return int64(s.Totalram) * int64(s.Unit)
}
