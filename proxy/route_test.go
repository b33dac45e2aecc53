package proxy

import (
	"strings"
	"testing"

	"holdfast/backend/command"
)

func classOfLine(line string) class {
	var args [][]byte
	for _, w := range strings.Fields(line) {
		args = append(args, []byte(w))
	}
	return classFor(command.Find(args), args)
}

func TestClasses(t *testing.T) {
	for line, want := range map[string]class{
		"GET k": classRead, "get k": classRead, "MGET a b": classRead, "SET k v": classWrite, "NOSUCH x": classWrite,
		"DBSIZE": classMaster, "SCAN 0": classMaster, "HSCAN k 0": classMaster, "INFO": classMaster, "KEYS *": classMaster,
		"EVAL x 0": classWrite, "EVAL_RO x 0": classMaster, "BLPOP k 0": classBlock, "WAIT 1 0": classBlock,
		"XREAD STREAMS s 0": classRead, "XREAD BLOCK 0 STREAMS s 0": classBlock,
		"XREADGROUP GROUP g c STREAMS s >": classWrite, "XREADGROUP GROUP g c BLOCK 1 STREAMS s >": classBlock,
		"SUBSCRIBE c": classSubscribe, "PUBLISH c m": classWrite, "MONITOR": classMonitor, "CLIENT TRACKING ON": classTracking,
		"CLIENT CACHING YES": classCaching, "CLIENT ID": classHere, "PING": classHere, "MULTI": classTurn, "QUIT": classTurn,
		"PSYNC ? -1": classSync, "SCRIPT DEBUG YES": classSync, "HOLDFAST EPOCH": classSync, "HOLDFAST NOSUCH": classSync,
	} {
		if got := classOfLine(line); got != want {
			t.Errorf("%s: class %d, want %d", line, got, want)
		}
	}
}

func TestEveryCommandOfTheSessionHasAHandler(t *testing.T) {
	for _, c := range command.All {
		for _, x := range append([]*command.Command{c}, c.Subs...) {
			if k := classes[x.ID]; (k == classHere || k == classTurn) && handlers[x.ID] == nil {
				t.Errorf("%s has no handler", x.Full)
			}
		}
	}
}

func TestRoute(t *testing.T) {
	prefer := situation{policy: readPrefer}
	busy := func(b target) situation { return situation{policy: readPrefer, busy: b} }
	for _, x := range []struct {
		name string
		k    class
		s    situation
		want target
	}{
		{"write", classWrite, prefer, toMaster},
		{"read", classRead, prefer, toReplica},
		{"read, policy master", classRead, situation{policy: readMaster}, toMaster},
		{"read behind a write", classRead, busy(toMaster), toMaster},
		{"read behind a read", classRead, busy(toReplica), toReplica},
		{"write behind a read of a replica", classWrite, busy(toReplica), later},
		{"keyless read behind a read of a replica", classMaster, busy(toReplica), later},
		{"write behind a blocking command", classWrite, busy(toPrivate), toPrivate},
		{"blocking", classBlock, prefer, toPrivate},
		{"blocking behind a write", classBlock, busy(toMaster), later},
		{"read of a watching session", classRead, situation{owned: true, policy: readPrefer}, toPrivate},
		{"inside MULTI", classRead, situation{multi: true}, queued},
		{"PING inside MULTI", classHere, situation{multi: true}, queued},
		{"EXEC inside MULTI", classTurn, situation{multi: true}, here},
		{"PING", classHere, prefer, here},
		{"PSYNC", classSync, prefer, refused},
		{"PSYNC inside MULTI", classSync, situation{multi: true}, refused},
	} {
		if got := route(x.k, x.s); got != x.want {
			t.Errorf("%s: target %d, want %d", x.name, got, x.want)
		}
	}
}
