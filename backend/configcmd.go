package backend

import (
	"errors"
	"net"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/latency"
	"holdfast/backend/internal/store"
	"holdfast/backend/resp"
	"holdfast/conf"
)

var configRows = []row{
	{"config|get", configGet},
	{"config|set", configSet},
	{"config|resetstat", configResetStat},
	{"config|rewrite", configRewrite},
}

func configGet(s *session, x *commands.Ctx) {
	found := s.node.settings.Get(texts(x.Args[2:])...)
	x.Map(len(found))
	for _, p := range found {
		x.BulkString(p.Name)
		x.BulkString(p.Value)
	}
}

func configSet(s *session, x *commands.Ctx) {
	if len(x.Args)%2 != 0 {
		x.Err(errSyntax)
		return
	}
	var changes []conf.Pair
	for i := 2; i < len(x.Args); i += 2 {
		changes = append(changes, conf.Pair{Name: string(x.Args[i]), Value: string(x.Args[i+1])})
	}
	n := s.node
	if n.loading.Load() && slices.ContainsFunc(changes, touchesFiles) {
		x.Err(loadingText)
		return
	}
	may := s.isTrusted(n.cfg().EnableProtectedConfigs)
	if err := n.settings.Set(may, changes...); err != nil {
		x.Err("ERR " + err.Error())
		return
	}
	x.OK()
}

// touchesFiles tells whether a change is of where what is being loaded lies, or of how.
func touchesFiles(p conf.Pair) bool {
	return slices.Contains([]string{"dir", "appendonly", "repl-diskless-load"}, strings.ToLower(p.Name))
}

// configChanged carries a new configuration into what keeps its own copy. The
// engine lock is held: only commands change the configuration.
func (n *Node) configChanged(next *conf.NodeConfig, changed []string) error {
	// What can fail comes first: nothing has changed when it does.
	if err := n.tryChange(next, changed); err != nil {
		return err
	}
	n.store.SetLimits(limits(next))
	n.store.SetEviction(eviction(next))
	n.setOptions(next)
	n.guard(next)
	n.setTiming(next)
	n.limitClients(next)
	n.slowlog.Trim(next.SlowlogMaxLen)
	n.derive()
	n.limitTracking(next.TrackingTableMaxKeys)
	n.logConfigChanged(next, changed)
	if slices.Contains(changed, "repl-timeout") {
		n.feeds.TimeoutChanged(next.ReplTimeout)
	}
	if slices.Contains(changed, "repl-backlog-size") {
		n.stream.Backlog().Resize(uint64(next.ReplBacklogSize))
	}
	if slices.Contains(changed, "client-output-buffer-limit") {
		n.stream.Backlog().SetLimits(replicaLimits(next))
	}
	if slices.Contains(changed, "notify-keyspace-events") {
		n.setEvents(next.NotifyKeyspaceEvents)
	}
	if slices.Contains(changed, "requirepass") {
		n.users.SetPassword(next.RequirePass)
		n.rulesChanged(n.users.Default())
	}
	n.users.OpenChannels(next.ACLPubSub == "allchannels")
	if slices.ContainsFunc(changed, func(name string) bool {
		return name == "write-acks-durable" || name == "appendonly" || name == "appendfsync"
	}) {
		n.warnOfNothingDurable(next)
	}
	if slices.Contains(changed, "write-acks") {
		if next.WriteAcks > 0 {
			n.stream.Activate()
		}
		n.confirm.SetCount(next.WriteAcks)
		n.sayHolders()
	}
	return nil
}

// tryChange does what the operating system may refuse.
func (n *Node) tryChange(next *conf.NodeConfig, changed []string) error {
	if slices.Contains(changed, "dir") {
		if err := mayEnter(next.Dir); err != nil {
			return &conf.SetError{Name: "dir", Err: err}
		}
	}
	if err := n.fitMoreClients(next.MaxClients); err != nil {
		return err
	}
	if !provesItself(next) {
		if err := n.takeBackProof(); err != nil {
			return err
		}
	}
	before := n.secrets.Load()
	if err := n.reloadTLS(next, changed); err != nil {
		return err
	}
	scored := slices.Contains(changed, "oom-score-adj") || slices.Contains(changed, "oom-score-adj-values")
	var err error
	if scored {
		err = n.changeScore(next)
	}
	if err == nil {
		err = n.listenAnew(next, changed)
	}
	if err != nil {
		n.secrets.Store(before)
		if scored {
			_ = n.applyScore(n.cfg(), n.standing.role)
		}
	}
	return err
}

// mayEnter says why dir cannot be worked in, in the words of the C library; nil when it can.
func mayEnter(dir string) error {
	if dir != "" {
		dir += "/." // what is no directory has none
	}
	err := unix.Access(dir, unix.X_OK)
	if err == nil {
		return nil
	}
	text := err.Error()
	return errors.New(strings.ToUpper(text[:1]) + text[1:])
}

// setOptions hands the handlers the settings that they go by.
func (n *Node) setOptions(cfg *conf.NodeConfig) {
	e := eviction(cfg)
	n.options = commands.Options{
		StringMax:    min(cfg.ProtoMaxBulkLen, resp.MaxStored),
		HLLSparseMax: int(cfg.HLLSparseMaxBytes), LazyExpire: cfg.LazyExpire, LazyServerDel: cfg.LazyServerDel,
		SanitizeDump: cfg.SanitizeDumpPayload, SkipChecksum: n.options.SkipChecksum,
		SharedIntegers: cfg.MaxMemory == 0 || e.Order != store.LRU && e.Order != store.LFU || cfg.MaxMemoryPolicy == "noeviction",
	}
}

// contexts are those in which handlers run.
func (n *Node) contexts() []*commands.Ctx {
	return []*commands.Ctx{&n.x, &n.waker, &n.applier, &n.inner, &n.apart.x}
}

// guard notes which of the settings that restrict commands are in use.
func (n *Node) guard(cfg *conf.NodeConfig) {
	n.limitMemory(cfg)
	n.guarded = n.memoryLimit > 0 || wantsReplicas(cfg)
}

func configResetStat(s *session, x *commands.Ctx) {
	n := s.node
	n.store.ResetStats()
	n.feeds.ResetStats()
	n.acks.reset()
	n.stats, n.calls, n.timing.turns = stats{}, 0, turns{}
	clear(n.errors)
	for i := range n.handlers {
		h := &n.handlers[i]
		h.calls, h.rejected, h.failed, h.nanos, h.times = 0, 0, 0, 0, latency.Times{}
	}
	x.OK()
}

func configRewrite(s *session, x *commands.Ctx) { s.node.rewriteFor(x, false) }

// rewriteFor carries the settings into the file and replies how that went.
func (n *Node) rewriteFor(x *commands.Ctx, all bool) {
	err := n.noteUsers()
	if err == nil {
		err = n.settings.Rewrite(all)
	}
	switch {
	case errors.Is(err, conf.ErrNoFile):
		x.Err("ERR " + err.Error())
	case err != nil:
		n.log.Warn("CONFIG REWRITE failed: " + err.Error())
		x.Err("ERR Rewriting config file: " + err.Error())
	default:
		n.log.Info("CONFIG REWRITE executed with success.")
		x.OK()
	}
}

// roleChanged carries a new role into the settings, where CONFIG GET and CONFIG
// REWRITE find it; a group's also into the file, so that whoever reads that is
// not misled. The engine lock is held.
func (n *Node) roleChanged(master string) {
	text := ""
	if host, port, err := net.SplitHostPort(master); err == nil {
		text = host + " " + port
	}
	if before, _ := n.settings.Value("replicaof"); before == text {
		return
	}
	if err := n.settings.Put(conf.Pair{Name: "replicaof", Value: text}); err != nil {
		n.log.Warn("The new role is not in the settings", "err", err)
	}
	if !n.standing.managed || n.settings.File() == "" || n.life.Err() != nil {
		return
	}
	n.background(func() {
		if err := n.settings.Rewrite(false); err != nil && !errors.Is(err, conf.ErrNoFile) {
			n.log.Warn("The new role is not in the file: " + err.Error())
		}
	})
}
