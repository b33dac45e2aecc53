package backend

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/internal/commands"
)

// clientsByID lists the clients from the oldest on.
func (n *Node) clientsByID() []*session {
	all := make([]*session, 0, len(n.clients))
	for _, c := range n.clients {
		all = append(all, c)
	}
	return byID(all)
}

func byID(all []*session) []*session {
	slices.SortFunc(all, func(a, b *session) int { return int(a.id - b.id) })
	return all
}

// describe is the session's line of CLIENT LIST.
func (s *session) describe() string {
	if s.far != nil {
		return s.line(s.far.fd(), 0, s.far.flags, s.far.cmd, s.far.unsent, s.far.unsent)
	}
	cmd := "NULL"
	if s.last != nil {
		cmd = s.last.cmd.Full
	}
	free := 0 // is known to the client's own loop
	if s.conn.Loop() == s.node.loop {
		s.count()
		free = max(0, s.conn.Unread()-s.unread)
	}
	return s.line(s.conn.Fd(), free, s.letters(), cmd, s.unsent.Load(), s.memory.Load())
}

func (s *session) line(fd, free int, flags, cmd string, unsent, memory int64) string {
	sub, psub, ssub, multi, events := 0, 0, 0, -1, "r"
	if s.subs != nil {
		sub, psub, ssub = len(s.subs.to[channels]), len(s.subs.to[patterns]), len(s.subs.to[shards])
	}
	if s.multi != nil {
		multi = len(s.multi.requests)
	}
	if unsent > 0 {
		events = "rw"
	}
	now := time.Now().UnixMilli()
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d"+
		" qbuf=%d qbuf-free=%d argv-mem=0 multi-mem=%d rbs=0 rbp=0 obl=0 oll=%d omem=%d tot-mem=%d events=%s cmd=%s user=%s redir=%d resp=%d lib-name=%s lib-ver=%s",
		s.id, s.addr, s.localAddr, fd, s.name, (now-s.created)/1000, (now-s.lastActive)/1000, flags, s.db, sub, psub, ssub, multi,
		s.unread, free, s.queuedBytes(), boolInt(unsent > 0), unsent, memory, events, cmd, s.userName(), s.redirection(), s.proto, s.libs[0], s.libs[1])
}

// letters are the flags of CLIENT LIST.
func (s *session) letters() string {
	var b strings.Builder
	_, monitors := s.node.monitors[s]
	for _, f := range []struct {
		letter byte
		on     bool
	}{{'O', monitors}, {'P', s.subs != nil}, {'x', s.multi != nil}, {'b', s.waiting != nil}, {'d', s.watch.broken},
		{'c', s.closing}, {'e', s.noEvict}, {'T', s.noTouch}} {
		if f.on {
			b.WriteByte(f.letter)
		}
	}
	b.WriteString(s.tracker.letters())
	if b.Len() == 0 {
		return "N"
	}
	return b.String()
}

func (s *session) queuedBytes() int {
	if s.multi == nil {
		return 0
	}
	return s.multi.bytes
}

func clientList(s *session, x *commands.Ctx) {
	match := func(*session) bool { return true }
	switch {
	case len(x.Args) == 4 && strings.EqualFold(string(x.Args[2]), "type"):
		test, problem := ofType(string(x.Args[3]))
		if problem != "" {
			x.Err(problem)
			return
		}
		match = test
	case len(x.Args) > 3 && strings.EqualFold(string(x.Args[2]), "id"):
		ids := make(map[int64]bool)
		for _, word := range x.Args[3:] {
			id, err := strconv.ParseInt(string(word), 10, 64)
			if err != nil {
				x.Err("ERR Invalid client ID")
				return
			}
			ids[id] = true
		}
		match = func(c *session) bool { return ids[c.id] }
	case len(x.Args) != 2:
		x.Err(errSyntax)
		return
	}
	var b strings.Builder
	for _, c := range byID(append(s.node.clientsByID(), s.node.peers()...)) {
		if match(c) {
			b.WriteString(c.describe())
			b.WriteByte('\n')
		}
	}
	x.Out = appendText(x, b.String())
}

// ofType tests for a type of client.
func ofType(name string) (test func(*session) bool, problem string) {
	switch strings.ToLower(name) {
	case "normal":
		return func(c *session) bool { return c.subs == nil && c.far == nil }, ""
	case "pubsub":
		return func(c *session) bool { return c.subs != nil }, ""
	case "master":
		return func(c *session) bool { return c.far != nil && c.far.flags == masterFlag }, ""
	case "replica", "slave":
		return func(c *session) bool { return c.far != nil && c.far.flags == replicaFlag }, ""
	}
	return nil, "ERR Unknown client type '" + name + "'"
}

// clientKill takes the old form, an address, and the new one, filters.
func clientKill(s *session, x *commands.Ctx) {
	if len(x.Args) == 3 {
		addr := string(x.Args[2])
		match := func(c *session) bool { return c.addr == addr }
		if s.node.killClients(s, match)+s.node.killPeers(match) == 0 {
			x.Err("ERR No such client")
			return
		}
		x.OK()
		return
	}
	f, problem := killFilter(s, x.Args[2:])
	if problem != "" {
		x.Err(problem)
		return
	}
	x.Int(int64(s.node.killClients(s, f.match) + s.node.killPeers(f.match)))
}

// filter is what CLIENT KILL kills.
type filter struct {
	tests []func(*session) bool
	spare *session // SKIPME: the caller
}

func (f *filter) match(c *session) bool {
	if c == f.spare {
		return false
	}
	for _, test := range f.tests {
		if !test(c) {
			return false
		}
	}
	return true
}

func killFilter(s *session, options [][]byte) (f filter, problem string) {
	f.spare = s
	if len(options)%2 != 0 {
		return f, errSyntax
	}
	for i := 0; i < len(options); i += 2 {
		if problem := f.option(s, strings.ToLower(string(options[i])), string(options[i+1])); problem != "" {
			return f, problem
		}
	}
	return f, ""
}

func (f *filter) option(s *session, name, value string) (problem string) {
	test := func(*session) bool { return true }
	switch name {
	case "id":
		id, err := strconv.ParseInt(value, 10, 64)
		if err != nil || id <= 0 {
			return "ERR client-id should be greater than 0"
		}
		test = func(c *session) bool { return c.id == id }
	case "addr":
		test = func(c *session) bool { return c.addr == value }
	case "laddr":
		test = func(c *session) bool { return c.localAddr == value }
	case "user":
		user := s.node.users.Find(value)
		if user == nil {
			return "ERR No such user '" + value + "'"
		}
		test = func(c *session) bool { return c.user == user }
	case "type":
		if test, problem = ofType(value); problem != "" {
			return problem
		}
	case "skipme":
		switch strings.ToLower(value) {
		case "yes":
			f.spare = s
		case "no":
			f.spare = nil
		default:
			return errSyntax
		}
	default:
		return errSyntax
	}
	f.tests = append(f.tests, test)
	return ""
}

// killClients closes the clients that match, each on its own loop; the caller
// itself only after its reply. The others are gone from all lists at once.
func (n *Node) killClients(caller *session, match func(*session) bool) (killed int) {
	for _, c := range n.clients {
		if c.closing || !match(c) {
			continue
		}
		killed++
		c.closing = true
		if c != caller {
			c.forget()
			c.conn.Loop().Post(c.conn.Close)
		}
	}
	return killed
}
