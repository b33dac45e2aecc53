package backend

import (
	"strings"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/types"
	"holdfast/backend/resp"
)

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
	{"client|pause", clientPause},
	{"client|unpause", func(s *session, x *commands.Ctx) { s.node.unpause(); x.OK() }},
	{"client|no-evict", clientSwitch(func(s *session, on bool) { s.noEvict = on; s.node.evictClients() })},
	{"client|no-touch", clientSwitch(func(s *session, on bool) { s.noTouch = on })},
}

func appendText(x *commands.Ctx, text string) []byte {
	return resp.AppendVerbatim(x.Out, x.Proto, "txt", text)
}

func validName(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
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

// clientSwitch takes ON or OFF.
func clientSwitch(set func(s *session, on bool)) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		switch strings.ToLower(string(x.Args[2])) {
		case "on":
			set(s, true)
		case "off":
			set(s, false)
		default:
			x.Err(errSyntax)
			return
		}
		x.OK()
	}
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
		x.Err(errSyntax)
	}
}

func clientUnblock(s *session, x *commands.Ctx) {
	asError := len(x.Args) == 4 && strings.EqualFold(string(x.Args[3]), "error")
	id, ok := types.ParseInt(x.Args[2])
	switch {
	case len(x.Args) > 4:
		x.Err(errUnknownSub("CLIENT", clip(x.Args[1])))
		return
	case len(x.Args) == 4 && !asError && !strings.EqualFold(string(x.Args[3]), "timeout"):
		x.Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		return
	case !ok:
		x.Err(errNotInt)
		return
	}
	c := s.node.clients[id]
	if c == nil || c.waiting == nil || c.waiting.inTime == nil {
		x.Int(0)
		return
	}
	reply := c.waiting.inTime()
	if asError {
		reply = resp.AppendError(nil, unblockedText)
	}
	gate := c.waiting.shown(s.node)
	c.waiting.over(c, asError)
	c.unblock()
	c.reply(reply, gate)
	c.conn.Loop().Post(c.resume)
	x.Int(1)
}
