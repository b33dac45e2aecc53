package backend

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/repl"
	"holdfast/backend/netio/process"
	"holdfast/backend/resp"
)

// nativeRows are the commands of the native protocol on the data port.
var nativeRows = []row{
	{"holdfast|hello", nativeHello},
	{"holdfast|epoch", nativeEpoch},
	{"holdfast|link", nativeLink},
	{"holdfast|linkpos", nativeLinkPos},
}

// nativeHello tells what this node is. With PROXY the connection becomes a
// native link.
func nativeHello(s *session, x *commands.Ctx) {
	switch {
	case string(x.Args[2]) != "1":
		x.Err("ERR this node speaks version 1 of the native protocol, not '" + clip(x.Args[2]) + "'")
		return
	case len(x.Args) > 5 || len(x.Args) >= 4 && string(x.Args[3]) != "PROXY" || len(x.Args) == 5 && string(x.Args[4]) != "STRONG":
		x.Err("ERR syntax error: HOLDFAST HELLO 1 [PROXY [STRONG]]")
		return
	}
	x.Out = s.node.appendHello(x.Out)
	if len(x.Args) >= 4 {
		s.native, s.strong = true, len(x.Args) == 5
		s.batch.from = len(x.Out) // the peer expects frames behind this reply
	}
}

func nativeEpoch(s *session, x *commands.Ctx) {
	p := s.node.pair()
	x.Array(2)
	x.Int(int64(p.epoch))
	x.Int(int64(p.offset))
}

// pairs appends a flat array of names and values.
type pairs struct{ out []byte }

func openPairs(out []byte, n int) *pairs {
	return &pairs{out: resp.AppendArray(out, 2*n)}
}

func (p *pairs) text(name, value string) {
	p.out = resp.AppendBulkString(resp.AppendBulkString(p.out, name), value)
}

func (p *pairs) number(name string, value uint64) {
	p.out = resp.AppendInt(resp.AppendBulkString(p.out, name), int64(value))
}

func (p *pairs) flag(name string, value bool) {
	if value {
		p.number(name, 1)
	} else {
		p.number(name, 0)
	}
}

func (n *Node) appendHello(out []byte) []byte {
	st := n.seen.Load()
	p := openPairs(out, 7)
	p.number("version", 1)
	p.text("run-id", n.runID)
	p.number("control-port", uint64(n.control.port()))
	p.text("role", st.role.String())
	p.flag("managed", st.managed)
	p.text("group", st.Group)
	p.text("process", process.Name())
	return p.out
}

func (n *Node) appendPosition(out []byte, at position) []byte {
	p := openPairs(out, 5)
	p.text("run-id", n.runID)
	p.text("incarnation", n.incarnation())
	p.number("promised-epoch", at.promised)
	p.number("data-epoch", at.epoch)
	p.number("offset", at.offset)
	return p.out
}

// probe answers the leader's probe. It takes no engine lock but to open a
// barrier that has become ready.
func (s *controlSession) probe(group string, epoch, version uint64, lease []string) error {
	n := s.node
	st := n.seen.Load()
	if st.Group != "" && st.Group != group {
		return errWrongGroup
	}
	if len(lease) == 2 && epoch == st.acted && st.role == roleMaster {
		ms, err := strconv.ParseUint(lease[1], 10, 32)
		if err != nil {
			return fmt.Errorf("ERR HOLDFAST PROBE: %q is no lease in milliseconds", lease[1])
		}
		n.grant(lease[0], time.Duration(ms)*time.Millisecond)
	}
	if version > 0 && epoch == st.acted {
		if n.confirm.Commit(version) {
			n.tellSoon()
		}
		n.openBarrier()
		st = n.seen.Load()
	}
	status := n.linkStatus()
	current, pending, ready := n.confirm.Version()
	h := n.stream.History()
	p := openPairs(s.out, 20)
	p.text("run-id", n.runID)
	p.text("incarnation", n.incarnation())
	p.text("group", st.Group)
	p.number("promised-epoch", st.Epoch)
	p.number("data-epoch", h.DataEpoch())
	p.number("offset", n.stream.Published())
	p.text("role", st.role.String())
	p.flag("serving", st.serving)
	p.text("replid", h.ID)
	p.text("master-addr", st.master)
	p.text("link", linkWord(status))
	p.number("priority", uint64(n.cfg().ReplicaPriority))
	p.flag("loading", status.State == repl.LinkSync || n.loading.Load())
	p.number("write-acks", uint64(n.cfg().WriteAcks))
	p.number("holders-version", current)
	p.number("holders-pending", pending)
	p.flag("holders-ready", ready)
	p.text("nonce", n.nonce())
	p.text("addr", n.announced())
	p.out = resp.AppendBulkString(p.out, "replicas")
	s.out = n.appendReplicas(p.out)
	return nil
}

func linkWord(s repl.LinkStatus) string {
	switch s.State {
	case repl.LinkConnected:
		return "up"
	case repl.LinkSync:
		return "sync"
	case "":
		return "none"
	}
	return "down"
}

// announced is the address under which others find this node; empty host: the
// one they reached it at.
func (n *Node) announced() string {
	cfg := n.cfg()
	return net.JoinHostPort(cfg.ReplicaAnnounceIP, strconv.Itoa(n.announcedPort()))
}

func (n *Node) announcedPort() int {
	cfg := n.cfg()
	if cfg.ReplicaAnnouncePort != 0 {
		return cfg.ReplicaAnnouncePort
	}
	if cfg.TLS.Outgoing && cfg.TLS.Port != 0 { // who comes to us, comes by TLS
		return cfg.TLS.Port
	}
	return cfg.Port
}

func (n *Node) appendReplicas(out []byte) []byte {
	all := n.feeds.Replicas()
	out = resp.AppendArray(out, len(all))
	for _, r := range all {
		out = resp.AppendArray(out, 6)
		out = resp.AppendBulkString(out, net.JoinHostPort(r.IP, strconv.Itoa(r.Port)))
		out = resp.AppendBulkString(out, r.RunID)
		out = resp.AppendBulkString(out, r.Incarnation)
		out = resp.AppendInt(out, int64(r.Offset))
		out = resp.AppendBulkString(out, string(r.State))
		out = resp.AppendInt(out, r.Lag.Milliseconds())
	}
	return out
}

// pair is what a session's position is measured in.
type pair struct{ epoch, offset uint64 }

func (p pair) less(q pair) bool {
	return p.epoch < q.epoch || p.epoch == q.epoch && p.offset < q.offset
}

func (n *Node) pair() pair {
	return pair{n.stream.History().DataEpoch(), n.stream.Offset()}
}

// insertPair puts the frame with the node's position in front of the replies
// that were appended since start, unless the link knows it already.
func (n *Node) insertPair(s *session, out []byte, start int) []byte {
	now := n.pair()
	if now == s.reported || len(out) == start {
		return out
	}
	s.reported = now
	var frame [64]byte
	f := append(frame[:0], ">3\r\n+hfp\r\n"...)
	f = resp.AppendInt(f, int64(now.epoch))
	f = resp.AppendInt(f, int64(now.offset))
	out = append(out, f...)
	copy(out[start+len(f):], out[start:len(out)-len(f)])
	copy(out[start:], f)
	return out
}

// acknowledgements are the frames that tell a native link which replica has
// confirmed what, ahead of the replies which that released.
func (n *Node) acknowledgements() []byte {
	epoch := n.stream.History().DataEpoch()
	var out []byte
	for _, r := range n.feeds.Replicas() {
		if r.RunID == "" || r.State != repl.FeedOnline {
			continue
		}
		out = append(out, ">4\r\n+hfa\r\n"...)
		out = resp.AppendSimple(out, r.RunID)
		out = resp.AppendInt(out, int64(epoch))
		out = resp.AppendInt(out, int64(r.Offset))
	}
	return out
}
