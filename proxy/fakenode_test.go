package proxy

import (
	"maps"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"holdfast/backend/netio/freeport"
	"holdfast/backend/resp"
)

// fakeNode speaks the native protocol and keeps strings and lists, as far as
// the tests want it to.
type fakeNode struct {
	addr, runID string
	ln          net.Listener

	mu       sync.Mutex
	role     string
	epoch    int64
	offset   int64
	data     map[string]string
	log      []string                     // what was executed, in order
	refuse   string                       // reason of a routing refusal; "" = none
	plain    bool                         // know no HOLDFAST
	swallow  bool                         // execute, and answer nothing any more
	noAcks   bool                         // execute, and answer that it is not confirmed
	inTurns  bool                         // but what a transaction's commands answer before EXEC is
	links    map[string]map[uint64]string // what was answered to requests that changed something
	knowsAll bool                         // of links that are not among them it knows that they changed nothing
	confirm  *fakeNode                    // a replica that gets every write before its reply leaves
	conns    map[net.Conn]bool
	accepted int
	asked    int // INFO, which is how polls ask
}

func startNode(t testing.TB, runID, role string) *fakeNode {
	t.Helper()
	ln, err := net.Listen("tcp", freeport.Addr(t))
	if err != nil {
		t.Fatal(err)
	}
	n := &fakeNode{addr: ln.Addr().String(), runID: runID, role: role, epoch: 1, offset: 100, ln: ln,
		data: map[string]string{}, conns: map[net.Conn]bool{}, links: map[string]map[uint64]string{}}
	t.Cleanup(n.kill)
	go n.accept(ln)
	return n
}

func (n *fakeNode) accept(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		n.mu.Lock()
		n.conns[c] = true
		n.accepted++
		n.mu.Unlock()
		go n.serve(c)
	}
}

// kill closes the listener and every connection, as a dead process does.
func (n *fakeNode) kill() {
	n.ln.Close()
	n.cut()
}

func (n *fakeNode) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.Close()
		delete(n.conns, c)
	}
}

func (n *fakeNode) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
}

func (n *fakeNode) executed() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.log...)
}

// fakeConn is the node's side of one connection.
type fakeConn struct {
	native, poisoned bool
	said             pair // the last pair it told
	multi            bool
	queued           [][]string
	link             string
	counted          uint64
}

func (n *fakeNode) serve(c net.Conn) {
	defer func() {
		c.Close()
		n.set(func() { delete(n.conns, c) })
	}()
	var r resp.Requests
	var in []byte
	var state fakeConn
	chunk := make([]byte, 64<<10)
	for {
		k, err := c.Read(chunk)
		if err != nil {
			return
		}
		in = append(in, chunk[:k]...)
		var out []byte
		for {
			args, size, err := r.Next(in)
			if err != nil {
				return
			}
			if size == 0 {
				break
			}
			words := make([]string, len(args))
			for i, a := range args {
				words[i] = string(a)
			}
			in = in[size:]
			n.mu.Lock()
			out = n.execute(&state, out, words)
			n.mu.Unlock()
		}
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func (n *fakeNode) execute(s *fakeConn, out []byte, args []string) []byte {
	name := strings.ToUpper(args[0])
	s.counted++
	switch name {
	case "ROLE":
		return resp.AppendBulkString(resp.AppendArray(out, 1), map[string]string{"master": "master"}[n.role]+map[string]string{"replica": "slave"}[n.role])
	case "HELLO":
		return append(out, "%0\r\n"...)
	case "INFO":
		n.asked++
		return resp.AppendBulkString(out, "role:master\r\n")
	case "SELECT", "AUTH":
		return append(out, "+OK\r\n"...)
	case "CLIENT":
		return resp.AppendInt(out, 7)
	case "HOLDFAST":
		switch {
		case n.plain:
			return append(out, "-ERR unknown command\r\n"...)
		case args[1] == "LINK":
			s.link, s.counted = args[2], 0
			n.links[s.link] = map[uint64]string{}
			return resp.AppendInt(out, 4096)
		case args[1] == "LINKPOS":
			return n.position(out, args)
		}
		if strings.EqualFold(args[1], "EPOCH") {
			out = resp.AppendArray(out, 2)
			return resp.AppendInt(resp.AppendInt(out, n.epoch), n.offset)
		}
		s.native = true
		out = resp.AppendArray(out, 12)
		for _, w := range []string{"version", "1", "run-id", n.runID, "control-port", "0", "role", n.role, "managed", "yes", "group", "g"} {
			out = resp.AppendBulkString(out, w)
		}
		return out
	}
	if n.refuse != "" && name != "MULTI" { // which a node takes in any role
		s.poisoned = true
	}
	if s.poisoned {
		return append(out, ">3\r\n+hfx\r\n+"+n.refuse+"\r\n+not here\r\n"...)
	}
	before := n.offset
	reply := n.transaction(s, name, args)
	if s.link != "" && n.offset != before {
		n.links[s.link][s.counted] = string(reply)
	}
	if n.swallow {
		return out
	}
	if n.noAcks && !(n.inTurns && s.multi) {
		return append(out, ">2\r\n+hfn\r\n+NOACKS not confirmed\r\n"...)
	}
	if p := (pair{uint64(n.epoch), uint64(n.offset)}); p != s.said {
		s.said = p
		out = append(out, ">3\r\n+hfp\r\n:"+strconv.FormatInt(n.epoch, 10)+"\r\n:"+strconv.FormatInt(n.offset, 10)+"\r\n"...)
	}
	if n.confirm != nil {
		r := n.confirm
		r.mu.Lock()
		for k, v := range n.data {
			r.data[k] = v
		}
		r.epoch, r.offset = n.epoch, n.offset
		r.mu.Unlock()
		out = append(out, ">4\r\n+hfa\r\n+"+r.runID+"\r\n:"+strconv.FormatInt(n.epoch, 10)+"\r\n:"+strconv.FormatInt(n.offset, 10)+"\r\n"...)
	}
	return append(out, reply...)
}

// position is HOLDFAST LINKPOS.
func (n *fakeNode) position(out []byte, args []string) []byte {
	replies, known := n.links[args[2]]
	if !known && !n.knowsAll {
		return append(out, "$-1\r\n"...)
	}
	after, _ := strconv.ParseUint(args[3], 10, 64)
	maps.DeleteFunc(replies, func(seq uint64, _ string) bool { return seq <= after })
	out = resp.AppendInt(resp.AppendArray(out, 1+2*len(replies)), 0)
	for seq, reply := range replies {
		out = resp.AppendBulkString(resp.AppendInt(out, int64(seq)), reply)
	}
	return out
}

// takesOver has what another node has, and knows all that was done there.
func (n *fakeNode) takesOver(from *fakeNode) {
	from.mu.Lock()
	defer from.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.data, n.links, n.knowsAll = maps.Clone(from.data), maps.Clone(from.links), true
}

// transaction runs a request at once, or queues it behind MULTI.
func (n *fakeNode) transaction(s *fakeConn, name string, args []string) []byte {
	switch {
	case name == "MULTI":
		s.multi = true
		return []byte("+OK\r\n")
	case name == "EXEC":
		reply := resp.AppendArray(nil, len(s.queued))
		for _, q := range s.queued {
			reply = append(reply, n.run(q[0], q)...)
		}
		s.multi, s.queued = false, nil
		return reply
	case s.multi:
		s.queued = append(s.queued, args)
		return []byte("+QUEUED\r\n")
	}
	return n.run(name, args)
}

func (n *fakeNode) run(name string, args []string) []byte {
	n.log = append(n.log, strings.Join(args, " "))
	switch name {
	case "GET":
		if v, ok := n.data[args[1]]; ok {
			return resp.AppendBulkString(nil, v)
		}
		return []byte("$-1\r\n")
	case "SET":
		n.data[args[1]] = args[2]
		n.offset += 10
		return []byte("+OK\r\n")
	case "INCR":
		v, _ := strconv.ParseInt(n.data[args[1]], 10, 64)
		n.data[args[1]] = strconv.FormatInt(v+1, 10)
		n.offset += 10
		return resp.AppendInt(nil, v+1)
	case "WATCH", "UNWATCH":
		return []byte("+OK\r\n")
	case "BLPOP":
		v, ok := n.data[args[1]]
		if !ok {
			return nil // for ever
		}
		delete(n.data, args[1])
		n.offset += 10
		return resp.AppendCommand(nil, args[1], v)
	case "WHO":
		return resp.AppendBulkString(nil, n.runID)
	}
	return []byte("-ERR unknown command\r\n")
}
