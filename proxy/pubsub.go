package proxy

import (
	"bytes"
	"maps"
	"slices"

	"holdfast/backend/command"
	"holdfast/backend/resp"
)

// subscriptions are what a private connection delivers without being asked
// each time. They are the session's, not the connection's: another connection
// takes them over when this one is lost.
type subscriptions struct {
	sets     [3]map[string]struct{} // by subKind
	watching bool                   // MONITOR
	tracking []byte                 // the CLIENT TRACKING ON that holds; nil without
	lost     bool                   // the connection was lost since the last restore
}

type subKind int

const (
	channels subKind = iota
	patterns
	shards
)

var subscribeWords = [3]string{"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"}

// subscribeKinds tells what the six commands of this family do.
var subscribeKinds = map[string]struct {
	kind subKind
	add  bool
}{
	"subscribe": {channels, true}, "psubscribe": {patterns, true}, "ssubscribe": {shards, true},
	"unsubscribe": {channels, false}, "punsubscribe": {patterns, false}, "sunsubscribe": {shards, false},
}

// any tells whether anything is to be delivered.
func (s *subscriptions) any() bool {
	return s != nil && (s.count() > 0 || s.watching || s.tracking != nil)
}

func (s *subscriptions) count() int {
	if s == nil {
		return 0
	}
	return len(s.sets[channels]) + len(s.sets[patterns]) + len(s.sets[shards])
}

// subscribe queues a command of the SUBSCRIBE family. Every channel is answered
// by itself, so the number of replies is known; an UNSUBSCRIBE from everything
// is sent with the names, since on another connection there would be none.
func (c *client) subscribe(cmd *command.Command, args [][]byte) bool {
	if c.lane != nil && c.lane != c.own {
		return false
	}
	if !c.claim() {
		return true
	}
	if c.own.subs == nil {
		c.own.subs = &subscriptions{}
	}
	s, what := c.own.subs, subscribeKinds[cmd.Name]
	set := s.sets[what.kind]
	if set == nil {
		set = make(map[string]struct{})
		s.sets[what.kind] = set
	}
	names := make([]string, 0, len(args)) // outlives the request
	for _, name := range args[1:] {
		names = append(names, string(name))
	}
	if len(args) == 1 {
		names = slices.AppendSeq(names, maps.Keys(set))
	}
	for _, name := range names {
		if what.add {
			set[name] = struct{}{}
		} else {
			delete(set, name)
		}
	}
	want := int32(max(1, len(names)))
	x := &extra{want: want, onReply: func(frame []byte) ([]byte, bool) {
		if frame[0] == '-' && what.add { // not allowed to
			for _, name := range names {
				delete(set, name)
			}
			c.disown()
		}
		return nil, false
	}}
	request := resp.AppendCommand(nil, append([]string{cmd.Name}, names...)...)
	c.put(c.own, entry{client: c, cmd: cmd, want: want, kind: kindRead, extra: x, mute: c.muted()}, request)
	c.disown()
	return true
}

// monitor makes a monitor of the client's connection, for good.
func (c *client) monitor(frame []byte) bool {
	if c.lane != nil && c.lane != c.own {
		return false
	}
	if !c.claim() {
		return true
	}
	c.own.tainted = true
	if c.own.subs == nil {
		c.own.subs = &subscriptions{}
	}
	c.own.subs.watching = true
	return c.putPrivate(c.own, entry{want: 1, kind: kindRead}, frame)
}

// tracking is CLIENT TRACKING. Tracked keys belong to a connection, so the
// client keeps one to the master for all its commands.
func (c *client) tracking(args [][]byte, frame []byte) bool {
	if c.lane != nil && c.lane != c.own {
		return false
	}
	if hasWord(args, "redirect") {
		return c.reply(appendError("ERR CLIENT TRACKING with REDIRECT is not possible through a proxy; RESP3 needs none"))
	}
	if !c.claim() {
		return true
	}
	ln := c.own
	if ln.subs == nil {
		ln.subs = &subscriptions{}
	}
	request := append([]byte(nil), frame...)
	on := is(args[2], "on")
	x := &extra{onReply: func(reply []byte) ([]byte, bool) {
		if reply[0] != '-' && ln.subs != nil {
			ln.subs.tracking = nil
			if on {
				ln.subs.tracking = request
			}
		}
		c.disown()
		return nil, false
	}}
	return c.putPrivate(ln, entry{want: 1, kind: kindRead, extra: x}, frame)
}

// restore queues what brings a new connection to where the lost one was, ahead
// of all else in the lane.
func (s *subscriptions) restore(ln *lane) {
	if !s.lost {
		return
	}
	s.lost = false
	old := ln.q
	ln.q = queue{}
	for kind, set := range s.sets {
		if len(set) == 0 {
			continue
		}
		args := []string{subscribeWords[kind]}
		for name := range set {
			args = append(args, name)
		}
		ln.q.push(entry{want: int32(len(set)), kind: kindOwn, extra: &extra{}}, resp.AppendCommand(nil, args...))
	}
	if s.watching {
		ln.q.push(entry{want: 1, kind: kindOwn}, resp.AppendCommand(nil, "MONITOR"))
	}
	if s.tracking != nil {
		ln.q.push(entry{want: 1, kind: kindOwn}, s.tracking)
		if ln.owner != nil { // nobody knows what changed meanwhile
			ln.owner.write(forgetAll)
		}
	}
	old.each(func(e *entry, frame []byte, _ bool) { ln.q.push(*e, frame) })
}

// forgetAll is the invalidation of every key.
var forgetAll = []byte(">2\r\n$10\r\ninvalidate\r\n_\r\n")

// message takes what a subscriber's connection delivers and says whether it
// was that, and not the reply to a request that is no subscription.
func (s *subscriptions) message(k *link, frame []byte) bool {
	ln := k.lane
	switch frame[0] {
	case '>', '*':
		name := firstBulk(frame)
		switch string(name) {
		case "message", "pmessage", "smessage", "invalidate":
			ln.deliverMessage(frame)
			return true
		case "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe":
			if ln.q.inFlight() > 0 {
				k.answer(frame)
			} else {
				ln.deliverMessage(frame)
			}
			return true
		}
	case '+':
		if s.watching && len(frame) > 1 && frame[1] >= '0' && frame[1] <= '9' {
			ln.deliverMessage(frame)
			return true
		}
	}
	return false
}

func (ln *lane) deliverMessage(frame []byte) {
	if c := ln.owner; c != nil {
		c.write(frame)
		c.limitOutput()
	}
}

// firstBulk returns the first element of an aggregate if it is a bulk string.
func firstBulk(frame []byte) []byte {
	_, rest := cutLine(frame)
	size, rest := cutLine(rest)
	if len(size) == 0 || size[0] != '$' {
		return nil
	}
	end := bytes.IndexByte(rest, '\r')
	if end < 0 {
		return nil
	}
	return rest[:end]
}

// onlySubscriber tells whether the session speaks RESP2 and is subscribed, so
// that it may do little else.
func (c *client) onlySubscriber() bool {
	return c.proto() == 2 && c.own != nil && c.own.subs.count() > 0
}

// clientUnblock is CLIENT UNBLOCK: the node knows the blocked client by the
// number of its private connection.
func (c *client) clientUnblock(args [][]byte) bool {
	if c.pending > 0 {
		return false
	}
	if len(args) > 4 {
		return c.reply(appendError("ERR unknown subcommand or wrong number of arguments for '" + string(args[1]) + "'. Try CLIENT HELP."))
	}
	rest := []string{}
	if len(args) == 4 {
		if !is(args[3], "timeout") && !is(args[3], "error") {
			return c.reply(appendError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"))
		}
		rest = append(rest, string(args[3]))
	}
	id, okay := integer(args[2])
	if !okay {
		return c.reply(appendError("ERR value is not an integer or out of range"))
	}
	find := func(l *loop) []string {
		victim := l.clients[id]
		if victim == nil || victim.lane == nil || !victim.lane.private || victim.lane.link == nil {
			return nil
		}
		return []string{itoa(int(victim.lane.link.id))}
	}
	return c.ask(find, func(found []string) {
		if len(found) == 0 {
			c.reply(resp.AppendInt(nil, 0))
			return
		}
		request := append([]string{"CLIENT", "UNBLOCK", found[0]}, rest...)
		c.put(c.set.master, entry{client: c, want: 1, kind: kindRead}, resp.AppendCommand(nil, request...))
	})
}
