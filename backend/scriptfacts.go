package backend

import (
	"bytes"
	"strings"

	"holdfast/backend/command"
	"holdfast/backend/internal/script"
)

// facts is what the gate goes by: what is known of the command, or where it
// runs a script that declares what it needs, that (script.c,
// scriptFlagsToCmdFlags).
func (n *Node) facts(h *handler, args [][]byte) *command.Command {
	if !h.scripts || h.cmd.Name == "exec" || !h.cmd.ArityOK(len(args)) {
		return h.cmd
	}
	var f script.Flags
	var ok bool
	if strings.HasPrefix(h.cmd.Name, "fcall") {
		f, ok = n.scripts.FunctionFlags(args[1])
	} else {
		f, ok = n.scriptFlags(script.Request{Args: args, BySHA: strings.HasPrefix(h.cmd.Name, "evalsha")})
	}
	if !ok || f.Compat {
		return h.cmd
	}
	return declaredFacts(f)
}

// scriptFlags returns what a script declares; ok is false when there is none.
func (n *Node) scriptFlags(req script.Request) (f script.Flags, ok bool) {
	if req.BySHA || bytes.HasPrefix(req.Args[1], []byte("#!")) {
		return n.scripts.Flags(req)
	}
	return script.Flags{Compat: true}, true
}

// Bits of an index into scriptFacts.
const (
	factWrites = 1 << iota
	factMemory
	factStale
	allFacts = 1 << iota
)

// scriptFacts describes scripts as if they were commands, for every set of what
// they may declare.
var scriptFacts = func() (all [allFacts]command.Command) {
	for i := range all {
		c := &all[i]
		c.Name, c.Full = "script", "script"
		for bit, flag := range map[int]command.Flags{factWrites: command.Write, factMemory: command.DenyOOM, factStale: command.Stale} {
			if i&bit != 0 {
				c.Flags |= flag
			}
		}
	}
	return all
}()

func declaredFacts(f script.Flags) *command.Command {
	i := 0
	if !f.NoWrites {
		i |= factWrites
		if !f.AllowOOM {
			i |= factMemory
		}
	}
	if f.AllowStale {
		i |= factStale
	}
	return &scriptFacts[i]
}
