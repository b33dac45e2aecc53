package proxy

import (
	"fmt"

	"holdfast/backend/command"
	"holdfast/backend/resp"
)

// doubts tells which reads must not be sent again: those behind which their
// client has sent a write to one of their keys. Whether that write took effect
// is not known, so the read might see what came after it.
type doubts map[*client]*touched

// touched is the place of a client's last sent write to each key.
type touched struct {
	keys map[string]int
	any  int // of the last one whose keys are not known
}

// doubtsOf looks at the requests of a queue that may have taken effect. Places count from 1.
func doubtsOf(q *queue, may func(e *entry, sent bool) bool) doubts {
	d := doubts{}
	place := 0
	q.each(func(e *entry, frame []byte, sent bool) {
		place++
		if !may(e, sent) || e.client == nil || e.kind != kindWrite && e.kind != kindBlocking {
			return
		}
		t := d[e.client]
		if t == nil {
			t = &touched{keys: make(map[string]int)}
			d[e.client] = t
		}
		known := eachKey(e.cmd, frame, func(key []byte) { t.keys[string(key)] = place })
		if !known {
			t.any = place
		}
	})
	return d
}

// wasSent is the may of those who know no more of a request than that it was sent.
func wasSent(_ *entry, sent bool) bool { return sent }

// about tells whether the read at a place is in doubt.
func (d doubts) about(e *entry, frame []byte, place int) bool {
	t := d[e.client]
	if t == nil {
		return false
	}
	hit := t.any > place
	known := eachKey(e.cmd, frame, func(key []byte) { hit = hit || t.keys[string(key)] > place })
	if !known { // it may read anything
		for _, last := range t.keys {
			hit = hit || last > place
		}
	}
	return hit
}

// eachKey visits the keys of a request. It returns false when it is not known
// which they are: no key at all, a transaction, an unknown command.
func eachKey(cmd *command.Command, frame []byte, visit func(key []byte)) bool {
	if cmd == nil || cmd == execCommand || !cmd.HasKeys() {
		return false
	}
	var r resp.Requests
	args, n, err := r.Next(frame)
	if n == 0 || err != nil {
		return false
	}
	found := false
	cmd.Keys(args, func(i int, _ command.KeyFlags) {
		found = true
		visit(args[i])
	})
	return found
}

func doubtfulRead(e *entry, addr string) []byte {
	return resp.AppendError(nil, fmt.Sprintf("UNKNOWN outcome of %s: the connection to %s was lost before it replied, and a later write of this client may have changed its keys", commandName(e), addr))
}
