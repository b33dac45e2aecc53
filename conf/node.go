package conf

import "time"

// NodeConfig is what `holdfast node` knows. Directives of Redis that have no meaning here are in the table, accepted
// with a warning, and have no field.
type NodeConfig struct {
	Common
	Serving

	ACLFile      string   `conf:"aclfile"`
	ACLLogMaxLen int      `conf:"acllog-max-len"`
	ACLPubSub    string   `conf:"acl-pubsub-default"` // allchannels | resetchannels
	Users        []string `conf:"user"`               // each the words after "user": "alice on >secret ~* +@all"

	// The role, and the group the node belongs to.
	Managed           string        `conf:"managed"`      // auto | yes | no
	ControlPort       int           `conf:"control-port"` // see EffectiveControlPort
	WriteAcks         int           `conf:"write-acks"`   // counts only without a group
	WriteAcksTimeout  time.Duration `conf:"write-acks-timeout"`
	WriteAcksDurable  bool          `conf:"write-acks-durable"`
	BusyReply         time.Duration `conf:"busy-reply-threshold"` // 0: never -BUSY
	ShutdownTimeout   time.Duration `conf:"shutdown-timeout"`
	ShutdownOnSigint  []string      `conf:"shutdown-on-sigint"`
	ShutdownOnSigterm []string      `conf:"shutdown-on-sigterm"`
	OOMScoreAdj       string        `conf:"oom-score-adj"`        // no | yes | relative | absolute
	OOMScores         []int         `conf:"oom-score-adj-values"` // of a master, a replica, a background process

	// Replication.
	ReplicaOf              string        `conf:"replicaof"` // host:port; empty: a master
	MasterUser             string        `conf:"masteruser"`
	MasterAuth             string        `conf:"masterauth"`
	BindSourceAddr         string        `conf:"bind-source-addr"`
	ReplicaServeStaleData  bool          `conf:"replica-serve-stale-data"`
	ReplicaReadOnly        bool          `conf:"replica-read-only"`
	ReplicaIgnoreMaxMemory bool          `conf:"replica-ignore-maxmemory"`
	ReplicaPriority        int           `conf:"replica-priority"` // 0: never promoted
	ReplicaAnnounceIP      string        `conf:"replica-announce-ip"`
	ReplicaAnnouncePort    int           `conf:"replica-announce-port"`
	ReplicaAnnounced       bool          `conf:"replica-announced"`
	ReplTimeout            time.Duration `conf:"repl-timeout"`
	ReplPingPeriod         time.Duration `conf:"repl-ping-replica-period"`
	ReplSyncDelay          time.Duration `conf:"repl-diskless-sync-delay"`
	ReplSyncMaxReplicas    int           `conf:"repl-diskless-sync-max-replicas"`
	ReplBacklogSize        int64         `conf:"repl-backlog-size"`
	ReplBacklogTTL         time.Duration `conf:"repl-backlog-ttl"`
	MinReplicasToWrite     int           `conf:"min-replicas-to-write"`
	MinReplicasMaxLag      time.Duration `conf:"min-replicas-max-lag"`

	// Keyspace and memory.
	Databases             int    `conf:"databases"`
	Hz                    int    `conf:"hz"`
	DynamicHz             bool   `conf:"dynamic-hz"`
	ActiveRehashing       bool   `conf:"activerehashing"`
	ActiveExpireEffort    int    `conf:"active-expire-effort"`
	MaxMemory             int64  `conf:"maxmemory"` // bytes; 0: no limit
	MaxMemoryPolicy       string `conf:"maxmemory-policy"`
	MaxMemorySamples      int    `conf:"maxmemory-samples"`
	MaxMemoryTenacity     int    `conf:"maxmemory-eviction-tenacity"`
	MaxMemoryClients      int64  `conf:"maxmemory-clients"` // bytes; negative: percent of maxmemory
	LFULogFactor          int    `conf:"lfu-log-factor"`
	LFUDecayTime          int    `conf:"lfu-decay-time"`
	TrackingTableMaxKeys  int    `conf:"tracking-table-max-keys"`
	LazyEviction          bool   `conf:"lazyfree-lazy-eviction"`
	LazyExpire            bool   `conf:"lazyfree-lazy-expire"`
	LazyServerDel         bool   `conf:"lazyfree-lazy-server-del"`
	NotifyKeyspaceEvents  string `conf:"notify-keyspace-events"`
	HashMaxListpackCount  int    `conf:"hash-max-listpack-entries"`
	HashMaxListpackValue  int64  `conf:"hash-max-listpack-value"`
	ListMaxListpackSize   int    `conf:"list-max-listpack-size"`
	SetMaxIntsetCount     int    `conf:"set-max-intset-entries"`
	SetMaxListpackCount   int    `conf:"set-max-listpack-entries"`
	SetMaxListpackValue   int    `conf:"set-max-listpack-value"`
	ZsetMaxListpackCount  int    `conf:"zset-max-listpack-entries"`
	ZsetMaxListpackValue  int64  `conf:"zset-max-listpack-value"`
	HLLSparseMaxBytes     int64  `conf:"hll-sparse-max-bytes"`
	StreamNodeMaxBytes    int64  `conf:"stream-node-max-bytes"`
	StreamNodeMaxEntries  int    `conf:"stream-node-max-entries"`
	SanitizeDumpPayload   string `conf:"sanitize-dump-payload"` // no | yes | clients
	StopWritesOnSaveError bool   `conf:"stop-writes-on-bgsave-error"`

	// Persistence.
	Save                   []SavePoint `conf:"save"` // empty: no snapshots by themselves
	DBFilename             string      `conf:"dbfilename"`
	RDBCompression         bool        `conf:"rdbcompression"`
	KeySaveDelay           int         `conf:"rdb-key-save-delay"` // microseconds
	KeyLoadDelay           int         `conf:"key-load-delay"`     // microseconds
	AppendOnly             bool        `conf:"appendonly"`
	AppendFilename         string      `conf:"appendfilename"`
	AppendDirname          string      `conf:"appenddirname"`
	AppendFsync            string      `conf:"appendfsync"` // always | everysec | no
	NoFsyncOnRewrite       bool        `conf:"no-appendfsync-on-rewrite"`
	AOFRewritePercentage   int         `conf:"auto-aof-rewrite-percentage"`
	AOFRewriteMinSize      int64       `conf:"auto-aof-rewrite-min-size"`
	AOFLoadTruncated       bool        `conf:"aof-load-truncated"`
	AOFUseRDBPreamble      bool        `conf:"aof-use-rdb-preamble"`
	AOFTimestamps          bool        `conf:"aof-timestamp-enabled"`
	AOFKeepsHistory        bool        `conf:"aof-disable-auto-gc"`
	RenameCommands         []Rename    `conf:"rename-command"`
	EnableProtectedConfigs string      `conf:"enable-protected-configs"` // no | yes | local
	EnableDebugCommand     string      `conf:"enable-debug-command"`     // no | yes | local

	// Watching.
	SlowlogSlowerThan       time.Duration `conf:"slowlog-log-slower-than"` // negative: off
	SlowlogMaxLen           int           `conf:"slowlog-max-len"`
	LatencyMonitorThreshold time.Duration `conf:"latency-monitor-threshold"` // 0: off
	LatencyTracking         bool          `conf:"latency-tracking"`
	LatencyPercentiles      []float64     `conf:"latency-tracking-info-percentiles"`
}

// controlOffset is how far the control port lies above the port when it is not given.
const controlOffset = 10000

// EffectiveControlPort is control-port, or the clients' port (tls-port where there is no other) + 10000 where that is 0.
// Without a port of the clients it is 0 too: any that is free.
func (c *NodeConfig) EffectiveControlPort() int {
	data := c.Port
	if data == 0 {
		data = c.TLS.Port
	}
	if c.ControlPort != 0 || data == 0 {
		return c.ControlPort
	}
	return data + controlOffset
}
