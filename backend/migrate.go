package backend

import (
	"net"
	"strconv"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/migrate"
	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/store"
	"holdfast/backend/resp"
)

var migrateRows = []row{{"migrate", migrateKeys}}

// A migration sends keys to another server and deletes them here once it has
// them. Redis stands still meanwhile. A node does not: what is sent is copied
// under the engine lock, a goroutine talks to the target, and a key that was
// changed meanwhile is sent again. If that happens too often, writes are paused
// for the last attempt. So
//
//  1. a key is deleted here only if the target has acknowledged exactly what is
//     deleted, and
//  2. no wait for the target is longer than the timeout of the request.
type migration struct {
	n         *Node
	db        int           // ours
	batch     migrate.Batch // to whom, and how; its requests are those of keys
	copies    bool          // COPY: the keys stay here
	replace   bool
	keys      []*migrant
	pauses    bool   // writes are paused for us
	refused   error  // why a key cannot go; the target's first error reply
	committed uint64 // the offset behind what was deleted here
}

// migrant is a key on its way.
type migrant struct {
	key     string
	request []string // that makes the target's key what ours was; nil: nothing is to be sent
	guard   *session // watches our key since then
	sent    bool     // the target has acknowledged some request for it
}

// migrationRounds bounds how often changed keys are sent again before writes are
// paused.
const migrationRounds = 8

func migrateKeys(s *session, x *commands.Ctx) {
	m := &migration{n: s.node, db: s.db}
	if !m.parse(x) {
		return
	}
	if !x.CanWait {
		x.Err("ERR MIGRATE waits for another server, which is not possible inside a transaction or a script")
		return
	}
	n := s.node
	for _, k := range m.keys {
		m.take(k)
	}
	m.drop(func(k *migrant) bool { return k.request == nil })
	if len(m.keys) == 0 {
		x.Simple("NOKEY")
		return
	}
	w := &waiter{}
	s.waiting = w
	s.batch.replies--
	n.background(func() {
		reply := m.run()
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, k := range m.keys {
			k.guard.unwatch()
		}
		if s.waiting == w {
			s.unblock()
			s.lastWrite = max(s.lastWrite, m.committed)
			s.reply(reply, m.committed)
			s.conn.Loop().Post(s.resume)
		}
	})
}

// parse reads MIGRATE host port key|"" db timeout [COPY] [REPLACE] [AUTH password |
// AUTH2 user password] [KEYS key…].
func (m *migration) parse(x *commands.Ctx) bool {
	words := texts(x.Args)
	keys := words[3:4]
	for i := 6; i < len(words); i++ {
		left := len(words) - i - 1
		switch word := words[i]; {
		case equalFold(word, "copy"):
			m.copies = true
		case equalFold(word, "replace"):
			m.replace = true
		case equalFold(word, "auth") && left >= 1:
			m.batch.Auth = append([]string{"AUTH"}, words[i+1])
			i++
		case equalFold(word, "auth2") && left >= 2:
			m.batch.Auth = append([]string{"AUTH"}, words[i+1:i+3]...)
			i += 2
		case equalFold(word, "keys"):
			if words[3] != "" {
				x.Err("ERR When using MIGRATE KEYS option, the key argument must be set to the empty string")
				return false
			}
			keys = words[i+1:]
			i = len(words)
		default:
			x.Err(errSyntax)
			return false
		}
	}
	ms, err := strconv.ParseInt(words[5], 10, 64)
	_, err2 := strconv.ParseInt(words[4], 10, 64)
	if err != nil || err2 != nil {
		x.Err("ERR value is not an integer or out of range")
		return false
	}
	if ms <= 0 {
		ms = 1000
	}
	m.batch.Addr, m.batch.DB, m.batch.Timeout = net.JoinHostPort(words[1], words[2]), words[4], untilMilli(ms, 0)
	for _, key := range keys {
		m.keys = append(m.keys, &migrant{key: key})
	}
	return true
}

// take copies a key as it is now, and watches it from here on. A key that is gone
// leaves nothing to do, unless the target has it: there it is to go too. The engine
// lock is held.
func (m *migration) take(k *migrant) {
	if k.guard != nil {
		k.guard.unwatch()
	}
	k.guard = &session{node: m.n}
	k.request = nil
	db, key := m.n.store.DB(m.db), []byte(k.key)
	v, ok := db.Value(key)
	if !ok {
		if k.sent {
			k.request = []string{"DEL", k.key}
		}
		return
	}
	payload, err := rdb.AppendDump(nil, v)
	if err != nil {
		m.refused = err
		return
	}
	ttl := int64(0)
	if expire, _ := db.ExpireOf(key); expire != store.NoExpire {
		ttl = max(expire-m.n.now, 1)
	}
	k.request = []string{"RESTORE", k.key, strconv.FormatInt(ttl, 10), string(payload)}
	if m.replace || k.sent {
		k.request = append(k.request, "REPLACE")
	}
	k.guard.watchKey(dbKey{m.db, k.key})
}

// drop takes the keys that are done with out of the migration.
func (m *migration) drop(done func(*migrant) bool) {
	kept := m.keys[:0]
	for _, k := range m.keys {
		if !done(k) {
			kept = append(kept, k)
		} else if k.guard != nil {
			k.guard.unwatch()
		}
	}
	m.keys = kept
}

// run sends the keys until the target has all of them as they are here, and returns
// the reply.
func (m *migration) run() []byte {
	defer m.resumeWrites()
	for round := 1; ; round++ {
		acknowledged, err := m.send()
		if !m.settle(acknowledged) {
			return resp.AppendError(nil, readOnlyText)
		}
		switch {
		case m.refused != nil:
			return resp.AppendError(nil, "ERR Target instance replied with error: "+m.refused.Error())
		case err != nil:
			return resp.AppendError(nil, err.Error())
		case len(m.keys) == 0:
			return []byte("+OK\r\n")
		case round == migrationRounds:
			m.pauseWrites()
		case round > migrationRounds:
			return resp.AppendError(nil, "IOERR the keys change faster than they can be sent")
		}
	}
}

// send sends what there is to send and returns the keys that the target has
// acknowledged.
func (m *migration) send() (acknowledged []*migrant, err error) {
	m.batch.Requests = nil
	for _, k := range m.keys {
		m.batch.Requests = append(m.batch.Requests, k.request)
	}
	answer, err := m.n.targets.Send(m.n.life, &m.batch)
	for _, i := range answer.Acknowledged {
		acknowledged = append(acknowledged, m.keys[i])
	}
	if answer.Refused != nil {
		m.refused = answer.Refused
	}
	return acknowledged, err
}

// settle deletes the keys that the target has as they are here, and takes the others
// anew. It is false when this node is no longer the one to delete them.
func (m *migration) settle(acknowledged []*migrant) bool {
	n := m.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.unit.leads || !n.standing.serving || n.ending {
		return false
	}
	n.tick()
	deleted := [][]byte{delWord}
	n.unit.begin()
	for _, k := range acknowledged {
		k.sent = true
		key := []byte(k.key)
		switch {
		case k.request[0] == "DEL" && !n.store.DB(m.db).Has(key), m.copies:
			k.request = nil // done
		case k.request[0] != "DEL" && !k.guard.watchBroken():
			n.store.DB(m.db).Delete(key)
			n.event(commands.Generic, "del", m.db, key)
			n.dirty++
			deleted = append(deleted, key)
			k.request = nil
		default:
			m.take(k)
		}
	}
	if len(deleted) > 1 {
		n.unit.add(m.db, deleted)
	}
	m.committed = max(m.committed, n.unit.end())
	n.wakeReady()
	n.broadcast()
	if n.unit.publish() {
		n.stream.Wake()
	}
	m.drop(func(k *migrant) bool { return k.request == nil })
	return true
}

// pauseWrites holds writes back, unless somebody else does already.
func (m *migration) pauseWrites() {
	n := m.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if m.pauses = n.pause.until == 0; m.pauses {
		n.pauseClients(n.now+m.batch.Timeout.Milliseconds(), false)
	}
	for _, k := range m.keys {
		m.take(k)
	}
	m.drop(func(k *migrant) bool { return k.request == nil })
}

func (m *migration) resumeWrites() {
	if m.pauses {
		m.n.mu.Lock()
		defer m.n.mu.Unlock()
		m.n.unpause()
	}
}
