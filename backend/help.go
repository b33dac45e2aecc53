package backend

import (
	"strings"

	"holdfast/backend/internal/commands"
)

// helpRows answer HELP of the container commands of this package.
var helpRows = []row{
	{"client|help", help("CLIENT",
		"CACHING (YES|NO)", "Track the keys of the next command, or not, in OPTIN or OPTOUT mode.",
		"GETNAME", "Return the name of the current connection.",
		"GETREDIR", "Return the client ID we are redirecting to when tracking is enabled.",
		"ID", "Return the ID of the current connection.",
		"INFO", "Return information about the current client connection.",
		"KILL <ip:port> | <option> <value> [...]", "Kill connections. Options: ADDR, LADDR, TYPE, USER, SKIPME, ID.",
		"LIST [TYPE <type> | ID <id> ...]", "Return information about client connections.",
		"NO-EVICT (ON|OFF)", "Protect the current client connection from eviction.",
		"NO-TOUCH (ON|OFF)", "Do not touch the access times of keys.",
		"PAUSE <timeout> [WRITE|ALL]", "Suspend all, or just writing, clients for <timeout> milliseconds.",
		"REPLY (ON|OFF|SKIP)", "Control the replies sent to the current connection.",
		"SETINFO <option> <value>", "Set LIB-NAME or LIB-VER of the current connection.",
		"SETNAME <name>", "Assign the name <name> to the current connection.",
		"TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> ...] [OPTIN] [OPTOUT] [NOLOOP]", "Control the tracking of what this connection caches.",
		"TRACKINGINFO", "Return how the current connection tracks.",
		"UNBLOCK <clientid> [TIMEOUT|ERROR]", "Unblock the specified blocked client.",
		"UNPAUSE", "End a pause.")},
	{"command|help", help("COMMAND",
		"(no subcommand)", "Return details about all commands.",
		"COUNT", "Return the number of commands.",
		"DOCS [<command> ...]", "Return documentation of commands, without a name of all.",
		"GETKEYS <full-command>", "Return the keys of a full command.",
		"INFO [<command> ...]", "Return details about the specified commands.",
		"LIST", "Return the names of all commands.")},
	{"config|help", help("CONFIG",
		"GET <pattern> ...", "Return parameters matching the glob-like <pattern> and their values.",
		"RESETSTAT", "Reset the statistics that INFO reports.",
		"REWRITE", "Rewrite the configuration file.",
		"SET <directive> <value> ...", "Set the configuration <directive> to <value>.")},
	{"function|help", help("FUNCTION",
		"DELETE <library>", "Delete a library with its functions.",
		"DUMP", "Return all libraries in a form that RESTORE takes.",
		"FLUSH [ASYNC|SYNC]", "Delete all libraries.",
		"KILL", "End the function under way, if it has not written anything.",
		"LIST [LIBRARYNAME <pattern>] [WITHCODE]", "Return the libraries and their functions.",
		"LOAD [REPLACE] <code>", "Load a library.",
		"RESTORE <payload> [FLUSH|APPEND|REPLACE]", "Load the libraries of a dump, beside or in place of those there are.",
		"STATS", "Return what function runs, and how many there are.")},
	{"memory|help", help("MEMORY",
		"DOCTOR", "Return memory problems reports.",
		"MALLOC-STATS", "Return what the allocator of the data says of itself.",
		"PURGE", "Return kept memory to the system.",
		"STATS", "Return what the memory of the server is used for.",
		"USAGE <key> [SAMPLES <count>]", "Return memory in bytes used by <key> and its value.")},
	{"module|help", help("MODULE",
		"LIST", "Return the modules; there are none.")},
	{"pubsub|help", help("PUBSUB",
		"CHANNELS [<pattern>]", "Return the currently active channels matching a <pattern>.",
		"NUMPAT", "Return number of subscriptions to patterns.",
		"NUMSUB [<channel> ...]", "Return the number of subscribers of the specified channels.",
		"SHARDCHANNELS [<pattern>]", "Return the currently active shard level channels matching a <pattern>.",
		"SHARDNUMSUB [<shardchannel> ...]", "Return the number of subscribers of the specified shard level channels.")},
	{"latency|help", help("LATENCY",
		"DOCTOR", "Return what the latency monitor has noted, with advice.",
		"GRAPH <event>", "Return a graph of the samples of an event.",
		"HISTOGRAM [<command> ...]", "Return how many calls of each command took how long.",
		"HISTORY <event>", "Return the time and the latency of the samples of an event.",
		"LATEST", "Return the latest sample of each event.",
		"RESET [<event> ...]", "Forget the samples of the events, without any: of all.")},
	{"slowlog|help", help("SLOWLOG",
		"GET [<count>]", "Return the last <count> slow commands, 10 by default, -1 for all: id, time, microseconds, words, client's address and name.",
		"LEN", "Return the length of the slowlog.",
		"RESET", "Reset the slowlog.")},
}

// help replies lines as Redis does: the container's own, then each subcommand
// with what it does.
func help(container string, lines ...string) func(*session, *commands.Ctx) {
	all := []string{container + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"}
	for i, line := range append(lines, "HELP", "Print this help.") {
		all = append(all, strings.Repeat(" ", i%2*4)+line)
	}
	return func(_ *session, x *commands.Ctx) {
		x.Array(len(all))
		for _, line := range all {
			x.Simple(line)
		}
	}
}
