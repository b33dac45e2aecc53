package proxy

import (
	"holdfast/backend/command"
	"holdfast/backend/resp"
	"holdfast/conf"
)

// session is what a client has said about its connection: all that a single
// server would keep for it.
type session struct {
	id            int64
	set           *laneSet // the upstreams of its protocol, user and database
	name          string
	libName       string
	libVersion    string
	authenticated bool // or the proxy wants no password
	leaving       bool // QUIT, or an error: nothing more is read
	silent        bool // CLIENT REPLY OFF
	skip          int  // replies that CLIENT REPLY SKIP still swallows
	transaction
}

// proto is the protocol version of the session.
func (s *session) proto() int { return s.set.key.proto }

// handlers answer the commands that belong to the session, by ID. They return
// false, having done nothing, when the request has to wait until those before
// it are answered.
var handlers = byID(map[string]func(c *client, args [][]byte) bool{
	"ping": (*client).ping, "echo": (*client).echo, "quit": (*client).quit, "reset": (*client).reset,
	"hello": (*client).hello, "auth": (*client).auth, "select": (*client).selectDB,
	"multi": (*client).multiBegin, "exec": (*client).exec, "discard": (*client).discard,
	"watch": (*client).watch, "unwatch": (*client).unwatch,

	"client|id": (*client).clientID, "client|getname": (*client).clientGetName,
	"client|setname": (*client).clientSetName, "client|setinfo": (*client).clientSetInfo,
	"client|info": (*client).clientInfo, "client|list": (*client).clientList, "client|kill": (*client).clientKill,
	"client|reply": (*client).clientReply, "client|no-evict": (*client).clientSwitch,
	"client|no-touch": (*client).clientSwitch, "client|help": (*client).clientHelp,
	"client|unblock": (*client).clientUnblock,
})

func byID(named map[string]func(*client, [][]byte) bool) []func(*client, [][]byte) bool {
	all := make([]func(*client, [][]byte) bool, command.Count)
	for _, c := range command.All {
		all[c.ID] = named[c.Full]
		for _, s := range c.Subs {
			all[s.ID] = named[s.Full]
		}
	}
	return all
}

// serve answers a request that belongs to the session.
func (c *client) serve(cmd *command.Command, args [][]byte) bool {
	if !cmd.ArityOK(len(args)) {
		c.spoil()
		return c.reply(wrongArity(cmd))
	}
	if c.onlySubscriber() {
		if answer := c.whileSubscribed(cmd, args); answer {
			return true
		}
	}
	c.l.stats.local++
	return handlers[cmd.ID](c, args)
}

// whileSubscribed answers what a subscriber of RESP2 asks, except for the two
// commands that end it.
func (c *client) whileSubscribed(cmd *command.Command, args [][]byte) bool {
	switch cmd.Name {
	case "quit", "reset":
		return false
	case "ping": // the node answers it in the form that subscribers get
		return c.putPrivate(c.own, entry{want: 1, cmd: cmd, kind: kindRead}, resp.AppendRequest(nil, args))
	}
	return c.reply(appendError("ERR Can't execute '" + cmd.Full + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"))
}

func (c *client) ping(args [][]byte) bool {
	switch {
	case len(args) > 2:
		return c.reply(appendError("ERR wrong number of arguments for 'ping' command"))
	case len(args) == 2:
		return c.reply(resp.AppendBulk(nil, args[1]))
	}
	return c.reply(pong)
}

func (c *client) echo(args [][]byte) bool { return c.reply(resp.AppendBulk(nil, args[1])) }

func (c *client) quit([][]byte) bool {
	if c.pending > 0 {
		return false
	}
	c.leaving = true
	c.write(ok)
	c.conn.CloseAfterWrite()
	return true
}

// reset brings the session back to its beginning, as Redis's RESET does: also
// without authentication where a password is needed.
func (c *client) reset([][]byte) bool {
	if c.pending > 0 {
		return false
	}
	c.leavePrivate()
	c.set.sessions--
	c.session = session{id: c.id}
	c.begin()
	return c.reply([]byte("+RESET\r\n"))
}

// begin is the session of a connection that has said nothing yet.
func (c *client) begin() {
	c.authenticated = c.l.p.cfg.RequirePass == ""
	c.requests.Unauthenticated = !c.authenticated
	c.use(sessionKey{proto: 2, cred: c.l.p.own, stripe: int(c.id) % max(1, c.l.p.cfg.SharedConnections)})
}

// use moves the session to the lanes of another key.
func (c *client) use(key sessionKey) {
	if c.set != nil {
		c.set.sessions--
	}
	c.set = c.l.lanes(key)
	c.set.sessions++
}

func (c *client) selectDB(args [][]byte) bool {
	if c.pending > 0 {
		return false
	}
	db, okay := integer(args[1])
	switch {
	case !okay:
		return c.reply(appendError("ERR value is not an integer or out of range"))
	case db < 0:
		return c.reply(appendError("ERR DB index is out of range"))
	}
	key := c.set.key
	key.db = int(db)
	return c.change(key, []string{"SELECT", itoa(int(db))}, func() { c.write(ok) })
}

func (c *client) auth(args [][]byte) bool {
	if c.pending > 0 {
		return false
	}
	if len(args) > 3 {
		return c.reply(appendError("ERR syntax error"))
	}
	user, pass := "", string(args[len(args)-1])
	if len(args) == 3 {
		user = string(args[1])
	}
	return c.login(user, pass, c.proto(), func() { c.write(ok) })
}

// login checks a user and its password: the proxy's own password here, all
// others at the master.
func (c *client) login(user, pass string, proto int, then func()) bool {
	key := c.set.key
	key.proto = proto
	if want := c.l.p.cfg.RequirePass; want != "" && (user == "" || user == "default") {
		if !sameSecret(pass, want) {
			return c.reply(appendError("WRONGPASS invalid username-password pair or user is disabled."))
		}
		key.cred = c.l.p.own
		if c.own != nil && key.cred != c.set.key.cred {
			return c.reply(appendError("ERR the user cannot change back now: the connection is watching or subscribed"))
		}
		return c.speak(key, func() {
			c.admit()
			then()
		})
	}
	key.cred = credentials{user, pass}
	ask := key.cred.authArgs()
	if c.own != nil && proto != c.proto() {
		ask = []string{"HELLO", itoa(proto), "AUTH", key.cred.userName(), pass}
	}
	return c.change(key, ask, func() {
		c.admit()
		then()
	})
}

func (c *client) admit() {
	c.authenticated = true
	c.requests.Unauthenticated = false
}

// speak moves the session to a key of which only the protocol may be new to its
// own connection. Where it has none the next request finds or makes one.
func (c *client) speak(key sessionKey, then func()) bool {
	if c.own != nil && key != c.set.key {
		return c.change(key, []string{"HELLO", itoa(key.proto)}, then)
	}
	c.use(key)
	then()
	return true
}

// change moves the session to another key once the master has agreed to it:
// the request asks on a connection of that key, and what it answers decides. A
// connection of the session's own is changed itself, since what it watches and
// has subscribed to stays with it.
func (c *client) change(key sessionKey, ask []string, then func()) bool {
	ln := c.own
	if ln == nil {
		ln = c.l.lanes(key).master
	}
	c.changing = true
	finish := func() {
		c.changing = false
		c.l.wake(c)
	}
	x := &extra{
		onFail: finish,
		onReply: func(frame []byte) ([]byte, bool) {
			finish()
			if frame[0] == '-' || c.closed {
				return nil, false
			}
			if c.own != nil {
				c.own.join(c.l.lanes(key))
			}
			c.use(key)
			then()
			return nil, true
		},
	}
	c.put(ln, entry{client: c, want: 1, kind: kindRead, extra: x}, resp.AppendCommand(nil, ask...))
	return true
}

// hello is HELLO [protover [AUTH user pass] [SETNAME name]].
func (c *client) hello(args [][]byte) bool {
	if c.pending > 0 {
		return false
	}
	proto := c.proto()
	if len(args) > 1 {
		v, okay := integer(args[1])
		switch {
		case !okay:
			return c.reply(appendError("ERR Protocol version is not an integer or out of range"))
		case v != 2 && v != 3:
			return c.reply(appendError("NOPROTO unsupported protocol version"))
		}
		proto = int(v)
	}
	var user, pass, name []byte
	for i := 2; i < len(args); i++ {
		switch left := len(args) - i - 1; {
		case is(args[i], "auth") && left >= 2:
			user, pass = args[i+1], args[i+2]
			i += 2
		case is(args[i], "setname") && left >= 1:
			name = args[i+1]
			if !validName(name) {
				return c.reply(badName)
			}
			i++
		default:
			return c.reply(appendError("ERR Syntax error in HELLO option '" + string(args[i]) + "'"))
		}
	}
	newName, hasName := string(name), name != nil
	then := func() {
		if hasName {
			c.name = newName
		}
		c.write(c.greeting())
	}
	if user != nil {
		return c.login(string(user), string(pass), proto, then)
	}
	if !c.authenticated {
		return c.reply(appendError("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"))
	}
	key := c.set.key
	key.proto = proto
	return c.speak(key, then)
}

// greeting is the reply to HELLO.
func (c *client) greeting() []byte {
	b := resp.AppendMap(nil, c.proto(), 7)
	text := func(name, value string) {
		b = resp.AppendBulkString(b, name)
		b = resp.AppendBulkString(b, value)
	}
	text("server", "redis")
	text("version", conf.RedisVersion)
	b = resp.AppendInt(resp.AppendBulkString(b, "proto"), int64(c.proto()))
	b = resp.AppendInt(resp.AppendBulkString(b, "id"), c.id)
	text("mode", "standalone")
	text("role", "master")
	return resp.AppendArray(resp.AppendBulkString(b, "modules"), 0)
}
