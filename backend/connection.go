package backend

import (
	"strings"

	"holdfast/backend/acl"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/types"
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

const wrongPass = "WRONGPASS invalid username-password pair or user is disabled."

func auth(s *session, x *commands.Ctx) {
	user, password := []byte(acl.DefaultName), x.Args[1]
	switch {
	case len(x.Args) > 3:
		x.Err(errSyntax)
		return
	case len(x.Args) == 3:
		user, password = x.Args[1], x.Args[2]
	case s.node.users.Default().NoPass():
		x.Err("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
		return
	}
	if s.login(x, user, password) {
		x.OK()
	}
}

func hello(s *session, x *commands.Ctx) {
	proto, name := s.proto, s.name
	var login [][]byte // user and password: of several the last count
	rest := x.Args[1:]
	if len(rest) > 0 {
		v, ok := types.ParseInt(rest[0])
		if !ok {
			x.Err("ERR Protocol version is not an integer or out of range")
			return
		}
		if v != 2 && v != 3 {
			x.Err("NOPROTO unsupported protocol version")
			return
		}
		proto, rest = int(v), rest[1:]
	}
	for len(rest) > 0 {
		switch option := strings.ToLower(string(rest[0])); {
		case option == "auth" && len(rest) >= 3:
			login, rest = rest[1:3], rest[3:]
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
	if login != nil && !s.login(x, login[0], login[1]) {
		return
	}
	if !s.authed {
		x.Err("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
		return
	}
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
	x.BulkString(RedisVersion)
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
	v, ok := types.ParseInt(x.Args[1])
	switch {
	case !ok:
		x.Err(errNotInt)
	case v < 0 || v >= int64(s.node.cfg().Databases):
		x.Err("ERR DB index is out of range")
	default:
		s.db = int(v)
		x.OK()
	}
}

func reset(s *session, x *commands.Ctx) {
	s.endMulti()
	s.unwatch()
	s.unsubscribeAll()
	s.untrack()
	delete(s.node.monitors, s)
	s.db, s.proto, x.Proto, s.name, s.quiet = 0, 2, 2, "", replyOn
	s.noEvict, s.noTouch = false, false
	s.logOut()
	x.Simple("RESET")
}
