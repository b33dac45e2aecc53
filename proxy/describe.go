package proxy

import (
	"fmt"
	"strings"
)

// describe is the client's line in CLIENT LIST, with every field of Redis 7.2,
// since programs look for them; what a proxy has none of is 0.
func (c *client) describe() string {
	now := c.l.p.clock.now()
	multi := -1
	if c.multi {
		multi = c.commands
	}
	var sub [3]int
	redirection := -1
	if s := c.subscriptions(); s != nil {
		for kind, set := range s.sets {
			sub[kind] = len(set)
		}
		if s.tracking != nil {
			redirection = 0 // to itself
		}
	}
	unread, unsent, list, events := c.conn.Unread(), c.conn.Unsent(), 0, "r"
	if unsent > 0 {
		list, events = 1, "rw"
	}
	cmd := "NULL"
	if c.last != nil {
		cmd = c.last.Full
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d"+
		" qbuf=%d qbuf-free=0 argv-mem=0 multi-mem=%d rbs=0 rbp=0 obl=0 oll=%d omem=%d tot-mem=%d events=%s cmd=%s user=%s redir=%d resp=%d lib-name=%s lib-ver=%s",
		c.id, c.conn.RemoteAddr(), c.conn.LocalAddr(), c.conn.Fd(), c.name, (now-c.born)/1000, (now-c.active)/1000, c.letters(),
		c.set.key.db, sub[channels], sub[patterns], sub[shards], multi,
		unread, len(c.frames), list, unsent, unread+len(c.frames)+unsent, events, cmd, c.set.key.cred.userName(), redirection, c.proto(), c.libName, c.libVersion)
}

// letters are the flags of CLIENT LIST.
func (c *client) letters() string {
	s := c.subscriptions()
	var b strings.Builder
	for _, f := range []struct {
		letter byte
		on     bool
	}{{'O', s != nil && s.watching}, {'P', s.count() > 0}, {'x', c.multi}, {'b', c.blocked()}, {'d', c.unseen}, {'t', s != nil && s.tracking != nil}} {
		if f.on {
			b.WriteByte(f.letter)
		}
	}
	if b.Len() == 0 {
		return "N"
	}
	return b.String()
}

// subscriptions are those of the session; nil without a lane of its own.
func (c *client) subscriptions() *subscriptions {
	if c.own == nil {
		return nil
	}
	return c.own.subs
}

// blocked tells whether the command whose reply is next may block.
func (c *client) blocked() bool {
	return c.lane != nil && c.lane.private && c.lane.q.len() > 0 && c.lane.q.peek().kind == kindBlocking
}
