package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"holdfast/backend"
	"holdfast/conf"
)

func nodeCommand() *cobra.Command {
	return partCommand("node", "Run a node: a Redis-compatible store that replicates itself",
		`Node keeps the data in memory and speaks RESP2 and RESP3. Alone it is a plain
server; in a group the sentinels tell it who is master.`,
		func(settings *conf.Settings[conf.NodeConfig], log *slog.Logger) (part, error) {
			n, err := backend.New(settings, log)
			if err != nil {
				return nil, err
			}
			return n, nil
		})
}
