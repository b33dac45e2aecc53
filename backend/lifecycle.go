package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"holdfast/conf"
)

// Run serves until ctx is done, SHUTDOWN is called or something fails for
// good. It returns nil after a clean end.
func (n *Node) Run(ctx context.Context) error {
	if err := n.Start(); err != nil {
		n.halt()
		return err
	}
	var err error
	select {
	case <-ctx.Done():
		n.endScripts()
		m := n.onSignal(n.cfg().ShutdownOnSigterm)
		m.deaf, m.force = true, true
		_, err = n.finish(m)
	case <-n.life.Done():
	case <-n.server.Done():
	case err = <-n.broken:
	}
	return errors.Join(err, n.Close())
}

// Start opens the listeners; clients can connect when it returns.
func (n *Node) Start() error {
	cfg := n.cfg()
	if err := n.fitClients(cfg.MaxClients); err != nil {
		return err
	}
	n.announce(cfg)
	n.sweepTempFiles(cfg.Dir)
	load := n.findData(cfg)
	if load == nil {
		if err := n.settleIdentity(); err != nil {
			return err
		}
	}
	if err := n.listen(cfg); err != nil {
		return err
	}
	n.log.Info("Server initialized", "run-id", n.runID)
	n.warnOfEmptyRestart(cfg)
	n.warnOfNothingDurable(cfg)
	n.control.start()
	n.background(n.cron)
	n.background(func() {
		if load != nil && !n.loadData(load) {
			return
		}
		n.sayReady(cfg)
		n.beginFollowing()
	})
	return nil
}

// announce says in Redis's words, which tools wait for, what is starting.
func (n *Node) announce(cfg *conf.NodeConfig) {
	n.log.Info("oO0OoO0OoO0Oo Holdfast is starting oO0OoO0OoO0Oo")
	n.log.Info(fmt.Sprintf("Redis version=%s, Holdfast version=%s, bits=%d, pid=%d, just started", RedisVersion, Version, strconv.IntSize, os.Getpid()))
	if n.settings.File() == "" {
		n.log.Info("Warning: no config file specified, using the default config. In order to specify a config file use holdfast node /path/to/redis.conf")
	} else {
		n.log.Info("Configuration loaded")
	}
	n.log.Info(fmt.Sprintf("Running mode=standalone, port=%d. PID: %d", cfg.Port, os.Getpid()))
}

// warnOfEmptyRestart says what a master that keeps nothing on disk does to replicas
// that do: they follow it, and when it comes back empty they become so too. In a
// group it comes back without a role.
func (n *Node) warnOfEmptyRestart(cfg *conf.NodeConfig) {
	if st := n.seen.Load(); st.role == roleMaster && !st.managed && !cfg.AppendOnly && len(cfg.Save) == 0 {
		n.log.Warn("WARNING: this master keeps nothing on disk. Restarted, it is empty, and so are then its replicas, whatever they have on disk. " +
			"Do not let it be restarted by itself, or set save or appendonly, or let sentinels watch over it")
	}
}

// warnOfNothingDurable says that a replica which may confirm only what is on disk,
// and never knows that anything is, confirms nothing.
func (n *Node) warnOfNothingDurable(cfg *conf.NodeConfig) {
	if cfg.WriteAcksDurable && (!cfg.AppendOnly || cfg.AppendFsync == "no") {
		n.log.Warn("WARNING: with write-acks-durable a replica confirms what its append-only file has on disk. " +
			"This node confirms nothing: set appendonly, and appendfsync to always or everysec")
	}
}

// sayReady says that clients get answers from now on.
func (n *Node) sayReady(cfg *conf.NodeConfig) {
	for _, kind := range []struct {
		name string
		open bool
	}{{"tcp", cfg.Port != 0}, {"unix", cfg.UnixSocket != ""}, {"tls", cfg.TLS.Port != 0}} {
		if kind.open {
			n.log.Info("Ready to accept connections " + kind.name)
		}
	}
}

// Close ends everything the node started and gives its memory back.
func (n *Node) Close() error {
	n.finishing.Lock() // a file that is being written is written to its end
	n.halt()
	n.finishing.Unlock()
	err := n.unlisten()
	n.mu.LockParted()
	n.abandonScript() // no loop goes on with it any more
	n.mu.Unlock()
	n.tasks.Wait() // some wait for roles
	n.roles.Lock()
	defer n.roles.Unlock()
	n.stopLink()
	n.feeds.Close()
	if end := n.endLog(); end != nil {
		err = errors.Join(err, end)
	} else {
		err = errors.Join(err, n.proveEnd())
	}
	n.targets.Sweep(time.Now())
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ending = true
	n.endCoroutine()
	n.store.Close()
	return err
}
