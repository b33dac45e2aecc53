package conf

// Rows of the node: Redis's names, units and defaults, and the few of ours.

var evictionPolicies = []string{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
	"allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"}

var nodeTable = []Directive{
	// The role, and the group the node belongs to.
	{Name: "managed", Type: Enum, Default: "auto", Enum: []string{"auto", "yes", "no"}, In: Node, Doc: "start without a role and wait for the sentinels; auto: once dir/epoch exists"},
	{Name: "control-port", Type: Port, Default: "0", In: Node, Doc: "port of probes and role changes; 0: port + 10000"},
	{Name: "write-acks", Type: Int, Default: "0", Max: 16, In: Node, Flags: Mutable, Doc: "replicas that must hold a write before it is answered; a group's own setting stands above it"},
	{Name: "write-acks-timeout", Type: Duration, Default: "10s", In: Node, Flags: Mutable, Doc: "after this a write answers -NOACKS, its outcome unknown; 0: never"},
	{Name: "write-acks-policy", Type: Enum, Default: "degrade", Enum: acksPolicy, In: Node, Flags: Mutable, Doc: "with too few replicas left: go on with fewer, or wait"},
	{Name: "write-acks-durable", Type: Bool, Default: "no", In: Node, Flags: Mutable, Doc: "a replica confirms a write once its AOF is on disk, not once it is in memory"},
	{Name: "busy-reply-threshold", Alias: "lua-time-limit", Type: Millis, Default: "5000", In: Node, Flags: Mutable, Doc: "milliseconds a script may run before other clients get -BUSY; 0: never"},
	{Name: "shutdown-timeout", Type: Seconds, Default: "10", Max: maxInt32, In: Node, Flags: Mutable, Doc: "seconds a shutdown waits for replicas that are behind"},
	{Name: "shutdown-on-sigint", Type: Words, Default: "default", Enum: shutdownOn, In: Node, Flags: Mutable, Doc: "how SIGINT stops the node: default, or of save nosave now force"},
	{Name: "shutdown-on-sigterm", Type: Words, Default: "default", Enum: shutdownOn, In: Node, Flags: Mutable, Doc: "how SIGTERM stops the node"},

	// Replication.
	{Name: "replicaof", Alias: "slaveof", Type: HostPort, In: Node, Doc: "host and port of the master to follow; empty: be a master"},
	{Name: "masteruser", Type: String, In: Node, Flags: Mutable | Secret, Doc: "ACL user to log in to the master as"},
	{Name: "masterauth", Type: String, In: Node, Flags: Mutable | Secret, Doc: "password for the master"},
	{Name: "bind-source-addr", Type: String, In: Node, Flags: Mutable, Doc: "local address of outgoing connections"},
	{Name: "replica-serve-stale-data", Alias: "slave-serve-stale-data", Type: Bool, Default: "yes", In: Node, Flags: Mutable, Doc: "answer reads while the link to the master is down"},
	{Name: "replica-read-only", Alias: "slave-read-only", Type: Bool, Default: "yes", In: Node, Flags: Mutable, Doc: "refuse writes of clients on a replica"},
	{Name: "replica-ignore-maxmemory", Alias: "slave-ignore-maxmemory", Type: Bool, Default: "yes", In: Node, Flags: Mutable, Doc: "leave eviction to the master"},
	{Name: "replica-ignore-disk-write-errors", Type: Bool, Default: "no", In: Node, Flags: Mutable, Doc: "keep replicating when the disk refuses writes"},
	{Name: "replica-priority", Alias: "slave-priority", Type: Int, Default: "100", Max: maxInt32, In: Node, Flags: Mutable, Doc: "the lower is promoted first among equals; 0: never promoted"},
	{Name: "replica-announce-ip", Alias: "slave-announce-ip", Type: String, In: Node, Flags: Mutable, Doc: "address others reach this node at, where it differs"},
	{Name: "replica-announce-port", Alias: "slave-announce-port", Type: Port, Default: "0", In: Node, Flags: Mutable, Doc: "port others reach this node at, where it differs"},
	{Name: "replica-announced", Type: Bool, Default: "yes", In: Node, Flags: Mutable, Doc: "show this replica to sentinels' clients"},
	{Name: "repl-timeout", Type: Seconds, Default: "60", Min: 1, Max: maxInt32, In: Node, Flags: Mutable, Doc: "seconds of silence after which a replication link is broken"},
	{Name: "repl-ping-replica-period", Alias: "repl-ping-slave-period", Type: Seconds, Default: "10", Min: 1, Max: maxInt32, In: Node, Flags: Mutable, Doc: "seconds between a master's PINGs to its replicas"},
	{Name: "repl-disable-tcp-nodelay", Type: Bool, Default: "no", In: Node, Flags: Mutable, Doc: "fewer, larger packets to replicas, later"},
	{Name: "repl-backlog-size", Type: Size, Default: "1mb", Min: 1, In: Node, Flags: Mutable, Doc: "history kept for replicas that come back"},
	{Name: "repl-backlog-ttl", Type: Seconds, Default: "3600", In: Node, Flags: Mutable, Doc: "seconds a master without replicas keeps it; 0: for ever"},
	{Name: "min-replicas-to-write", Alias: "min-slaves-to-write", Type: Int, Default: "0", Max: maxInt32, In: Node, Flags: Mutable, Doc: "replicas that must be connected for writes to be taken; 0: off"},
	{Name: "min-replicas-max-lag", Alias: "min-slaves-max-lag", Type: Seconds, Default: "10", Max: maxInt32, In: Node, Flags: Mutable, Doc: "seconds since its last word within which such a replica counts"},

	// Keyspace and memory.
	{Name: "databases", Type: Int, Default: "16", Min: 1, Max: maxInt32, In: Node, Doc: "databases for SELECT"},
	{Name: "hz", Type: Int, Default: "10", Max: maxInt32, In: Node, Flags: Mutable, Doc: "background turns a second (1 to 500 take effect)"},
	{Name: "active-expire-effort", Type: Int, Default: "1", Min: 1, Max: 10, In: Node, Flags: Mutable, Doc: "how hard expired keys are looked for"},
	{Name: "maxmemory", Type: Size, Default: "0", In: Node, Flags: Mutable, Doc: "bytes of data past which keys are evicted or writes refused; 0: no limit"},
	{Name: "maxmemory-policy", Type: Enum, Default: "noeviction", Enum: evictionPolicies, In: Node, Flags: Mutable, Doc: "which keys are evicted"},
	{Name: "maxmemory-samples", Type: Int, Default: "5", Min: 1, Max: maxInt32, In: Node, Flags: Mutable, Doc: "keys looked at for each eviction"},
	{Name: "maxmemory-eviction-tenacity", Type: Int, Default: "10", Max: 100, In: Node, Flags: Mutable, Doc: "how long one turn may evict"},
	{Name: "maxmemory-clients", Type: PercentSize, Default: "0", Min: -100, In: Node, Flags: Mutable, Doc: "bytes, or percent of maxmemory, that all clients' buffers may take; 0: no limit"},
	{Name: "lfu-log-factor", Type: Int, Default: "10", Max: maxInt32, In: Node, Flags: Mutable, Doc: "how slowly the access counter saturates"},
	{Name: "lfu-decay-time", Type: Int, Default: "1", Max: maxInt32, In: Node, Flags: Mutable, Doc: "minutes in which the access counter falls by one"},
	{Name: "tracking-table-max-keys", Type: Int, Default: "1000000", In: Node, Flags: Mutable, Doc: "keys remembered for client-side caching"},
	{Name: "notify-keyspace-events", Type: Events, In: Node, Flags: Mutable, Doc: "classes of events published: of Ag$lshzxeKEtmdn; empty: none"},
	{Name: "hash-max-listpack-entries", Alias: "hash-max-ziplist-entries", Type: Int, Default: "512", In: Node, Flags: Mutable, Doc: "fields up to which a hash is kept compact"},
	{Name: "hash-max-listpack-value", Alias: "hash-max-ziplist-value", Type: Size, Default: "64", In: Node, Flags: Mutable, Doc: "longest value in a compact hash"},
	{Name: "list-max-listpack-size", Alias: "list-max-ziplist-size", Type: Int, Default: "-2", Min: minInt32, Max: maxInt32, In: Node, Flags: Mutable, Doc: "size of one piece of a list: elements, or -1 to -5 for 4 to 64 kb"},
	{Name: "set-max-intset-entries", Type: Int, Default: "512", In: Node, Flags: Mutable, Doc: "elements up to which a set of integers is kept compact"},
	{Name: "set-max-listpack-entries", Type: Int, Default: "128", In: Node, Flags: Mutable, Doc: "elements up to which any other set is kept compact"},
	{Name: "set-max-listpack-value", Type: Size, Default: "64", In: Node, Flags: Mutable, Doc: "longest element in a compact set"},
	{Name: "zset-max-listpack-entries", Alias: "zset-max-ziplist-entries", Type: Int, Default: "128", In: Node, Flags: Mutable, Doc: "elements up to which a sorted set is kept compact"},
	{Name: "zset-max-listpack-value", Alias: "zset-max-ziplist-value", Type: Size, Default: "64", In: Node, Flags: Mutable, Doc: "longest element in a compact sorted set"},
	{Name: "hll-sparse-max-bytes", Type: Size, Default: "3000", In: Node, Flags: Mutable, Doc: "size up to which a HyperLogLog is kept sparse"},
	{Name: "stream-node-max-bytes", Type: Size, Default: "4096", In: Node, Flags: Mutable, Doc: "size of one piece of a stream; 0: no limit"},
	{Name: "stream-node-max-entries", Type: Int, Default: "100", In: Node, Flags: Mutable, Doc: "entries in one piece of a stream; 0: no limit"},
	{Name: "sanitize-dump-payload", Type: Enum, Default: "no", Enum: []string{"no", "yes", "clients"}, In: Node, Flags: Mutable, Doc: "check RESTORE and RDB payloads in depth"},
	{Name: "stop-writes-on-bgsave-error", Type: Bool, Default: "yes", In: Node, Flags: Mutable, Doc: "refuse writes after a snapshot failed"},

	// Persistence.
	{Name: "save", Type: Save, Default: "3600 1 300 100 60 10000", In: Node, Flags: Mutable | Repeated, Doc: "seconds and changes, in pairs, after which a snapshot is taken; empty: never"},
	{Name: "dbfilename", Type: String, Default: "dump.rdb", In: Node, Flags: Mutable | Protected, Doc: "name of the snapshot in dir"},
	{Name: "rdb-version", Type: Int, Default: "10", Min: 10, Max: 11, In: Node, Flags: Mutable, Doc: "RDB version written; 10 is read by Redis 7.0 and later, and by Valkey"},
	{Name: "rdbcompression", Type: Bool, Default: "yes", In: Node, Flags: Mutable, Doc: "compress long strings in snapshots"},
	{Name: "rdbchecksum", Type: Bool, Default: "yes", In: Node, Doc: "end snapshots with a CRC64"},
	{Name: "rdb-save-incremental-fsync", Type: Bool, Default: "yes", In: Node, Flags: Mutable, Doc: "sync a snapshot to disk piece by piece"},
	{Name: "appendonly", Type: Bool, Default: "no", In: Node, Flags: Mutable, Doc: "write every change to the append-only file"},
	{Name: "appendfilename", Type: String, Default: "appendonly.aof", In: Node, Doc: "base name of the append-only files"},
	{Name: "appenddirname", Type: String, Default: "appendonlydir", In: Node, Doc: "their directory in dir"},
	{Name: "appendfsync", Type: Enum, Default: "everysec", Enum: []string{"always", "everysec", "no"}, In: Node, Flags: Mutable, Doc: "when the append-only file is synced to disk"},
	{Name: "no-appendfsync-on-rewrite", Type: Bool, Default: "no", In: Node, Flags: Mutable, Doc: "do not sync it while a snapshot or rewrite is under way"},
	{Name: "auto-aof-rewrite-percentage", Type: Int, Default: "100", Max: maxInt32, In: Node, Flags: Mutable, Doc: "growth after which the append-only file is rewritten; 0: never"},
	{Name: "auto-aof-rewrite-min-size", Type: Size, Default: "64mb", In: Node, Flags: Mutable, Doc: "size below which it is not"},
	{Name: "aof-load-truncated", Type: Bool, Default: "yes", In: Node, Flags: Mutable, Doc: "start although the last command of the file is cut off"},
	{Name: "aof-use-rdb-preamble", Type: Bool, Default: "yes", In: Node, Flags: Mutable, Doc: "begin rewritten files with a snapshot"},
	{Name: "aof-timestamp-enabled", Type: Bool, Default: "no", In: Node, Flags: Mutable, Doc: "note the time in the file"},
	{Name: "aof-rewrite-incremental-fsync", Type: Bool, Default: "yes", In: Node, Flags: Mutable, Doc: "sync a rewrite to disk piece by piece"},

	// Commands.
	{Name: "rename-command", Type: Renames, In: Node, Flags: Repeated, Doc: "a command and its new name; \"\" disables it"},
	{Name: "enable-protected-configs", Type: Enum, Default: "no", Enum: yesNoLocal, In: Node, Doc: "who may CONFIG SET dir and dbfilename"},
	{Name: "enable-debug-command", Type: Enum, Default: "no", Enum: yesNoLocal, In: Node, Doc: "who may use DEBUG"},

	// Watching.
	{Name: "slowlog-log-slower-than", Type: Micros, Default: "10000", Min: -1, In: Node, Flags: Mutable, Doc: "microseconds from which a command is slow; -1: off"},
	{Name: "slowlog-max-len", Type: Int, Default: "128", In: Node, Flags: Mutable, Doc: "entries SLOWLOG keeps"},
	{Name: "latency-monitor-threshold", Type: Millis, Default: "0", In: Node, Flags: Mutable, Doc: "milliseconds from which LATENCY notes an event; 0: off"},
	{Name: "latency-tracking", Type: Bool, Default: "yes", In: Node, Flags: Mutable, Doc: "keep a histogram per command"},
	{Name: "latency-tracking-info-percentiles", Type: Percentiles, Default: "50 99 99.9", In: Node, Flags: Mutable, Doc: "percentiles INFO latencystats shows"},
}
