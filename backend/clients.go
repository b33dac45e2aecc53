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
	slices.SortFunc(all, func(a, b *session) int { return int(a.id - b.id) })
	return all
}

// describe is the session's line of CLIENT LIST.
func (s *session) describe() string {
	sub, psub, ssub, multi, cmd := 0, 0, 0, -1, "NULL"
	if s.subs != nil {
		sub, psub, ssub = len(s.subs.to[channels]), len(s.subs.to[patterns]), len(s.subs.to[shards])
	}
	if s.multi != nil {
		multi = len(s.multi.requests)
	}
	if s.last != nil {
		cmd = s.last.cmd.Full
	}
	free := 0 // is known to the client's own loop
	if s.conn.Loop() == s.node.loop {
		s.count()
		free = max(0, s.conn.Unread()-s.unread)
	}
	unsent, events := s.unsent.Load(), "r"
	if unsent > 0 {
		events = "rw"
	}
	now := time.Now().UnixMilli()
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d"+
		" qbuf=%d qbuf-free=%d argv-mem=0 multi-mem=%d rbs=0 rbp=0 obl=0 oll=%d omem=%d tot-mem=%d events=%s cmd=%s user=%s redir=%d resp=%d lib-name=%s lib-ver=%s",
		s.id, s.addr, s.localAddr, s.conn.Fd(), s.name, (now-s.created)/1000, (now-s.lastActive)/1000, s.letters(), s.db, sub, psub, ssub, multi,
		s.unread, free, s.queuedBytes(), boolInt(unsent > 0), unsent, s.memory.Load(), events, cmd, s.user.Name(), s.redirection(), s.proto, s.libs[0], s.libs[1])
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
	for _, c := range s.node.clientsByID() {
		if match(c) {
			b.WriteString(c.describe())
			b.WriteByte('\n')
		}
	}
	x.Out = appendText(x, b.String())
}

// ofType tests for a type of client. Masters and replicas have no session: they
// are served by goroutines.
func ofType(name string) (test func(*session) bool, problem string) {
	switch strings.ToLower(name) {
	case "normal":
		return func(c *session) bool { return c.subs == nil }, ""
	case "pubsub":
		return func(c *session) bool { return c.subs != nil }, ""
	case "master", "replica", "slave":
		return func(*session) bool { return false }, ""
	}
	return nil, "ERR Unknown client type '" + name + "'"
}

// clientKill takes the old form, an address, and the new one, filters.
func clientKill(s *session, x *commands.Ctx) {
	if len(x.Args) == 3 {
		addr := string(x.Args[2])
		if s.node.killClients(s, func(c *session) bool { return c.addr == addr })+s.node.killMaster(addr) == 0 {
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
	killed := s.node.killClients(s, f.match)
	x.Int(int64(killed + s.node.killPeers(f.kind)))
}

// filter is what CLIENT KILL kills.
type filter struct {
	tests []func(*session) bool
	kind  string   // TYPE
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
		f.kind = strings.ToLower(value)
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

// killPeers breaks the replication connections of a type.
func (n *Node) killPeers(kind string) (killed int) {
	switch kind {
	case "replica", "slave":
		killed = len(n.feeds.Replicas())
		n.feeds.DropAll("CLIENT KILL")
	case "master":
		return n.killMaster(n.standing.master)
	}
	return killed
}

// killMaster breaks the link to the master if that is at addr.
func (n *Node) killMaster(addr string) (killed int) {
	if addr != n.standing.master || !n.linkUp() {
		return 0
	}
	n.background(n.restartLink)
	return 1
}
