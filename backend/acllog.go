package backend

import (
	"strconv"
	"strings"
	"time"

	"holdfast/backend/acl"
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

// noteDenial writes a refused request into the log.
func (n *Node) noteDenial(s *session, c *command.Command, args [][]byte, d acl.Denial, where acl.Context) {
	object := c.Full
	if d.Reason != acl.DeniedCommand {
		object = string(args[d.Arg])
	}
	n.noteRefusal(acl.Entry{Reason: d.Reason, Context: where, Object: object, User: s.user.Name(), Client: s.describe(), Created: n.now})
}

func (n *Node) noteFailedLogin(s *session, command, name []byte) {
	where := acl.TopLevel
	if s.multi != nil {
		where = acl.InMulti
	}
	n.noteRefusal(acl.Entry{Reason: acl.DeniedAuth, Context: where, Object: string(command), User: string(name), Client: s.describe(), Created: n.now})
}

// noteFailedLogin is for the control port, which waits for nobody: a node that is
// busy notes nothing.
func (s *controlSession) noteFailedLogin(command, name []byte) {
	if n := s.node; n.mu.TryLock() {
		defer n.mu.Unlock()
		n.noteRefusal(acl.Entry{Reason: acl.DeniedAuth, Object: string(command), User: string(name), Client: "addr=" + s.addr + " control-port",
			Created: time.Now().UnixMilli()})
	}
}

func (n *Node) noteRefusal(e acl.Entry) {
	n.stats.denied[e.Reason]++
	n.denials.Add(e, n.cfg().ACLLogMaxLen)
}

func aclLog(s *session, x *commands.Ctx) {
	n, count := s.node, 10
	switch {
	case len(x.Args) > 3:
		x.Err(errUnknownSub("ACL", clip(x.Args[1])))
		return
	case len(x.Args) == 3 && strings.EqualFold(string(x.Args[2]), "reset"):
		n.denials.Reset()
		x.OK()
		return
	case len(x.Args) == 3:
		v, err := strconv.Atoi(string(x.Args[2]))
		if err != nil {
			x.Err(errNotInt)
			return
		}
		count = v
	}
	entries := n.denials.Newest(count)
	x.Array(len(entries))
	for i := range entries {
		describeEntry(x, &entries[i], n.now)
	}
}

func describeEntry(x *commands.Ctx, e *acl.Entry, now int64) {
	x.Map(10)
	number := func(name string, v int64) { x.BulkString(name); x.Int(v) }
	text := func(name, v string) { x.BulkString(name); x.BulkString(v) }
	number("count", e.Count)
	text("reason", e.Reason.String())
	text("context", e.Context.String())
	text("object", e.Object)
	text("username", e.User)
	x.BulkString("age-seconds")
	x.Double(float64(max(0, now-e.Updated)) / 1000)
	text("client-info", e.Client)
	number("entry-id", e.ID)
	number("timestamp-created", e.Created)
	number("timestamp-last-updated", e.Updated)
}
