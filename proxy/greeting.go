package proxy

import (
	"bytes"
	"strings"

	"holdfast/backend/resp"
)

// greeting is what a link says before the first request: who it is, what it
// speaks, which database, and whether the node is native and what it serves.
// All of it leaves in one write.
type greeting struct{ steps []greetingStep }

// greetingStep is one request of a greeting; reply gets its answer and returns
// why the link cannot be used, or "".
type greetingStep struct {
	args  []string
	reply func(k *link, v resp.Value) (trouble string)
}

// begin asks what the proxy wants to know as the proxy's own user, since the
// session's may be one with few rights, and then becomes the session's. A proxy
// that has no password of its own asks as whoever one is without any and, where that
// is nobody, again as the session's user.
func (g *greeting) begin(k *link) {
	key, own := k.lane.set.key, k.lane.l.p.own
	must := func(_ *link, v resp.Value) string { return errorText(v) }
	switch cred := key.cred; {
	case cred == own && own.pass != "":
		g.add(ownLogin, own.authArgs()...)
		g.introduce(k, nativeHello)
	case cred.pass == "":
		g.introduce(k, nativeHello)
	case own.pass != "":
		g.add(func(k *link, v resp.Value) string { ownLogin(k, v); return "" }, own.authArgs()...)
		g.introduce(k, nativeHello)
		g.add(must, cred.authArgs()...)
	default:
		g.introduce(k, tryNativeHello)
		g.add(must, cred.authArgs()...)
		g.introduce(k, nativeHello)
	}
	if key.proto == 3 {
		g.add(must, "HELLO", "3")
	}
	if key.db != 0 {
		g.add(must, "SELECT", itoa(key.db))
	}
	b := k.conn.Buf()
	for _, s := range g.steps {
		b = resp.AppendCommand(b, s.args...)
	}
	k.conn.SetBuf(b)
}

// ownLogin takes the answer to the proxy's own AUTH: that it is refused is for the
// operator to know, too.
func ownLogin(k *link, v resp.Value) (trouble string) {
	trouble = errorText(v)
	k.lane.l.p.sayLogin(k.addr, trouble)
	return trouble
}

// introduce asks what the node is and says that the link is a proxy's.
func (g *greeting) introduce(k *link, hello func(*link, resp.Value) string) {
	if k.lane.master() {
		g.add(plainRole, "ROLE")
	}
	if k.lane.owner != nil {
		g.add(privateID, "CLIENT", "ID")
	}
	words := []string{"HOLDFAST", "HELLO", "1", "PROXY"}
	if k.lane.l.p.strong {
		words = append(words, "STRONG")
	}
	g.add(hello, words...)
	if k.lane.master() {
		g.count(k)
	}
}

func (g *greeting) add(reply func(*link, resp.Value) string, args ...string) {
	g.steps = append(g.steps, greetingStep{args, reply})
}

// reply takes the next answer. The last one opens the link.
func (g *greeting) reply(k *link, frame []byte) {
	v, err := resp.Parse(frame)
	if err != nil {
		k.fail(k.addr + ": " + err.Error())
		return
	}
	if len(g.steps) == 0 {
		k.fail(k.addr + " greets with more than it was asked for")
		return
	}
	if k.counts {
		k.preamble++
	}
	step := g.steps[0]
	g.steps = g.steps[1:]
	trouble := step.reply(k, v)
	switch {
	case trouble == "" && len(g.steps) == 0:
		k.greeted()
	case trouble == "":
	case v.Err() != nil && !k.lane.passes(frame):
		k.denied(trouble)
	default:
		k.fail(k.addr + ": " + trouble)
	}
}

// passes tells whether an error that a node greets with is one that passes: it does not
// serve just now, or cannot tell yet what became of the link before.
func (ln *lane) passes(frame []byte) bool {
	return isRefusal(frame) || bytes.HasPrefix(frame, []byte("-MAX")) || ln.lost != nil && bytes.HasPrefix(frame, []byte("-BUSY "))
}

// greeted opens the link for requests.
func (k *link) greeted() {
	ln := k.lane
	if ln.master() && !ln.l.isMaster(k) {
		k.fail(k.addr + " is not the process that was made master")
		return
	}
	k.open = true
	k.node.attempt = 0
	ln.opened()
	if k.native && !ln.master() {
		k.askEpoch() // the first read finds a replica of which something is known
	}
}

// denied passes the node's refusal of the session's user or database on to all
// who wanted them: a wrong password, a database that does not exist.
func (k *link) denied(text string) {
	ln := k.lane
	ln.cut(text, false)
	reply := resp.AppendError(nil, text)
	for ln.q.len() > 0 {
		e := *ln.q.peek()
		ln.q.pop()
		if e.client == nil {
			continue
		}
		if e.kind == kindCanned {
			reply := e.extra.reply
			e.client.write(reply)
		} else if e.maybeExecuted() && !e.mute {
			ln.l.stats.unknown++
			e.client.write(unknownOutcome(&e, k.addr))
		} else if !e.mute {
			e.client.write(reply)
		}
		if e.extra != nil && e.extra.onFail != nil {
			e.extra.onFail()
		}
		e.client.answered(1)
	}
	if ln.node != nil {
		ln.node.failed(ln.l)
	}
	ln.set.forgetUnused()
}

func errorText(v resp.Value) string {
	if err := v.Err(); err != nil {
		return err.Error()
	}
	return ""
}

// plainRole keeps a master's lane away from a plain Redis that is a replica;
// one that may not be asked is taken at its word.
func plainRole(_ *link, v resp.Value) string {
	if v.Err() != nil && strings.HasPrefix(v.Text, "LOADING ") {
		return v.Text
	}
	if len(v.Elems) > 0 && v.Elems[0].Text != "master" {
		return "it is a replica now"
	}
	return ""
}

// privateID notes by which number the node knows a private connection, for
// CLIENT UNBLOCK and redirections.
func privateID(k *link, v resp.Value) string {
	if v.Err() == nil {
		k.id = v.Int
	}
	return ""
}

// nativeHello learns whether the node speaks the native protocol. An error says
// that it does not, unless it is about the user, which says nothing of the node:
// such a link is used like one to a plain Redis.
func nativeHello(k *link, v resp.Value) string {
	aboutUser := strings.HasPrefix(v.Text, "NOAUTH ") || strings.HasPrefix(v.Text, "NOPERM ")
	if v.Err() != nil && !k.native && !aboutUser {
		k.node.native = false
	}
	return tryNativeHello(k, v)
}

// tryNativeHello is nativeHello where it will be asked once more.
func tryNativeHello(k *link, v resp.Value) string {
	if v.Err() != nil {
		return ""
	}
	facts := v.Pairs()
	k.native, k.node.native = true, true
	k.runID = facts["run-id"].Text
	k.node.greeted(k.runID)
	if role := facts["role"].Text; k.lane.master() && role != "" && role != "master" {
		return "it does not serve as master (role " + role + ")"
	}
	return ""
}
