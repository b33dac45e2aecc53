package conf

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var parts = []Part{Node, Sentinel, Proxy}

// fieldTypes is what types.go promises beside each Type.
var fieldTypes = map[Type]reflect.Type{
	Bool: reflect.TypeFor[bool](), Int: reflect.TypeFor[int](), Port: reflect.TypeFor[int](), Octal: reflect.TypeFor[int](),
	Size: reflect.TypeFor[int64](), PercentSize: reflect.TypeFor[int64](),
	Duration: reflect.TypeFor[time.Duration](), Seconds: reflect.TypeFor[time.Duration](),
	Millis: reflect.TypeFor[time.Duration](), Micros: reflect.TypeFor[time.Duration](),
	String: reflect.TypeFor[string](), Enum: reflect.TypeFor[string](), Events: reflect.TypeFor[string](),
	Addr: reflect.TypeFor[string](), HostPort: reflect.TypeFor[string](),
	Words: reflect.TypeFor[[]string](), List: reflect.TypeFor[[]string](), Addrs: reflect.TypeFor[[]string](), Lines: reflect.TypeFor[[]string](),
	Percentiles: reflect.TypeFor[[]float64](), Save: reflect.TypeFor[[]SavePoint](), Renames: reflect.TypeFor[[]Rename](),
	Members: reflect.TypeFor[[]Member](), Limits: reflect.TypeFor[OutputLimits](), Scores: reflect.TypeFor[[]int](),
}

func TestTableNamesAreUniqueInEachPart(t *testing.T) {
	for _, part := range parts {
		seen := map[string]bool{}
		for _, d := range Directives(part) {
			for _, name := range []string{d.Name, d.Alias} {
				if name != "" && seen[name] {
					t.Errorf("%s: %s stands twice", part, name)
				}
				seen[name] = true
			}
		}
	}
}

func TestEveryRowIsComplete(t *testing.T) {
	for i := range table {
		d := &table[i]
		if d.In == 0 || d.Name == "" || (d.Doc == "") == (d.Inert == "") {
			t.Errorf("%s: a row needs a part, a name, and either a meaning or a reason why it has none", d.Name)
		}
		if (d.Type == Enum || d.Type == Words) != (len(d.Enum) > 0) {
			t.Errorf("%s: words without Enum, or Enum without words", d.Name)
		}
		v, err := d.Parse(d.Default, nil)
		if err != nil {
			t.Errorf("%s: default %q: %v", d.Name, d.Default, err)
			continue
		}
		if again, err := d.Parse(d.Format(v), nil); err != nil || !reflect.DeepEqual(v, again) {
			t.Errorf("%s: %q prints as %q, which reads as %v, %v", d.Name, d.Default, d.Format(v), again, err)
		}
	}
}

func TestFieldsAndTableAgree(t *testing.T) {
	check := func(typ reflect.Type, rows []*Directive) {
		for _, d := range rows {
			path, ok := paths[typ][d.Name]
			if ok == (d.Inert != "") {
				t.Errorf("%s: %s: a field %v, inert %q", typ, d.Name, ok, d.Inert)
			}
			if ok && typ.FieldByIndex(path).Type != fieldTypes[d.Type] {
				t.Errorf("%s: %s is held as %s", typ, d.Name, typ.FieldByIndex(path).Type)
			}
		}
		for name := range paths[typ] {
			if !slices.ContainsFunc(rows, func(d *Directive) bool { return d.Name == name }) {
				t.Errorf("%s has a field for %s, which is in no row", typ, name)
			}
		}
	}
	split := func(part Part, monitor bool) []*Directive {
		return slices.DeleteFunc(Directives(part), func(d *Directive) bool { return isMonitorKey(d) != monitor })
	}
	check(reflect.TypeFor[NodeConfig](), split(Node, false))
	check(reflect.TypeFor[SentinelConfig](), split(Sentinel, false))
	check(reflect.TypeFor[Monitor](), split(Sentinel, true))
	check(reflect.TypeFor[ProxyConfig](), split(Proxy, false))
}

// redisDirectives are the names CONFIG GET * answers in Redis 7.2, without older names, and what its loader knows besides.
const redisDirectives = `acl-pubsub-default aclfile acllog-max-len active-defrag-cycle-max active-defrag-cycle-min
	active-defrag-ignore-bytes active-defrag-max-scan-fields active-defrag-threshold-lower active-defrag-threshold-upper
	active-expire-effort activedefrag activerehashing always-show-logo aof-load-truncated aof-rewrite-incremental-fsync
	aof-timestamp-enabled aof-use-rdb-preamble aof_rewrite_cpulist appenddirname appendfilename appendfsync appendonly
	auto-aof-rewrite-min-size auto-aof-rewrite-percentage bgsave_cpulist bind bind-source-addr bio_cpulist
	busy-reply-threshold client-output-buffer-limit client-query-buffer-limit cluster-allow-pubsubshard-when-down
	cluster-allow-reads-when-down cluster-allow-replica-migration cluster-announce-bus-port cluster-announce-hostname
	cluster-announce-human-nodename cluster-announce-ip cluster-announce-port cluster-announce-tls-port
	cluster-config-file cluster-enabled cluster-link-sendbuf-limit cluster-migration-barrier cluster-node-timeout
	cluster-port cluster-preferred-endpoint-type cluster-replica-no-failover cluster-replica-validity-factor
	cluster-require-full-coverage crash-log-enabled crash-memcheck-enabled daemonize databases dbfilename dir disable-thp
	dynamic-hz enable-debug-command enable-module-command enable-protected-configs hash-max-listpack-entries
	hash-max-listpack-value hll-sparse-max-bytes hz ignore-warnings io-threads io-threads-do-reads jemalloc-bg-thread
	latency-monitor-threshold latency-tracking latency-tracking-info-percentiles lazyfree-lazy-eviction
	lazyfree-lazy-expire lazyfree-lazy-server-del lazyfree-lazy-user-del lazyfree-lazy-user-flush lfu-decay-time
	lfu-log-factor list-compress-depth list-max-listpack-size locale-collate logfile loglevel masterauth masteruser
	maxclients maxmemory maxmemory-clients maxmemory-eviction-tenacity maxmemory-policy maxmemory-samples
	min-replicas-max-lag min-replicas-to-write no-appendfsync-on-rewrite notify-keyspace-events oom-score-adj
	oom-score-adj-values pidfile port proc-title-template propagation-error-behavior protected-mode proto-max-bulk-len
	rdb-del-sync-files rdb-save-incremental-fsync rdbchecksum rdbcompression repl-backlog-size repl-backlog-ttl
	repl-disable-tcp-nodelay repl-diskless-load repl-diskless-sync repl-diskless-sync-delay
	repl-diskless-sync-max-replicas repl-ping-replica-period repl-timeout replica-announce-ip replica-announce-port
	replica-announced replica-ignore-disk-write-errors replica-ignore-maxmemory replica-lazy-flush replica-priority
	replica-read-only replica-serve-stale-data replicaof requirepass sanitize-dump-payload save server_cpulist
	set-max-intset-entries set-max-listpack-entries set-max-listpack-value set-proc-title shutdown-on-sigint
	shutdown-on-sigterm shutdown-timeout slowlog-log-slower-than slowlog-max-len socket-mark-id
	stop-writes-on-bgsave-error stream-node-max-bytes stream-node-max-entries supervised syslog-enabled syslog-facility
	syslog-ident tcp-backlog tcp-keepalive timeout tls-auth-clients tls-ca-cert-dir tls-ca-cert-file tls-cert-file
	tls-ciphers tls-ciphersuites tls-client-cert-file tls-client-key-file tls-client-key-file-pass tls-cluster
	tls-dh-params-file tls-key-file tls-key-file-pass tls-port tls-prefer-server-ciphers tls-protocols tls-replication
	tls-session-cache-size tls-session-cache-timeout tls-session-caching tracking-table-max-keys unixsocket
	unixsocketperm zset-max-listpack-entries zset-max-listpack-value
	aof-disable-auto-gc cluster-ping-interval key-load-delay loading-process-events-interval-bytes rdb-key-save-delay
	req-res-logfile use-exit-on-panic watchdog-period
	list-max-ziplist-entries list-max-ziplist-value loadmodule lua-replicate-commands rename-command user
	cluster-slave-no-failover cluster-slave-validity-factor hash-max-ziplist-entries hash-max-ziplist-value
	list-max-ziplist-size lua-time-limit min-slaves-max-lag min-slaves-to-write repl-ping-slave-period
	slave-announce-ip slave-announce-port slave-ignore-maxmemory slave-lazy-flush slave-priority slave-read-only
	slave-serve-stale-data slaveof zset-max-ziplist-entries zset-max-ziplist-value`

func TestANodeKnowsEveryDirectiveOfRedis(t *testing.T) {
	for _, name := range strings.Fields(redisDirectives) {
		if Lookup(Node, name) == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestNearest(t *testing.T) {
	for _, c := range []struct {
		part Part
		name string
		want string
	}{
		{Node, "appendolny", "appendonly"},
		{Node, "max-memory", "maxmemory"},
		{Node, "slave-of", "slaveof"},
		{Node, "REPLICA-OF", "replicaof"},
		{Node, "prot", "port"},
		{Node, "xyzzy", ""},
		{Proxy, "hold-time", "hold-timeout"},
		{Sentinel, "raft.member", "raft.members"},
		{Sentinel, "rft.members", "raft.members"},
		{Sentinel, "monitor.bogus", ""},
	} {
		if got := Nearest(c.part, c.name); got != c.want {
			t.Errorf("Nearest(%s, %q) = %q, want %q", c.part, c.name, got, c.want)
		}
	}
}
