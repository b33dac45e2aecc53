package conf

import "time"

// Config is the typed configuration of one part. The type chooses the part: Load[NodeConfig] knows a node's directives.
type Config interface {
	NodeConfig | SentinelConfig | ProxyConfig
}

// Common holds what all three parts know. Every field carries the directive's name; the table in this package has its
// default, its bounds and its meaning.
type Common struct {
	Bind          []string `conf:"bind"` // as written; BindAddrs resolves "-" and "*"
	Port          int      `conf:"port"` // 0: no plain listener (with tls-port), or any free port in tests
	ProtectedMode bool     `conf:"protected-mode"`
	UnixSocket    string   `conf:"unixsocket"`
	UnixPerm      int      `conf:"unixsocketperm"` // file mode; 0: leave the umask's
	RequirePass   string   `conf:"requirepass"`

	LogLevel  string `conf:"loglevel"` // debug | verbose | notice | warning | nothing
	LogFile   string `conf:"logfile"`  // empty: standard output
	LogFormat string `conf:"log-format"`
	PidFile   string `conf:"pidfile"`
	Daemonize bool   `conf:"daemonize"`
	Dir       string `conf:"dir"`

	MaxClients   int           `conf:"maxclients"`
	Timeout      time.Duration `conf:"timeout"`       // idle client; 0: never
	TCPKeepalive time.Duration `conf:"tcp-keepalive"` // 0: off

	TLS TLS
}

// Serving is what the node and the proxy have in common beyond that: they serve applications, on event loops.
type Serving struct {
	EventLoops           int          `conf:"event-loops"` // 0: chosen by the part
	OutputLimits         OutputLimits `conf:"client-output-buffer-limit"`
	ProtoMaxBulkLen      int64        `conf:"proto-max-bulk-len"`        // bytes
	ClientQueryBufferMax int64        `conf:"client-query-buffer-limit"` // bytes
}

// TLS holds the tls-* directives. Port 0 means that no TLS listener is opened.
type TLS struct {
	Port              int      `conf:"tls-port"`
	CertFile          string   `conf:"tls-cert-file"`
	KeyFile           string   `conf:"tls-key-file"`
	KeyFilePass       string   `conf:"tls-key-file-pass"`
	ClientCertFile    string   `conf:"tls-client-cert-file"` // for outgoing connections; empty: CertFile
	ClientKeyFile     string   `conf:"tls-client-key-file"`
	ClientKeyFilePass string   `conf:"tls-client-key-file-pass"`
	CACertFile        string   `conf:"tls-ca-cert-file"`
	CACertDir         string   `conf:"tls-ca-cert-dir"`
	AuthClients       string   `conf:"tls-auth-clients"` // no | yes | optional
	Protocols         []string `conf:"tls-protocols"`    // empty: TLSv1.2 TLSv1.3
	SessionCaching    bool     `conf:"tls-session-caching"`
	Outgoing          bool     `conf:"tls-replication"` // use TLS towards nodes (and a node towards its master)
}

// OutputLimits are the output-buffer limits by class of client.
type OutputLimits struct {
	Normal, Replica, PubSub OutputLimit
}

// OutputLimit closes a client whose unsent replies pass Hard bytes at once, or Soft bytes for SoftFor without a break.
// 0 turns the limit off.
type OutputLimit struct {
	Hard, Soft int64
	SoftFor    time.Duration
}

// SavePoint asks for a snapshot when Changes keys changed within Every.
type SavePoint struct {
	Every   time.Duration // whole seconds
	Changes int
}

// Rename gives a command another name; an empty To disables it.
type Rename struct {
	From, To string
}

// Member is one sentinel of the raft group: a stable id and the host:port its raft listens at.
type Member struct {
	ID, Addr string
}
