package conf

import "time"

// ProxyConfig is what `holdfast proxy` knows: either Sentinels and Group, or Master and Replicas.
type ProxyConfig struct {
	Common
	Serving
	Admin string `conf:"admin"` // host:port of /metrics and /healthz; empty: none

	// Where the topology comes from.
	Sentinels    []string `conf:"sentinels"` // host:port of each
	Group        string   `conf:"group"`
	SentinelUser string   `conf:"sentinel-user"`
	SentinelPass string   `conf:"sentinel-pass"`
	Master       string   `conf:"master"` // host:port; static mode
	Replicas     []string `conf:"replicas"`

	// Reads.
	ReadPolicy    string        `conf:"read-policy"` // master | prefer-replica | replica | nearest
	Consistency   string        `conf:"consistency"` // eventual | session | strong
	MaxReplicaLag time.Duration `conf:"max-replica-lag"`

	// The hold, over all groups and clients.
	HoldTimeout     time.Duration `conf:"hold-timeout"`
	HoldMaxBytes    int64         `conf:"hold-max-bytes"`
	HoldMaxCommands int           `conf:"hold-max-commands"`

	// Upstreams. Each bound counts per event loop and node.
	AuthUser             string        `conf:"auth-user"` // the proxy's own connections, not the clients'
	AuthPass             string        `conf:"auth-pass"`
	SharedConnections    int           `conf:"shared-connections"`
	DedicatedMax         int           `conf:"dedicated-max"`
	DedicatedIdle        int           `conf:"dedicated-idle"`
	DedicatedIdleTimeout time.Duration `conf:"dedicated-idle-timeout"`
	ConnectTimeout       time.Duration `conf:"connect-timeout"`
	TCPUserTimeout       time.Duration `conf:"tcp-user-timeout"`

	// CPUScheduling is the kernel's policy for the process: batch | normal.
	CPUScheduling string `conf:"cpu-scheduling"`

	// Limits per client.
	ClientMaxPipeline int           `conf:"client-max-pipeline"`
	ClientHighWater   int64         `conf:"client-high-water"` // bytes
	ClientRateLimit   int           `conf:"client-rate-limit"` // commands a second; 0: off
	ClientRateBurst   int           `conf:"client-rate-burst"`
	DrainTimeout      time.Duration `conf:"drain-timeout"`
}
