package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"holdfast/conf"
	"holdfast/election"
)

// sentinelPart is a sentinel with its letter in log lines, which is Redis's.
type sentinelPart struct{ *election.Sentinel }

func (sentinelPart) Letter() byte { return 'X' }

func sentinelCommand() *cobra.Command {
	return partCommand("sentinel", "Run a sentinel: one of those who watch the nodes and agree on the master",
		`Sentinel watches the nodes of its groups and agrees with the other sentinels on who
is down and who becomes the master. It speaks Redis Sentinel's API.`,
		func(settings *conf.Settings[conf.SentinelConfig], log *slog.Logger) (part, error) {
			s, err := election.New(settings, log)
			return sentinelPart{s}, err
		})
}
