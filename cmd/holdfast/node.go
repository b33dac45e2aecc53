package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"holdfast/backend"
	"holdfast/conf"
)

func nodeCommand() *cobra.Command {
	return partCommand("node", "Run a node: the store that replicates itself",
		`Node is a Redis-compatible in-memory store. Alone it is what redis-server is; in a
group its role comes from the sentinels.`,
		func(settings *conf.Settings[conf.NodeConfig], log *slog.Logger) (part, error) {
			return backend.New(settings, log)
		})
}
