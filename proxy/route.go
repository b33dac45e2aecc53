package proxy

import (
	"bytes"

	"holdfast/backend/command"
)

// class is what a command means to a proxy.
type class uint8

const (
	classWrite     class = iota // the master's, and what it did matters; unknown commands too
	classRead                   // has keys and changes nothing: any node that is fresh enough
	classMaster                 // changes nothing, but only the master's answer will do
	classBlock                  // may block its connection
	classTurn                   // turns the session: answered by the proxy, even inside a transaction
	classHere                   // belongs to the session: answered by the proxy
	classSubscribe              // makes a subscriber of the connection
	classMonitor                // makes a monitor of the connection
	classTracking               // binds invalidations to the connection
	classCaching                // means something behind CLIENT TRACKING only
	classSync                   // replicas' and debuggers' business, which cannot be passed on
)

// classes holds the class of every command and subcommand by its ID.
var classes = classify()

// exceptions are the commands whose class their flags do not tell.
var exceptions = map[string]class{
	"multi": classTurn, "exec": classTurn, "discard": classTurn, "watch": classTurn, "quit": classTurn,
	"reset": classTurn,
	"ping":  classHere, "echo": classHere, "auth": classHere, "hello": classHere, "select": classHere,
	"unwatch": classHere,

	"client|getname": classHere, "client|help": classHere, "client|id": classHere, "client|info": classHere,
	"client|kill": classHere, "client|list": classHere, "client|no-evict": classHere, "client|no-touch": classHere,
	"client|reply": classHere, "client|setinfo": classHere, "client|setname": classHere, "client|unblock": classHere,
	"client|tracking": classTracking, "client|caching": classCaching, "client|getredir": classCaching,
	"client|trackinginfo": classCaching,

	"subscribe": classSubscribe, "psubscribe": classSubscribe, "ssubscribe": classSubscribe,
	"unsubscribe": classSubscribe, "punsubscribe": classSubscribe, "sunsubscribe": classSubscribe,
	"monitor": classMonitor,
	"wait":    classBlock, "waitaof": classBlock,

	// The cursor of an iteration means something on the node that gave it only.
	"hscan": classMaster, "sscan": classMaster, "zscan": classMaster,
	// What these tell or change belongs to one node's memory.
	"object|freq": classMaster, "object|idletime": classMaster, "object|refcount": classMaster,
	"object|encoding": classMaster, "memory|usage": classMaster, "touch": classMaster,
	// A script is known where it was loaded.
	"eval_ro": classMaster, "evalsha_ro": classMaster, "fcall_ro": classMaster,

	// It would have scripts of others debugged too.
	"script|debug": classSync,

	"sync": classSync, "psync": classSync, "replconf": classSync, "holdfast": classSync,
}

func classify() []class {
	all := make([]class, command.Count)
	for _, c := range command.All {
		all[c.ID] = classOf(c)
		for _, s := range c.Subs {
			all[s.ID] = classOf(s)
			if k, ok := exceptions[c.Name]; ok {
				all[s.ID] = k
			}
		}
	}
	return all
}

func classOf(c *command.Command) class {
	if k, ok := exceptions[c.Full]; ok {
		return k
	}
	switch {
	case c.Has(command.Blocking):
		return classBlock
	case c.Has(command.ReadOnly) && c.HasKeys():
		return classRead
	case c.Has(command.ReadOnly) || harmless[c.Name] || c.Parent != nil && harmless[c.Parent.Name]:
		return classMaster
	}
	return classWrite
}

// harmless are the commands without a read-only flag that can be sent again
// all the same.
var harmless = map[string]bool{
	"info": true, "command": true, "role": true, "time": true, "lastsave": true, "pubsub": true, "latency": true,
	"slowlog": true, "memory": true, "object": true, "dbsize": true, "lolwut": true,
}

// target is where a request goes.
type target uint8

const (
	nowhere   target = iota // the session has nothing unanswered
	here                    // the proxy answers
	queued                  // into the session's transaction
	toMaster                // the shared upstream to the master
	toReplica               // the shared upstream to a replica
	toPrivate               // an upstream that the session has for itself
	refused                 // nobody: the proxy does not pass it on
	later                   // it has to wait until the session's requests are answered
)

// readPolicy is read-policy and consistency in one: whether reads may leave
// the master at all, and whether they may go back to it.
type readPolicy uint8

const (
	readMaster readPolicy = iota
	readPrefer
	readReplica
	readNearest
)

// situation is all of a session that the choice of a target depends on.
type situation struct {
	multi  bool   // between MULTI and EXEC
	owned  bool   // it has an upstream for itself
	busy   target // where its unanswered requests are: nowhere, toMaster, toReplica or toPrivate
	policy readPolicy
}

// route chooses the target of a request. A session's requests are answered in
// the order it sent them, so while some are unanswered all others follow them
// to the same upstream or wait; toReplica says only that a replica may answer:
// which one, if any is fresh enough, the session's token decides.
func route(k class, s situation) target {
	switch {
	case k == classSync:
		return refused
	case k == classTurn, k == classHere && !s.multi:
		return here
	case s.multi:
		return queued
	case s.owned:
		return upstream(toPrivate, s)
	}
	switch k {
	case classSubscribe, classMonitor, classTracking:
		return upstream(toPrivate, s)
	case classBlock:
		return upstream(toPrivate, s)
	case classCaching:
		return upstream(toMaster, s)
	case classRead:
		if s.busy != nowhere {
			return s.busy
		}
		if s.policy != readMaster {
			return toReplica
		}
	}
	if s.busy == toPrivate { // a blocking command that is not answered yet
		return toPrivate
	}
	return upstream(toMaster, s)
}

func upstream(t target, s situation) target {
	if s.busy == nowhere || s.busy == t {
		return t
	}
	return later
}

// classFor is the class of a request, whose arguments decide for some.
func classFor(cmd *command.Command, args [][]byte) class {
	if cmd == nil {
		return classWrite
	}
	k := classes[cmd.ID]
	if k == classBlock && blocksOnAsking(cmd) && !hasWord(args, "block") {
		if cmd.Has(command.Write) {
			return classWrite
		}
		return classRead
	}
	return k
}

// blocksOnAsking tells whether the command blocks only when it says BLOCK.
func blocksOnAsking(cmd *command.Command) bool {
	return cmd.Name == "xread" || cmd.Name == "xreadgroup"
}

func hasWord(args [][]byte, word string) bool {
	for _, a := range args[1:] {
		if len(a) == len(word) && bytes.EqualFold(a, []byte(word)) {
			return true
		}
	}
	return false
}
