package backend

import (
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

// What Redis has and a node does not: cluster mode and modules. Clients that ask
// are told so in the words of a Redis that has them switched off.
const (
	noCluster = "ERR This instance has cluster support disabled"
	noModules = "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from a local connection, " +
		"otherwise you need to set this option in the configuration file, and then restart the server."
)

// absentRows refuse every subcommand of CLUSTER but HELP.
var absentRows = func() []row {
	all := []row{
		{"asking", refuseWith(noCluster)}, {"readonly", refuseWith(noCluster)}, {"readwrite", refuseWith(noCluster)},
		{"module|list", emptyArray}, {"module|load", refuseWith(noModules)}, {"module|loadex", refuseWith(noModules)},
		{"module|unload", refuseWith(noModules)},
		{"cluster|help", help("CLUSTER", "(every subcommand)", "Is refused: there is no cluster mode here.")},
	}
	for _, sub := range command.Named("cluster").Subs {
		if sub.Name != "help" {
			all = append(all, row{sub.Full, refuseWith(noCluster)})
		}
	}
	return all
}()

func refuseWith(text string) func(*session, *commands.Ctx) {
	return func(_ *session, x *commands.Ctx) { x.Err(text) }
}
