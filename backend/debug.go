package backend

import (
	"encoding/hex"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/repl"
)

var debugRows = []row{{"debug", debug}}

const debugRefused = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, " +
	"otherwise you need to set this option in the configuration file, and then restart the server."

// debugCommand serves tests, ours and those of clients. The arity counts the
// words behind DEBUG; negative: at least.
type debugCommand struct {
	arity int
	run   func(s *session, x *commands.Ctx)
}

var debugCommands = map[string]debugCommand{
	"sleep":                      {2, debugSleep},
	"digest":                     {1, debugDigest},
	"digest-value":               {-2, debugDigestValue},
	"reload":                     {-1, debugReload},
	"change-repl-id":             {1, debugChangeReplID},
	"set-active-expire":          {2, debugActiveExpire},
	"pause-cron":                 {2, func(s *session, x *commands.Ctx) { s.node.cronPaused = string(x.Args[2]) != "0"; x.OK() }},
	"config-rewrite-force-all":   {1, func(s *session, x *commands.Ctx) { s.node.rewriteFor(x, true) }},
	"segfault":                   {1, func(_ *session, x *commands.Ctx) { _ = unix.Kill(os.Getpid(), unix.SIGSEGV); x.OK() }},
	"jmap":                       {1, debugNothing},
	"loadaof":                    {1, debugLoadLog},
	"aof-flush-sleep":            {2, debugLogSleep},
	"quicklist-packed-threshold": {2, debugNothing},
	"set-disable-deny-scripts":   {2, debugAllowAll},
	"stringmatch-len":            {3, debugMatch},
	"replicate":                  {-2, debugReplicate},
	"replybuffer":                {-2, debugNothing}, // reply buffers belong to loops and have one size
	"log":                        {-2, func(s *session, x *commands.Ctx) { s.node.log.Warn("DEBUG LOG: " + clip(x.Args[2])); x.OK() }},
	"error":                      {2, func(_ *session, x *commands.Ctx) { x.Err(string(x.Args[2])) }},
	"protocol":                   {2, debugProtocol},
}

// isTrusted tells whether a setting that is yes, no or local lets the session do
// what it is about.
func (s *session) isTrusted(setting string) bool {
	return setting == "yes" || setting == "local" && local(s.conn.RemoteAddr())
}

// debug is for people on the machine itself unless configured otherwise, as in
// Redis.
func debug(s *session, x *commands.Ctx) {
	if !s.isTrusted(s.node.cfg().EnableDebugCommand) {
		x.Err(debugRefused)
		return
	}
	name := string(x.Args[1])
	c, known := debugCommands[strings.ToLower(name)]
	if !known {
		c, known = debugDataCommands[strings.ToLower(name)]
	}
	words := len(x.Args) - 1
	if !known || words != c.arity && (c.arity > 0 || words < -c.arity) {
		x.Err(errUnknownSub("DEBUG", clip(x.Args[1])))
		return
	}
	c.run(s, x)
}

// debugReplicate sends a command to the replicas that this node does not run.
func debugReplicate(s *session, x *commands.Ctx) {
	if n := s.node; n.unit.leads {
		n.unit.add(s.db, x.Args[2:])
	}
	x.OK()
}

func debugNothing(_ *session, x *commands.Ctx) { x.OK() }

func debugSleep(_ *session, x *commands.Ctx) {
	seconds, err := strconv.ParseFloat(string(x.Args[2]), 64)
	if err != nil || seconds < 0 || seconds > math.MaxInt32 {
		x.Err("ERR value is not a valid float")
		return
	}
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	x.OK()
}

func debugDigest(s *session, x *commands.Ctx) {
	sum := s.node.store.Digest()
	x.Simple(hex.EncodeToString(sum[:]))
}

func debugDigestValue(_ *session, x *commands.Ctx) {
	x.Array(len(x.Args) - 2)
	for _, key := range x.Args[2:] {
		sum := x.DB.DigestOf(key)
		x.Simple(hex.EncodeToString(sum[:]))
	}
}

// debugChangeReplID makes every replica resync from nothing.
func debugChangeReplID(s *session, x *commands.Ctx) {
	n := s.node
	n.log.Warn("Changing replication IDs after receiving change-repl-id")
	h := n.stream.History()
	n.stream.Reset(repl.NewHistory(repl.NewID(), h.DataEpoch(), n.stream.Offset()), n.stream.Offset(), -1)
	n.sayHolders()
	x.OK()
}

func debugActiveExpire(s *session, x *commands.Ctx) {
	s.node.lazy = string(x.Args[2]) == "0"
	x.OK()
}

func debugAllowAll(s *session, x *commands.Ctx) {
	s.node.scripts.AllowAll = string(x.Args[2]) == "1"
	x.OK()
}

func debugMatch(_ *session, x *commands.Ctx) {
	x.Flag(command.Match(x.Args[3], x.Args[2], false))
}

// debugProtocol replies one value of every kind of RESP.
func debugProtocol(_ *session, x *commands.Ctx) {
	switch strings.ToLower(string(x.Args[2])) {
	case "string":
		x.BulkString("Hello World")
	case "integer":
		x.Int(12345)
	case "double":
		x.Double(3.141)
	case "null":
		x.Null()
	case "array":
		x.Array(3)
		for i := range 3 {
			x.Int(int64(i))
		}
	case "set":
		x.Set(3)
		for i := range 3 {
			x.Int(int64(i))
		}
	case "map":
		x.Map(3)
		for i := range 3 {
			x.Int(int64(i))
			protocolBool(x, i == 1)
		}
	case "attrib":
		if x.Proto > 2 {
			x.Out = append(x.Out, "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"...)
		}
		x.BulkString("Some real reply following the attribute")
	case "push":
		if x.Proto < 3 {
			x.Err("ERR RESP2 is not supported by this command")
			return
		}
		x.Out = append(x.Out, ">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"...)
	case "verbatim":
		x.Out = appendText(x, "This is a verbatim\nstring")
	case "true":
		protocolBool(x, true)
	case "false":
		protocolBool(x, false)
	case "bignum":
		if x.Proto > 2 {
			x.Out = append(x.Out, "(1234567999999999999999999999999999999\r\n"...)
		} else {
			x.BulkString("1234567999999999999999999999999999999")
		}
	default:
		x.Err("ERR Wrong protocol type name. Please use one of the following: string|integer|double|null|array|set|map|attrib|push|verbatim|true|false")
	}
}

func protocolBool(x *commands.Ctx, v bool) {
	switch {
	case x.Proto < 3:
		x.Flag(v)
	case v:
		x.Out = append(x.Out, "#t\r\n"...)
	default:
		x.Out = append(x.Out, "#f\r\n"...)
	}
}

// debugSkipChecksum lets RESTORE take payloads whose checksum is wrong.
func debugSkipChecksum(s *session, x *commands.Ctx) {
	s.node.options.SkipChecksum = string(x.Args[2]) != "0"
	x.OK()
}

var debugHelp = help("DEBUG",
	"CHANGE-REPL-ID", "Give the replication history a new id: every replica resyncs in full.",
	"DICT-RESIZING (0|1)", "Let hash tables grow only when they must, or as usual.",
	"DIGEST", "Return a digest of all data.",
	"DIGEST-VALUE <key> ...", "Return digests of the values of keys.",
	"ERROR <text>", "Return an error.",
	"HTSTATS <dbid> [full]", "Return the state of a database's hash table.",
	"HTSTATS-KEY <key> [full]", "Return the state of the hash table of a value.",
	"LISTPACK <key>", "Print a compact value to the log.",
	"LOADAOF", "Load the append-only file again.",
	"LOG <text>", "Write a line to the log.",
	"OBJECT <key>", "Return how a value is kept.",
	"PAUSE-CRON (0|1)", "Stop periodic work, or go on with it.",
	"POPULATE <count> [<prefix>] [<size>]", "Make so many string keys.",
	"PROTOCOL <type>", "Return a value of that type of the protocol.",
	"RELOAD [MERGE] [NOFLUSH] [NOSAVE]", "Write the snapshot file and load it.",
	"REPLICATE <target> <command> ...", "Send a command to the replicas alone.",
	"SET-ACTIVE-EXPIRE (0|1)", "Expire keys only when they are asked for, or also by themselves.",
	"SET-DISABLE-DENY-SCRIPTS (0|1)", "Let scripts run commands that they may not.",
	"SET-SKIP-CHECKSUM-VALIDATION (0|1)", "Take payloads of RESTORE whose checksum is wrong.",
	"SLEEP <seconds>", "Do nothing for so long, holding everybody up.",
	"STRINGMATCH-LEN <length> <pattern>", "Match a pattern with so many letters.",
	"STRUCTSIZE", "Return how many bytes of a key are not its name and value.")
