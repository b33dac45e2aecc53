package conf

import "time"

// SentinelConfig is what `holdfast sentinel` knows. Monitors is what the files say: the group's state in raft stands
// above it as soon as there is one.
type SentinelConfig struct {
	Common

	Raft             Raft
	AnnounceIP       string `conf:"announce-ip"`
	AnnouncePort     int    `conf:"announce-port"` // 0: the port listened at
	ResolveHostnames bool   `conf:"resolve-hostnames"`
	SentinelUser     string `conf:"sentinel-user"`
	SentinelPass     string `conf:"sentinel-pass"`

	Monitors []Monitor // in the order of the file, names unique
}

// Raft is this sentinel's place in the raft group. After Load, Listen and Advertise are never empty.
type Raft struct {
	ID        string        `conf:"raft.id"`
	Listen    string        `conf:"raft.listen"`    // host:port bound; default: this member's address
	Advertise string        `conf:"raft.advertise"` // host:port the others dial; default: this member's address
	Members   []Member      `conf:"raft.members"`   // identical on every member, this one included
	Single    bool          `conf:"raft.single"`
	Timeout   time.Duration `conf:"raft.timeout"` // heartbeat and election timeout
}

// Monitor is one monitored group of nodes.
type Monitor struct {
	Name     string   `conf:"monitor.name"`
	Master   string   `conf:"monitor.master"`   // host:port at the first start
	Replicas []string `conf:"monitor.replicas"` // host:port of the other nodes known at the first start

	Quorum          int           `conf:"monitor.quorum"`
	DownAfter       time.Duration `conf:"monitor.down-after-milliseconds"`
	FailoverTimeout time.Duration `conf:"monitor.failover-timeout"`
	ParallelSyncs   int           `conf:"monitor.parallel-syncs"`
	FastDown        bool          `conf:"monitor.fast-down"`
	Promotion       string        `conf:"monitor.promotion"` // safe | available
	Fencing         bool          `conf:"monitor.fencing"`
	Lease           time.Duration `conf:"monitor.lease-milliseconds"`

	WriteAcks       int    `conf:"monitor.write-acks"`
	WriteAcksPolicy string `conf:"monitor.write-acks-policy"` // degrade | strict

	AuthUser string `conf:"monitor.auth-user"`
	AuthPass string `conf:"monitor.auth-pass"`
}
