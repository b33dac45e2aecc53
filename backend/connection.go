package backend

import (
	"crypto/subtle"
	"fmt"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/resp"
)

var connectionRows = []row{
	{"ping", ping},
	{"echo", func(_ *session, x *commands.Ctx) { x.Bulk(x.Args[1]) }},
	{"auth", auth},
	{"hello", hello},
	{"select", selectDB},
	{"quit", func(s *session, x *commands.Ctx) { x.OK(); s.closing = true }},
	{"reset", reset},
}

func ping(s *session, x *commands.Ctx) {
	switch {
	case len(x.Args) > 2:
		x.Err("ERR wrong number of arguments for 'ping' command")
	case s.subs != nil && s.proto < 3:
		x.Array(2)
		x.BulkString("pong")
		if len(x.Args) == 2 {
			x.Bulk(x.Args[1])
		} else {
			x.BulkString("")
		}
	case len(x.Args) == 2:
		x.Bulk(x.Args[1])
	default:
		x.Simple("PONG")
	}
}

// login checks a user's password. There is one user, default, until the ACL
// system knows more.
func (n *Node) login(user, password []byte) bool {
	want := n.cfg().RequirePass
	return string(user) == "default" && (want == "" || subtle.ConstantTimeCompare([]byte(want), password) == 1)
}

const wrongPass = "WRONGPASS invalid username-password pair or user is disabled."

func auth(s *session, x *commands.Ctx) {
	user, password := []byte("default"), x.Args[1]
	switch {
	case len(x.Args) > 3:
		x.Err("ERR syntax error")
		return
	case len(x.Args) == 3:
		user, password = x.Args[1], x.Args[2]
	case s.node.cfg().RequirePass == "":
		x.Err("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
		return
	}
	if !s.node.login(user, password) {
		x.Err(wrongPass)
		return
	}
	s.setAuthed(true)
	x.OK()
}

func (s *session) setAuthed(v bool) {
	s.authed = v
	s.parser.Unauthenticated = !v
}

func hello(s *session, x *commands.Ctx) {
	proto, name, authed := s.proto, s.name, s.authed
	rest := x.Args[1:]
	if len(rest) > 0 {
		v, err := strconv.Atoi(string(rest[0]))
		if err != nil {
			x.Err("ERR Protocol version is not an integer or out of range")
			return
		}
		if v != 2 && v != 3 {
			x.Err("NOPROTO unsupported protocol version")
			return
		}
		proto, rest = v, rest[1:]
	}
	for len(rest) > 0 {
		switch option := strings.ToLower(string(rest[0])); {
		case option == "auth" && len(rest) >= 3:
			if !s.node.login(rest[1], rest[2]) {
				x.Err(wrongPass)
				return
			}
			authed, rest = true, rest[3:]
		case option == "setname" && len(rest) >= 2:
			if !validName(rest[1]) {
				x.Err(errClientName)
				return
			}
			name, rest = string(rest[1]), rest[2:]
		default:
			x.Err("ERR Syntax error in HELLO option '" + string(rest[0]) + "'")
			return
		}
	}
	if !authed {
		x.Err("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
		return
	}
	s.setAuthed(true)
	s.proto, s.name, x.Proto = proto, name, proto
	s.greet(x)
}

func (s *session) greet(x *commands.Ctx) {
	role := "replica"
	if s.node.standing.role == roleMaster {
		role = "master"
	}
	x.Map(7)
	x.BulkString("server")
	x.BulkString("redis")
	x.BulkString("version")
	x.BulkString(redisVersion)
	x.BulkString("proto")
	x.Int(int64(s.proto))
	x.BulkString("id")
	x.Int(s.id)
	x.BulkString("mode")
	x.BulkString("standalone")
	x.BulkString("role")
	x.BulkString(role)
	x.BulkString("modules")
	x.Array(0)
}

func selectDB(s *session, x *commands.Ctx) {
	v, err := strconv.Atoi(string(x.Args[1]))
	switch {
	case err != nil:
		x.Err("ERR invalid DB index")
	case v < 0 || v >= s.node.cfg().Databases:
		x.Err("ERR DB index is out of range")
	default:
		s.db = v
		x.OK()
	}
}

func reset(s *session, x *commands.Ctx) {
	s.multi = nil
	s.unwatch()
	s.unsubscribeAll()
	delete(s.node.monitors, s)
	s.db, s.proto, x.Proto, s.name, s.quiet = 0, 2, 2, "", replyOn
	s.setAuthed(s.node.cfg().RequirePass == "")
	x.Simple("RESET")
}

const errClientName = "ERR Client names cannot contain spaces, newlines or special characters."

func validName(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

var clientRows = []row{
	{"client|id", func(s *session, x *commands.Ctx) { x.Int(s.id) }},
	{"client|getname", clientGetName},
	{"client|setname", clientSetName},
	{"client|setinfo", clientSetInfo},
	{"client|info", func(s *session, x *commands.Ctx) { x.Out = appendText(x, s.describe()+"\n") }},
	{"client|list", clientList},
	{"client|kill", clientKill},
	{"client|reply", clientReply},
	{"client|unblock", clientUnblock},
	{"client|no-evict", func(_ *session, x *commands.Ctx) { x.OK() }},
	{"client|no-touch", func(_ *session, x *commands.Ctx) { x.OK() }},
}

func appendText(x *commands.Ctx, text string) []byte {
	return resp.AppendVerbatim(x.Out, x.Proto, "txt", text)
}

func clientGetName(s *session, x *commands.Ctx) {
	if s.name == "" {
		x.Null()
		return
	}
	x.BulkString(s.name)
}

func clientSetName(s *session, x *commands.Ctx) {
	if !validName(x.Args[2]) {
		x.Err(errClientName)
		return
	}
	s.name = string(x.Args[2])
	x.OK()
}

func clientSetInfo(s *session, x *commands.Ctx) {
	which := strings.ToLower(string(x.Args[2]))
	switch {
	case which != "lib-name" && which != "lib-ver":
		x.Err("ERR Unrecognized option '" + string(x.Args[2]) + "'")
	case !validName(x.Args[3]):
		x.Err("ERR " + which + " cannot contain spaces, newlines or special characters.")
	case which == "lib-name":
		s.libs[0] = string(x.Args[3])
		x.OK()
	default:
		s.libs[1] = string(x.Args[3])
		x.OK()
	}
}

// describe is the session's line of CLIENT LIST.
func (s *session) describe() string {
	flags, sub, psub, ssub, multi := "N", 0, 0, 0, -1
	if s.subs != nil {
		flags, sub, psub, ssub = "P", len(s.subs.to[channels]), len(s.subs.to[patterns]), len(s.subs.to[shards])
	}
	if s.multi != nil {
		flags, multi = "x", len(s.multi.requests)
	}
	if s.waiting != nil {
		flags = "b"
	}
	now := time.Now().UnixMilli()
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d"+
		" qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=%s user=default redir=-1 resp=%d lib-name=%s lib-ver=%s",
		s.id, s.addr, s.localAddr, s.conn.Fd(), s.name, (now-s.created)/1000, (now-s.lastActive)/1000, flags, s.db, sub, psub, ssub, multi,
		s.lastCmd, s.proto, s.libs[0], s.libs[1])
}

func clientList(s *session, x *commands.Ctx) {
	var b strings.Builder
	for _, c := range s.node.clientsByID() {
		b.WriteString(c.describe())
		b.WriteByte('\n')
	}
	x.Out = appendText(x, b.String())
}

// clientKill takes the old form, an address, and the new one, filters.
func clientKill(s *session, x *commands.Ctx) {
	if len(x.Args) == 3 {
		addr := string(x.Args[2])
		if s.node.killClients(s, func(c *session) bool { return c.addr == addr }) == 0 {
			x.Err("ERR No such client")
			return
		}
		x.OK()
		return
	}
	match, problem := killFilter(s, x.Args[2:])
	if problem != "" {
		x.Err(problem)
		return
	}
	x.Int(int64(s.node.killClients(s, match)))
}

func killFilter(s *session, options [][]byte) (match func(*session) bool, problem string) {
	skipMe := true
	var tests []func(*session) bool
	for i := 0; i+1 < len(options); i += 2 {
		value := string(options[i+1])
		switch strings.ToLower(string(options[i])) {
		case "id":
			id, err := strconv.ParseInt(value, 10, 64)
			if err != nil || id <= 0 {
				return nil, "ERR client-id should be greater than 0"
			}
			tests = append(tests, func(c *session) bool { return c.id == id })
		case "addr":
			tests = append(tests, func(c *session) bool { return c.addr == value })
		case "laddr":
			tests = append(tests, func(c *session) bool { return c.localAddr == value })
		case "user":
			tests = append(tests, func(*session) bool { return value == "default" })
		case "type":
			pubsub := strings.EqualFold(value, "pubsub")
			if !pubsub && !strings.EqualFold(value, "normal") && !strings.EqualFold(value, "master") &&
				!strings.EqualFold(value, "replica") && !strings.EqualFold(value, "slave") {
				return nil, "ERR Unknown client type '" + value + "'"
			}
			normal := strings.EqualFold(value, "normal")
			tests = append(tests, func(c *session) bool { return pubsub && c.subs != nil || normal && c.subs == nil })
		case "skipme":
			if !strings.EqualFold(value, "yes") && !strings.EqualFold(value, "no") {
				return nil, "ERR syntax error"
			}
			skipMe = strings.EqualFold(value, "yes")
		default:
			return nil, "ERR syntax error"
		}
	}
	if len(options)%2 != 0 {
		return nil, "ERR syntax error"
	}
	return func(c *session) bool {
		if skipMe && c == s {
			return false
		}
		for _, test := range tests {
			if !test(c) {
				return false
			}
		}
		return true
	}, ""
}

// killClients closes the clients that match, each on its own loop; the caller
// itself only after its reply.
func (n *Node) killClients(caller *session, match func(*session) bool) (killed int) {
	for _, c := range n.clients {
		if !match(c) {
			continue
		}
		killed++
		c.closing = true
		if c != caller {
			c.conn.Loop().Post(c.conn.Close)
		}
	}
	return killed
}

func clientReply(s *session, x *commands.Ctx) {
	switch strings.ToLower(string(x.Args[2])) {
	case "on":
		s.quiet = replyOn
		x.OK()
	case "off":
		s.quiet = replyOff
	case "skip":
		if s.quiet != replyOff {
			s.quiet = replySkip
		}
	default:
		x.Err("ERR syntax error")
	}
}

func clientUnblock(s *session, x *commands.Ctx) {
	id, err := strconv.ParseInt(string(x.Args[2]), 10, 64)
	if err != nil {
		x.Err("ERR value is not an integer or out of range")
		return
	}
	asError := len(x.Args) == 4 && strings.EqualFold(string(x.Args[3]), "error")
	if len(x.Args) > 4 || len(x.Args) == 4 && !asError && !strings.EqualFold(string(x.Args[3]), "timeout") {
		x.Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		return
	}
	c := s.node.clients[id]
	if c == nil || c.waiting == nil {
		x.Int(0)
		return
	}
	reply := appendNull(nil, c.proto, c.waiting.onTime)
	if asError {
		reply = resp.AppendError(nil, "UNBLOCKED client unblocked via CLIENT UNBLOCK")
	}
	c.unblock()
	c.emit(reply, 0)
	c.conn.Loop().Post(c.resume)
	x.Int(1)
}
