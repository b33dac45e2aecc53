package conf

// Rows that stand in more than one part's table. A name may have several rows, one per part, where the defaults differ.

var (
	yesNoLocal = []string{"no", "yes", "local"}
	logLevels  = []string{"debug", "verbose", "notice", "warning", "nothing"}
	shutdownOn = []string{"default", "save", "nosave", "now", "force"}
	acksPolicy = []string{"degrade", "strict"}
)

var commonTable = []Directive{
	{Name: "bind", Type: List, Default: "127.0.0.1 -::1", In: Node, Flags: Mutable, Check: fewBinds, Doc: "addresses to listen at; a leading - makes one optional, * is every IPv4 address, ::* every IPv6 address"},
	{Name: "bind", Type: List, Default: "127.0.0.1 -::1", In: Sentinel | Proxy, Doc: "addresses to listen at; a leading - makes one optional, * is every IPv4 address, ::* every IPv6 address"},
	{Name: "port", Type: Port, Default: "6379", In: Node, Flags: Mutable, Doc: "port of the clients; 0 opens no plain listener"},
	{Name: "port", Type: Port, Default: "26379", In: Sentinel, Doc: "port of the Sentinel API; 0 opens no plain listener"},
	{Name: "port", Type: Port, Default: "6380", In: Proxy, Doc: "port of the clients; 0 opens no plain listener"},
	{Name: "protected-mode", Type: Bool, Default: "yes", In: Node | Proxy, Flags: Mutable, Doc: "without a password, serve only clients of this machine"},
	{Name: "protected-mode", Type: Bool, Default: "no", In: Sentinel, Flags: Mutable, Doc: "without a password, serve only clients of this machine"},
	{Name: "unixsocket", Type: String, In: All, Doc: "path of a Unix socket to listen at besides; empty: none"},
	{Name: "unixsocketperm", Type: Octal, Default: "0", Max: 0o777, In: All, Doc: "permissions of the Unix socket, octal; 0: as the umask says"},
	{Name: "requirepass", Type: String, In: All, Flags: Mutable | Secret, Doc: "password of the default user"},
	{Name: "user", Type: Lines, In: Node, Flags: Repeated | Secret, Doc: "one ACL user: name and rules, as ACL SETUSER takes them"},
	{Name: "aclfile", Type: String, In: Node, Doc: "file of ACL users; not together with user lines"},
	{Name: "acllog-max-len", Type: Int, Default: "128", In: Node, Flags: Mutable, Doc: "entries ACL LOG keeps"},
	{Name: "acl-pubsub-default", Type: Enum, Default: "resetchannels", Enum: []string{"allchannels", "resetchannels"}, In: Node, Flags: Mutable, Doc: "channels a new user may use: resetchannels (none) or allchannels"},

	{Name: "admin", Type: Addr, In: Proxy, Flags: Steady, Doc: "address, host:port, of /metrics and /healthz; empty: none"},
	{Name: "loglevel", Type: Enum, Default: "notice", Enum: logLevels, In: All, Flags: Mutable, Doc: "least severe lines that are logged: debug, verbose, notice, warning, or nothing"},
	{Name: "logfile", Type: String, In: All, Doc: "file to log to; empty: standard output"},
	{Name: "log-format", Type: Enum, Default: "redis", Enum: []string{"redis", "json"}, In: All, Flags: Steady, Doc: "as redis prints its lines, or json: one object each"},
	{Name: "pidfile", Type: String, In: All, Doc: "file that holds the process id while the part runs; empty: none"},
	{Name: "daemonize", Type: Bool, Default: "no", In: All, Doc: "run in the background"},
	{Name: "dir", Type: String, Default: ".", In: All, Flags: Mutable | Protected, Doc: "directory of everything the part writes; made (0700) if missing"},

	{Name: "event-loops", Type: Int, Default: "0", Max: 256, In: Node | Proxy, Flags: Steady, Doc: "network threads; 0: chosen from the number of cores"},
	{Name: "maxclients", Type: Int, Default: "10000", Min: 1, Max: maxUint32, In: All, Flags: Mutable, Doc: "clients connected at once; more are refused with an error"},
	{Name: "timeout", Type: Seconds, Default: "0", Max: maxInt32, In: All, Flags: Mutable, Doc: "seconds after which an idle client is closed; 0: never"},
	{Name: "tcp-keepalive", Type: Seconds, Default: "300", Max: maxInt32, In: All, Flags: Mutable, Doc: "seconds of silence before the kernel probes a peer; 0: off"},
	{Name: "client-output-buffer-limit", Type: Limits, Default: "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", In: Node | Proxy, Flags: Mutable | Repeated, Doc: "class, hard limit, soft limit, seconds: clients whose unsent replies pass them are closed"},
	{Name: "proto-max-bulk-len", Type: Size, Default: "512mb", Min: 1 << 20, In: Node | Proxy, Flags: Mutable, Doc: "largest single argument of a command"},
	{Name: "client-query-buffer-limit", Type: Size, Default: "1gb", Min: 1 << 20, In: Node | Proxy, Flags: Mutable, Doc: "largest command that is collected before it is refused"},

	{Name: "tls-port", Type: Port, Default: "0", In: Node, Flags: Mutable, Doc: "port of the TLS listener; 0: none"},
	{Name: "tls-port", Type: Port, Default: "0", In: Sentinel | Proxy, Doc: "port of the TLS listener; 0: none"},
	{Name: "tls-cert-file", Type: String, In: All, Flags: Mutable | Volatile, Doc: "certificate chain, PEM"},
	{Name: "tls-key-file", Type: String, In: All, Flags: Mutable | Volatile, Doc: "private key, PEM"},
	{Name: "tls-key-file-pass", Type: String, In: All, Flags: Mutable | Secret, Doc: "pass phrase of the private key"},
	{Name: "tls-client-cert-file", Type: String, In: All, Flags: Mutable | Volatile, Doc: "certificate for outgoing connections; empty: tls-cert-file"},
	{Name: "tls-client-key-file", Type: String, In: All, Flags: Mutable | Volatile, Doc: "private key for outgoing connections; empty: tls-key-file"},
	{Name: "tls-client-key-file-pass", Type: String, In: All, Flags: Mutable | Secret, Doc: "pass phrase of that key"},
	{Name: "tls-ca-cert-file", Type: String, In: All, Flags: Mutable | Volatile, Doc: "authorities peers are checked against, PEM"},
	{Name: "tls-ca-cert-dir", Type: String, In: All, Flags: Mutable | Volatile, Doc: "directory of such files"},
	{Name: "tls-auth-clients", Type: Enum, Default: "yes", Enum: []string{"no", "yes", "optional"}, In: All, Flags: Mutable, Doc: "whether clients must show a certificate: yes, no, or optional (it is checked if shown)"},
	{Name: "tls-protocols", Type: Words, Enum: []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}, In: All, Flags: Mutable, Doc: "versions spoken, of TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; empty: TLSv1.2 TLSv1.3"},
	{Name: "tls-session-caching", Type: Bool, Default: "yes", In: All, Flags: Mutable, Doc: "let clients resume sessions"},
	{Name: "tls-replication", Type: Bool, Default: "no", In: All, Flags: Mutable, Doc: "use TLS towards the other parts: to nodes and their control ports, and to sentinels; the same on all parts of a group"},

	{Name: "sentinel-user", Type: String, In: Sentinel | Proxy, Doc: "ACL user to log in to sentinels as; empty: the default user"},
	{Name: "sentinel-pass", Type: String, In: Sentinel | Proxy, Flags: Secret, Doc: "password for the sentinels"},
}
