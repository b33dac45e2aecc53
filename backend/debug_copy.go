package backend

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/script"
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// debugCopies is the host of a script under SCRIPT DEBUG YES, which must not change
// the data nor stop the others, as in a process that was forked off:
//
//  1. The script runs on a goroutine and in a Lua state of its own, on a store of its
//     own, without the engine lock.
//  2. A key is copied from the data when a command of the script first names it, as
//     it is then: the script sees each key at one moment, but not all at the same.
//  3. Commands that look at all keys have all of them copied, if they are few.
//  4. Nothing leaves it: no key is changed, no unit written, no message published.
//     What else commands would do to the node is refused.
type debugCopies struct {
	scriptHost
	console  *console
	debugger *script.Debugger
	store    *store.Store
	x        commands.Ctx
	options  commands.Options
	had      map[dbKey]struct{} // copied, or found to be none
	whole    []bool             // by database: nothing is left to copy
	bytes    int                // copied
}

// Bounds of SCRIPT DEBUG YES.
const (
	debugSessions = 8         // at a time
	debugKeys     = 10_000    // that one command has copied
	debugBytes    = 64 << 20  // copied by one session
	debugMemory   = 256 << 20 // of its store
)

// debugCopy runs an EVAL on copies; its client waits.
func (n *Node) debugCopy(s *session, x *commands.Ctx, req script.Request) {
	own, err := n.newStore()
	switch {
	case err != nil:
		x.Err("ERR " + err.Error())
		return
	case n.debugging >= debugSessions:
		own.Close()
		x.Err("ERR too many scripts are being debugged")
		return
	}
	n.debugging++
	c := &console{s: s, more: make(chan struct{}, 1)}
	s.console = c
	s.waiting = new(waiter)
	s.batch.replies--
	h := n.debugHost(c, own)
	req.Args = copyWords(req.Args)
	req.Debug = h.debugger
	engine := script.New(RedisVersion)
	engine.AllowAll = n.scripts.AllowAll
	n.log.Info("Debugging an eval on copies of its keys")
	n.background(func() {
		defer own.Close()
		reply := engine.Eval(h, req, nil)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.log.Info("Lua debugging session ended")
		n.debugging--
		c.end(reply)
	})
}

func (n *Node) debugHost(c *console, own *store.Store) *debugCopies {
	h := &debugCopies{
		scriptHost: scriptHost{s: c.s, db: c.s.db, free: true},
		console:    c, debugger: n.debugger(nil),
		store: own, options: n.options,
		had: make(map[dbKey]struct{}), whole: make([]bool, own.Databases()),
	}
	h.debugger.Console, h.debugger.Discards = copyConsole{c}, true
	own.SetNow(n.now)
	h.x.Options, h.x.InScript, h.x.Now, h.x.User = &h.options, true, n.now, c.s.user
	h.x.SetWarn(func(text string) { n.log.Warn(text) })
	return h
}

// end answers the client, whose connection ends with it. The lock is held.
func (c *console) end(reply []byte) {
	s := c.s
	s.console = nil
	if s.waiting == nil { // it is gone
		return
	}
	s.unblock()
	s.closing = true
	s.reply(reply, 0)
	s.conn.Loop().Post(func() {
		if !s.conn.Closed() {
			s.leave()
		}
	})
}

// copyConsole is the console of a goroutine of its own.
type copyConsole struct{ *console }

// Write sends the client a reply of the debugger.
func (c copyConsole) Write(reply []byte) {
	n := c.s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	c.s.push(reply)
}

// Read waits for what the client sends.
func (c copyConsole) Read() ([]byte, bool) {
	n := c.s.node
	patience := time.NewTimer(debugPatience)
	defer patience.Stop()
	for {
		n.mu.Lock()
		in, ok := c.take()
		gone := c.gone
		n.mu.Unlock()
		if ok || gone {
			return in, ok
		}
		select {
		case <-c.more:
		case <-n.life.Done():
			return nil, false
		case <-patience.C:
			return nil, false
		}
	}
}

// Find finds a command by the names that clients know.
func (h *debugCopies) Find(args [][]byte) *command.Command {
	n := h.s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	return h.scriptHost.Find(args)
}

// Refuses says why a command is not run, of which the node has more to say than it
// would to the script itself.
func (h *debugCopies) Refuses(c *command.Command, args [][]byte, readOnly bool) string {
	n := h.s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if text := h.scriptHost.Refuses(c, args, readOnly); text != "" {
		return text
	}
	if c.Has(command.DenyOOM) && h.store.UsedMemory() > debugMemory {
		return oomText
	}
	return h.bring(c, args)
}

// Refused counts nothing: the node was not asked.
func (h *debugCopies) Refused(*command.Command, string) {}

// Allowed tells whether the user may run a command.
func (h *debugCopies) Allowed(args [][]byte) bool {
	n := h.s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	return h.scriptHost.Allowed(args)
}

// SetRepl changes nothing: nothing is replicated.
func (h *debugCopies) SetRepl(bool, bool) {}

// Interrupt ends a script that nobody waits for any more.
func (h *debugCopies) Interrupt(time.Duration) {
	n := h.s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.console.gone || n.life.Err() != nil {
		h.debugger.Leave()
	}
}

// Call runs a command, whose keys have been copied.
func (h *debugCopies) Call(args [][]byte, proto int) []byte {
	n, x := h.s.node, &h.x
	run := n.lookupReal(args)
	h.wrote = h.wrote || run.cmd.Has(command.Write)
	x.Out, x.Proto = x.Out[:0], proto
	x.Begin(args)
	x.Store, x.DBNum, x.DB = h.store, h.db, h.store.DB(h.db)
	switch {
	case run.data != nil:
		run.data(x)
	case run.cmd.Name == "select":
		h.choose(args[1])
	case run.cmd.Name == "publish" || run.cmd.Name == "spublish":
		x.Int(0)
	default:
		n.mu.Lock()
		defer n.mu.Unlock()
		run.session(h.s, x)
	}
	return x.Out
}

// choose is SELECT, which ends with the script.
func (h *debugCopies) choose(word []byte) {
	switch db, ok := types.ParseInt(word); {
	case !ok:
		h.x.Err("ERR invalid DB index")
	case db < 0 || db >= int64(len(h.whole)):
		h.x.Err("ERR DB index is out of range")
	default:
		h.db = int(db)
		h.x.OK()
	}
}

// asked are the commands about the node that a script may have here too.
var asked = []string{"command", "echo", "info", "lastsave", "lolwut", "ping", "publish", "select", "spublish", "time"}

// bring copies the keys that a command needs, or says why it cannot be run. The lock
// is held.
func (h *debugCopies) bring(c *command.Command, args [][]byte) string {
	name := c.Name
	if c.Parent != nil {
		name = c.Parent.Name
	}
	run := &h.s.node.handlers[c.ID]
	switch {
	case run.data == nil && !slices.Contains(asked, name) && c.Name != "help", name == "swapdb":
		return "ERR " + strings.ToUpper(name) + " cannot be run on copies: debug it with SCRIPT DEBUG SYNC"
	case name == "flushall":
		for db := range h.whole {
			h.whole[db] = true
		}
	case name == "flushdb":
		h.whole[h.db] = true
	case name == "keys" || name == "scan" || name == "randomkey" || name == "dbsize" ||
		strings.HasPrefix(name, "sort") && slices.ContainsFunc(args, func(w []byte) bool { return bytes.IndexByte(w, '*') >= 0 }):
		return h.bringAll(h.db)
	}
	problem := ""
	c.Keys(args, func(i int, _ command.KeyFlags) {
		for db := range h.whole {
			if problem == "" && (db == h.db || name == "copy" || name == "move") {
				problem = h.bringKey(db, args[i])
			}
		}
	})
	return problem
}

// bringAll copies a whole database.
func (h *debugCopies) bringAll(db int) (problem string) {
	from := h.s.node.store.DB(db)
	if h.whole[db] {
		return ""
	}
	if from.Len() > debugKeys {
		return "ERR the script looks at all keys, and these are more than " + strconv.Itoa(debugKeys) +
			": debug it with SCRIPT DEBUG SYNC"
	}
	var names [][]byte
	from.Each(func(key []byte, _ store.Type) bool {
		names = append(names, bytes.Clone(key))
		return true
	})
	for _, key := range names {
		if problem = h.bringKey(db, key); problem != "" {
			return problem
		}
	}
	h.whole[db] = true
	return ""
}

// bringKey copies a key that the script has not seen yet.
func (h *debugCopies) bringKey(db int, key []byte) string {
	id := dbKey{db, string(key)}
	if _, had := h.had[id]; had || h.whole[db] {
		return ""
	}
	from := h.s.node.store.DB(db)
	v, ok := from.Look(key)
	if !ok {
		h.had[id] = struct{}{}
		return ""
	}
	size, _ := from.MemoryUsage(key, 5)
	if h.bytes+size > debugBytes {
		return "ERR the keys of the script are too large to be copied: debug it with SCRIPT DEBUG SYNC"
	}
	payload, err := rdb.AppendDump(nil, v)
	if err != nil {
		return "ERR " + err.Error()
	}
	h.had[id] = struct{}{}
	h.bytes += size
	expire, _ := from.ExpireOf(key)
	own, err := rdb.Undump(h.store, payload, rdb.Undumping{})
	if err == nil {
		err = own.Put(h.store.DB(db), key, expire)
	}
	if err != nil {
		return "ERR " + err.Error()
	}
	return ""
}
