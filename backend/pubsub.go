package backend

import (
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/resp"
)

// kind is one of the three families of subscriptions.
type kind struct {
	message     string // of the push
	subscribe   string
	unsubscribe string
}

const (
	channels = iota
	patterns
	shards
)

var kinds = [...]kind{
	channels: {"message", "subscribe", "unsubscribe"},
	patterns: {"pmessage", "psubscribe", "punsubscribe"},
	shards:   {"smessage", "ssubscribe", "sunsubscribe"},
}

// subscriptions of one session; nil when it has none.
type subscriptions struct {
	to [len(kinds)]map[string]struct{}
}

func (u *subscriptions) count() int { return len(u.to[channels]) + len(u.to[patterns]) }

// audience knows who listens; part of the Node, under the engine lock. A
// pattern's listeners are looked through at every PUBLISH, as in Redis.
type audience [len(kinds)]map[string]map[*session]struct{}

func newAudience() (a audience) {
	for i := range a {
		a[i] = make(map[string]map[*session]struct{})
	}
	return a
}

var pubsubRows = []row{
	{"subscribe", subscribe(channels)},
	{"psubscribe", subscribe(patterns)},
	{"ssubscribe", subscribe(shards)},
	{"unsubscribe", unsubscribe(channels)},
	{"punsubscribe", unsubscribe(patterns)},
	{"sunsubscribe", unsubscribe(shards)},
	{"publish", publish(channels)},
	{"spublish", publish(shards)},
	{"pubsub|channels", listChannels(channels)},
	{"pubsub|shardchannels", listChannels(shards)},
	{"pubsub|numsub", countListeners(channels)},
	{"pubsub|shardnumsub", countListeners(shards)},
	{"pubsub|numpat", func(s *session, x *commands.Ctx) { x.Int(int64(len(s.node.audience[patterns]))) }},
}

func subscribe(of int) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		for _, name := range x.Args[1:] {
			s.listen(of, string(name))
			s.confirm(x, kinds[of].subscribe, name, of)
		}
		s.batch.replies += len(x.Args) - 2
	}
}

func (s *session) listen(of int, name string) {
	if s.subs == nil {
		s.subs = new(subscriptions)
		s.listens.Store(true)
	}
	if s.subs.to[of] == nil {
		s.subs.to[of] = make(map[string]struct{})
	}
	if _, known := s.subs.to[of][name]; known {
		return
	}
	s.subs.to[of][name] = struct{}{}
	s.keep(len(name), 1)
	who := s.node.audience[of]
	if who[name] == nil {
		who[name] = make(map[*session]struct{})
	}
	who[name][s] = struct{}{}
}

func unsubscribe(of int) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		names := x.Args[1:]
		if len(names) == 0 && s.subs != nil {
			for name := range s.subs.to[of] {
				names = append(names, []byte(name))
			}
		}
		if len(names) == 0 {
			s.confirm(x, kinds[of].unsubscribe, nil, of)
			return
		}
		for _, name := range names {
			s.unlisten(of, string(name))
			s.confirm(x, kinds[of].unsubscribe, name, of)
		}
		s.batch.replies += len(names) - 1
	}
}

func (s *session) unlisten(of int, name string) {
	if s.subs == nil {
		return
	}
	if _, known := s.subs.to[of][name]; !known {
		return
	}
	delete(s.subs.to[of], name)
	s.keep(len(name), -1)
	who := s.node.audience[of]
	delete(who[name], s)
	if len(who[name]) == 0 {
		delete(who, name)
	}
	if s.subs.count() == 0 && len(s.subs.to[shards]) == 0 {
		s.subs = nil
		s.listens.Store(false)
	}
}

func (s *session) unsubscribeAll() {
	if s.subs == nil {
		return
	}
	for of, names := range s.subs.to {
		for name := range names {
			s.unlisten(of, name)
		}
	}
}

// confirm tells a client about one of its subscriptions, with how many it has.
func (s *session) confirm(x *commands.Ctx, what string, name []byte, of int) {
	count := 0
	if s.subs != nil {
		count = s.subs.count()
		if of == shards {
			count = len(s.subs.to[shards])
		}
	}
	s.batch.pushed = true
	x.Out = resp.AppendPush(x.Out, s.proto, 3)
	x.BulkString(what)
	if name == nil {
		x.Null()
	} else {
		x.Bulk(name)
	}
	x.Int(int64(count))
}

func publish(of int) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		n := s.node
		heard := n.publish(of, x.Args[1], x.Args[2])
		if !n.muted {
			n.unit.add(x.DBNum, x.Args) // replicas have listeners of their own
		}
		x.Int(int64(heard))
	}
}

// publish delivers a message and returns how many clients got it.
func (n *Node) publish(of int, channel, message []byte) (heard int) {
	for s := range n.audience[of][string(channel)] {
		s.push(appendMessage(nil, s.proto, kinds[of].message, channel, message))
		heard++
	}
	if of == shards {
		return heard
	}
	for pattern, all := range n.audience[patterns] {
		if !command.Match([]byte(pattern), channel, false) {
			continue
		}
		for s := range all {
			s.push(appendMessage(nil, s.proto, kinds[patterns].message, []byte(pattern), channel, message))
			heard++
		}
	}
	return heard
}

func appendMessage(b []byte, proto int, what string, words ...[]byte) []byte {
	b = resp.AppendPush(b, proto, len(words)+1)
	b = resp.AppendBulkString(b, what)
	for _, w := range words {
		b = resp.AppendBulk(b, w)
	}
	return b
}

func listChannels(of int) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		if len(x.Args) > 3 {
			x.Err(errUnknownSub("PUBSUB", clip(x.Args[1])))
			return
		}
		var names []string
		for name := range s.node.audience[of] {
			if len(x.Args) < 3 || command.Match(x.Args[2], []byte(name), false) {
				names = append(names, name)
			}
		}
		x.Array(len(names))
		for _, name := range names {
			x.BulkString(name)
		}
	}
}

func countListeners(of int) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		names := x.Args[2:]
		x.Array(2 * len(names))
		for _, name := range names {
			x.Bulk(name)
			x.Int(int64(len(s.node.audience[of][string(name)])))
		}
	}
}
