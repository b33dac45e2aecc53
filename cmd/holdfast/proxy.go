package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"holdfast/backend/netio"
	"holdfast/conf"
	"holdfast/proxy"
)

// proxyPart is a proxy with its letter in log lines.
type proxyPart struct{ *proxy.Proxy }

func (proxyPart) Letter() byte { return 'P' }

func proxyCommand() *cobra.Command {
	return partCommand("proxy", "Run a proxy: the one endpoint clients talk to",
		`Proxy takes the connections of Redis clients, sends writes to the master and reads
to replicas, and holds requests through a failover.`,
		func(settings *conf.Settings[conf.ProxyConfig], log *slog.Logger) (part, error) {
			if settings.Config().CPUScheduling == "batch" {
				if err := netio.Batch(); err != nil { // a container may forbid it; it only costs speed
					log.Warn(err.Error())
				}
			}
			p, err := proxy.New(settings.Config(), log)
			return proxyPart{p}, err
		})
}
