package conf

// Rows of the proxy.

var proxyTable = []Directive{
	{Name: "sentinels", Type: Addrs, Min: 1, In: Proxy, Doc: "addresses, host:port, of every sentinel"},
	{Name: "group", Type: String, In: Proxy, Doc: "the monitored group to serve"},
	{Name: "master", Type: Addr, Min: 1, In: Proxy, Doc: "without sentinels: address of the master"},
	{Name: "replicas", Type: Addrs, Min: 1, In: Proxy, Doc: "without sentinels: addresses of its replicas"},

	{Name: "read-policy", Type: Enum, Default: "prefer-replica", Enum: []string{"master", "prefer-replica", "replica", "nearest"}, In: Proxy, Flags: Mutable, Doc: "who answers reads: master, replica, prefer-replica (the master where no replica may), or nearest (who answers fastest)"},
	{Name: "consistency", Type: Enum, Default: "session", Enum: []string{"eventual", "session", "strong"}, In: Proxy, Flags: Mutable, Doc: "what a read must see: eventual (a state not older than max-replica-lag), session (the client's own writes), or strong (every answered write)"},
	{Name: "max-replica-lag", Type: Duration, Default: "1s", In: Proxy, Flags: Mutable, Doc: "age past which a replica answers no eventual reads"},

	{Name: "hold-timeout", Type: Duration, Default: "15s", Max: 300_000, In: Proxy, Flags: Mutable, Doc: "how long a request waits for a master before it answers -UNAVAILABLE"},
	{Name: "hold-max-bytes", Type: Size, Default: "64mb", Min: 1 << 10, In: Proxy, Flags: Mutable, Doc: "bytes of waiting requests, of all clients together"},
	{Name: "hold-max-commands", Type: Int, Default: "100000", Min: 1, Max: maxInt32, In: Proxy, Flags: Mutable, Doc: "waiting requests, of all clients together"},

	{Name: "auth-user", Type: String, In: Proxy, Doc: "ACL user of the proxy's own connections to nodes, which needs +@holdfast +role +info +ping +client|id; clients log in as themselves"},
	{Name: "auth-pass", Type: String, In: Proxy, Flags: Secret, Doc: "its password"},
	{Name: "shared-connections", Type: Int, Default: "1", Min: 1, Max: 64, In: Proxy, Doc: "connections that clients share, per event loop and node"},
	{Name: "dedicated-max", Type: Int, Default: "1000", Min: 1, Max: 65_535, In: Proxy, Flags: Mutable, Doc: "connections for one client each (WATCH, blocking, subscriptions), per event loop and node"},
	{Name: "dedicated-idle", Type: Int, Default: "8", Max: 65_535, In: Proxy, Flags: Mutable, Doc: "of these, kept open for the next client"},
	{Name: "dedicated-idle-timeout", Type: Duration, Default: "60s", In: Proxy, Flags: Mutable, Doc: "after this an idle one is closed"},
	{Name: "connect-timeout", Type: Duration, Default: "1s", Min: 10, Max: 60_000, In: Proxy, Flags: Mutable, Doc: "time a connection to a node may take"},
	{Name: "tcp-user-timeout", Type: Duration, Default: "5s", Max: 300_000, In: Proxy, Doc: "after this without an acknowledged packet a node's connection is broken; 0: as the kernel says"},

	{Name: "cpu-scheduling", Type: Enum, Default: "batch", Enum: []string{"batch", "normal"}, In: Proxy, Doc: "batch: never push running processes off a core, which gathers more requests into one turn; normal: as every process"},
	{Name: "client-max-pipeline", Type: Int, Default: "10000", Min: 1, Max: maxInt32, In: Proxy, Flags: Mutable, Doc: "unanswered requests of one client before it is no longer read from"},
	{Name: "client-high-water", Type: Size, Default: "1mb", Min: 1 << 10, In: Proxy, Flags: Mutable, Doc: "unsent reply bytes of one client before it is no longer read from"},
	{Name: "client-rate-limit", Type: Int, Default: "0", Max: maxInt32, In: Proxy, Flags: Mutable, Doc: "requests a second of one client; more wait; 0: no limit"},
	{Name: "client-rate-burst", Type: Int, Default: "100", Min: 1, Max: maxInt32, In: Proxy, Flags: Mutable, Doc: "requests of one client that may come at once above that rate"},
	{Name: "drain-timeout", Type: Duration, Default: "10s", Max: 300_000, In: Proxy, Flags: Mutable, Doc: "time open requests get when the proxy stops"},
}
