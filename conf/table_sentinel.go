package conf

// Rows of the sentinel. In sentinel.conf "raft.id" is written `sentinel raft-id …`, and "monitor.quorum" and its like
// `sentinel quorum NAME …`; the parser of that syntax knows the two rules.

var sentinelTable = []Directive{
	{Name: "announce-ip", Type: String, In: Sentinel, Doc: "address others reach this sentinel at, where it differs"},
	{Name: "announce-port", Type: Port, Default: "0", In: Sentinel, Doc: "port others reach this sentinel at, where it differs"},
	{Name: "resolve-hostnames", Type: Bool, Default: "yes", In: Sentinel, Doc: "take host names for nodes; without it, addresses only"},
	{Name: "announce-hostnames", Type: Bool, Default: "no", In: Sentinel, Inert: "clients are told every address as it was given, host names included, always"},
	{Name: "deny-scripts-reconfig", Type: Bool, Default: "yes", In: Sentinel, Inert: "no scripts are run: subscribe to the events"},

	{Name: "raft.id", Alias: "raft-id", Type: String, In: Sentinel, Doc: "this sentinel's name among the members; never changes"},
	{Name: "raft.listen", Alias: "raft-listen", Type: Addr, In: Sentinel, Doc: "address the raft listener binds; empty: the member's own"},
	{Name: "raft.advertise", Alias: "raft-advertise", Type: Addr, Min: 1, In: Sentinel, Doc: "address the others dial; empty: the member's own, and it must be that"},
	{Name: "raft.members", Alias: "raft-members", Type: Members, Min: 1, In: Sentinel, Doc: "every sentinel as id=host:port, this one included, identical on all of them"},
	{Name: "raft.single", Alias: "raft-single", Type: Bool, Default: "no", In: Sentinel, Doc: "run as a group of one: when it is gone nobody watches"},
	{Name: "raft.timeout", Alias: "raft-timeout", Type: Duration, Default: "250ms", Min: 50, Max: 10_000, In: Sentinel, Doc: "silence of the leader after which another is elected; below 200ms pauses look like deaths"},

	{Name: "monitor.name", Type: String, In: Sentinel, Flags: Required, Doc: "the group's name"},
	{Name: "monitor.master", Type: Addr, Min: 1, In: Sentinel, Flags: Required, Doc: "address, host:port, of the master at the first start"},
	{Name: "monitor.replicas", Type: Addrs, Min: 1, In: Sentinel, Flags: Repeated, Doc: "addresses of the other nodes known at the first start; more are found"},
	{Name: "monitor.quorum", Type: Int, Default: "2", Min: 1, Max: maxInt32, In: Sentinel, Doc: "sentinels that must agree that the master is down"},
	{Name: "monitor.down-after-milliseconds", Type: Millis, Default: "3000", Min: 1, In: Sentinel, Doc: "milliseconds without a valid answer after which a node is down for one sentinel"},
	{Name: "monitor.failover-timeout", Type: Millis, Default: "10000", Min: 1, In: Sentinel, Doc: "milliseconds a failover may take before it is tried again"},
	{Name: "monitor.parallel-syncs", Type: Int, Default: "1", Min: 1, Max: maxInt32, In: Sentinel, Doc: "replicas that may load a full copy of a new master at once"},
	{Name: "monitor.master-reboot-down-after-period", Type: Millis, Default: "0", In: Sentinel, Inert: "a node that answers -LOADING is never down"},
	{Name: "monitor.fast-down", Type: Bool, Default: "yes", In: Sentinel, Doc: "a refused connection, seen by a quorum and a replica, is down at once"},
	{Name: "monitor.promotion", Type: Enum, Default: "safe", Enum: []string{"safe", "available"}, In: Sentinel, Doc: "wait for the nodes that surely hold every answered write (safe), or go on without them after failover-timeout (available)"},
	{Name: "monitor.fencing", Type: Bool, Default: "yes", In: Sentinel, Doc: "with write-acks 0 a master serves only within its lease; without it, as Redis"},
	{Name: "monitor.lease-milliseconds", Type: Millis, Default: "2000", Min: 150, Max: 60_000, In: Sentinel, Doc: "milliseconds of one lease, at least 3 x raft.timeout"},
	{Name: "monitor.write-acks", Type: Int, Default: "1", Max: 16, In: Sentinel, Doc: "replicas that must hold a write before it is answered"},
	{Name: "monitor.write-acks-policy", Type: Enum, Default: "degrade", Enum: acksPolicy, In: Sentinel, Doc: "with too few replicas left: degrade (go on with fewer) or strict (wait)"},
	{Name: "monitor.auth-user", Type: String, In: Sentinel, Doc: "ACL user to log in to the nodes as, which needs +@holdfast +ping +info; empty: the default user"},
	{Name: "monitor.auth-pass", Type: String, In: Sentinel, Flags: Secret, Doc: "password for the nodes"},
	{Name: "monitor.notification-script", Type: String, In: Sentinel, Inert: "no scripts are run: subscribe to the events"},
	{Name: "monitor.client-reconfig-script", Type: String, In: Sentinel, Inert: "no scripts are run: subscribe to +switch-master"},
	{Name: "monitor.rename-command", Type: Renames, In: Sentinel, Flags: Repeated, Inert: "sentinels change nodes by HOLDFAST commands only"},
}
