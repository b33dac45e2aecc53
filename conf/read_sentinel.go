package conf

import (
	"net"
	"strings"
)

// What redis-sentinel keeps in its file and this one keeps in raft.
var sentinelState = map[string]string{
	"myid":           "a sentinel is known by its raft-id",
	"current-epoch":  "epochs are kept by the raft group",
	"config-epoch":   "epochs are kept by the raft group",
	"leader-epoch":   "epochs are kept by the raft group",
	"known-sentinel": "the sentinels are the raft-members",
}

// sentinelLine reads what stands behind the word "sentinel": `monitor NAME HOST PORT QUORUM`, `OPTION NAME VALUE…` for an
// option of one group, `OPTION VALUE…` for one of the sentinel itself.
func (r *reader) sentinelLine(at Place, from syntax, words []string) {
	if len(words) == 1 { // the whole as one word, as in --sentinel "monitor m 10.0.0.1 6379 2"
		words, _ = SplitArgs(words[0])
	}
	if len(words) < 2 {
		r.problems.add(at, "sentinel", errArgs)
		return
	}
	option, rest := strings.ToLower(words[0]), words[1:]
	put := func(monitor, key string, words ...string) {
		r.settings = append(r.settings, setting{at: at, syntax: from, key: key, monitor: monitor, words: words})
	}
	switch why := sentinelState[option]; {
	case why != "":
		r.ignored = append(r.ignored, Warning{at, "sentinel " + option, why})
	case option == "monitor" && len(rest) == 4:
		put(rest[0], "monitor.name", rest[0])
		put(rest[0], "monitor.master", net.JoinHostPort(rest[1], rest[2]))
		put(rest[0], "monitor.quorum", rest[3])
	case (option == "known-replica" || option == "known-slave") && len(rest) == 3:
		put(rest[0], "monitor.replicas", net.JoinHostPort(rest[1], rest[2]))
	case option == "monitor" || strings.HasPrefix(option, "known-"):
		r.problems.add(at, "sentinel "+option, errArgs)
	case Lookup(Sentinel, monitorPrefix+option) != nil:
		put(rest[0], monitorPrefix+option, rest[1:]...)
	case Lookup(Sentinel, option) != nil:
		put("", option, rest...)
	default:
		r.problems.add(at, "sentinel "+option, unknownOption(option))
	}
}

// unknownOption suggests among the options of a group and those of the sentinel alike.
func unknownOption(option string) error {
	near := nearestMonitor(option)
	if near == "" {
		near = Nearest(Sentinel, option)
	}
	return &UnknownError{Key: option, Part: Sentinel, Near: near}
}

var errNoMonitor = redisText("No such master with specified name")
