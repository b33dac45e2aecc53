package proxy

import (
	"net"
	"sort"
	"strconv"
	"strings"

	"holdfast/backend/resp"
)

// ask has every loop add its part to an answer and then gives the whole to c,
// which waits for it.
func (c *client) ask(part func(l *loop) []string, answer func(all []string)) bool {
	loops := c.l.p.allLoops()
	parts := make(chan []string, len(loops))
	for _, l := range loops {
		l.io.Post(func() { parts <- part(l) })
	}
	c.changing = true
	c.l.p.spawn(func() {
		var all []string
		for range loops {
			select {
			case some := <-parts:
				all = append(all, some...)
			case <-c.l.p.stop:
				return
			}
		}
		c.l.io.Post(func() {
			c.changing = false
			answer(all)
			c.l.wake(c)
		})
	})
	return true
}

// clientList is CLIENT LIST [TYPE type] [ID id …] over the clients of all loops.
func (c *client) clientList(args [][]byte) bool {
	if c.pending > 0 {
		return false
	}
	f, problem := parseList(args[2:])
	if problem != nil {
		return c.reply(problem)
	}
	return c.ask(func(l *loop) []string { return l.matching(f, (*client).describe) }, func(lines []string) {
		sort.Slice(lines, func(i, j int) bool { return lineID(lines[i]) < lineID(lines[j]) })
		text := ""
		if len(lines) > 0 {
			text = strings.Join(lines, "\n") + "\n"
		}
		c.reply(resp.AppendVerbatim(nil, c.proto(), "txt", text))
	})
}

func lineID(line string) int64 {
	id, _ := strconv.ParseInt(strings.TrimPrefix(line[:strings.IndexByte(line, ' ')], "id="), 10, 64)
	return id
}

// filter chooses clients, as CLIENT LIST and CLIENT KILL do. Empty fields match
// all.
type filter struct {
	ids               []int64
	addr, laddr, user string
	kind              string
	not               *client
}

func (f *filter) matches(c *client) bool {
	switch {
	case c == f.not,
		f.ids != nil && !hasID(f.ids, c.id),
		f.addr != "" && !sameAddr(c.conn.RemoteAddr(), f.addr),
		f.laddr != "" && !sameAddr(c.conn.LocalAddr(), f.laddr),
		f.user != "" && f.user != c.set.key.cred.userName(),
		f.kind != "" && f.kind != c.kindName():
		return false
	}
	return true
}

func (c *client) kindName() string {
	if c.subscriptions().count() > 0 {
		return "pubsub"
	}
	return "normal"
}

// integer reads a number as Redis does: in its shortest form only.
func integer(b []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == string(b)
}

func hasID(ids []int64, id int64) bool {
	for _, x := range ids {
		if x == id {
			return true
		}
	}
	return false
}

func sameAddr(a net.Addr, text string) bool { return a != nil && a.String() == text }

// matching applies what to the clients of this loop that f chooses.
func (l *loop) matching(f filter, what func(*client) string) []string {
	var all []string
	for _, c := range l.clients {
		if f.matches(c) {
			all = append(all, what(c))
		}
	}
	return all
}

func parseList(args [][]byte) (f filter, problem []byte) {
	switch {
	case len(args) == 0:
		return f, nil
	case is(args[0], "type") && len(args) == 2:
		f.kind, problem = parseKind(args[1])
		return f, problem
	case is(args[0], "id") && len(args) > 1:
		for _, a := range args[1:] {
			id, okay := integer(a)
			if !okay {
				return f, appendError("ERR Invalid client ID")
			}
			f.ids = append(f.ids, id)
		}
		return f, nil
	}
	return f, errSyntax
}

func parseKind(word []byte) (string, []byte) {
	for _, k := range []string{"normal", "master", "replica", "slave", "pubsub"} {
		if is(word, k) {
			return k, nil
		}
	}
	return "", appendError("ERR Unknown client type '" + string(word) + "'")
}

// clientKill is CLIENT KILL addr, or CLIENT KILL with options.
func (c *client) clientKill(args [][]byte) bool {
	if c.pending > 0 {
		return false
	}
	old := len(args) == 3
	f := filter{not: c}
	var problem []byte
	if old {
		f = filter{addr: string(args[2])}
	} else if problem = f.parseKill(args[2:], c); problem != nil {
		return c.reply(problem)
	}
	kill := func(victim *client) string {
		if victim == c {
			c.leaving = true
			c.conn.CloseAfterWrite()
		} else {
			victim.conn.Close()
		}
		return ""
	}
	return c.ask(func(l *loop) []string { return l.matching(f, kill) }, func(killed []string) {
		switch {
		case !old:
			c.reply(resp.AppendInt(nil, int64(len(killed))))
		case len(killed) == 0:
			c.reply(appendError("ERR No such client"))
		default:
			c.reply(ok)
		}
	})
}

func (f *filter) parseKill(args [][]byte, self *client) []byte {
	if len(args)%2 != 0 {
		return errSyntax
	}
	for i := 0; i < len(args); i += 2 {
		value := string(args[i+1])
		switch {
		case is(args[i], "id"):
			id, okay := integer(args[i+1])
			if !okay || id <= 0 {
				return appendError("ERR client-id should be greater than 0")
			}
			f.ids = []int64{id}
		case is(args[i], "addr"):
			f.addr = value
		case is(args[i], "laddr"):
			f.laddr = value
		case is(args[i], "user"):
			f.user = value
		case is(args[i], "type"):
			kind, problem := parseKind(args[i+1])
			if problem != nil {
				return problem
			}
			f.kind = kind
		case is(args[i], "skipme") && is(args[i+1], "no"):
			f.not = nil
		case is(args[i], "skipme") && is(args[i+1], "yes"):
			f.not = self
		default:
			return errSyntax
		}
	}
	return nil
}
