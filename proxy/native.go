package proxy

import (
	"bytes"

	"holdfast/backend/resp"
)

// nativePush takes a frame of the native protocol (package backend documents
// them) and says whether it was one.
func (k *link) nativePush(frame []byte) bool {
	_, rest := cutLine(frame)
	name, rest := cutLine(rest)
	switch string(name) {
	case "+hfp":
		epoch, rest := cutNumber(rest)
		offset, _ := cutNumber(rest)
		k.pair = pair{epoch, offset}
		k.node.reached(k.pair)
	case "+hfa":
		runID, rest := cutLine(rest)
		epoch, rest := cutNumber(rest)
		offset, _ := cutNumber(rest)
		if len(runID) > 1 {
			k.lane.l.confirmed(runID[1:], pair{epoch, offset})
		}
	case "+hfw":
		epoch, rest := cutNumber(rest)
		offset, _ := cutNumber(rest)
		k.waits(pair{epoch, offset})
	case "+hfx":
		reason, rest := cutLine(rest)
		text, _ := cutLine(rest)
		k.poisoned(string(bytes.TrimPrefix(reason, []byte("+"))), string(bytes.TrimPrefix(text, []byte("+"))))
	case "+hfn":
		text, _ := cutLine(rest)
		k.unconfirmed(string(bytes.TrimPrefix(text, []byte("+"))))
	default:
		return false
	}
	return true
}

// poisoned deals with a native refusal. The node has executed nothing from the
// refused request on and will not execute anything that comes behind it on this
// link, so all of it can be sent again elsewhere.
func (k *link) poisoned(reason, text string) {
	ln := k.lane
	why := k.addr + " refuses: " + reason + " " + text
	ln.l.stats.refusals++
	ln.cut(why, true)
	ln.failed(why)
}

// confirmed notes that the replica of a run id has reached a place, as the
// master says.
func (l *loop) confirmed(runID []byte, p pair) {
	for _, n := range l.nodes {
		if n.runID == string(runID) { // does not allocate
			n.reached(p)
			return
		}
	}
}

// askEpoch has a native replica say how far it is, unless it is being asked.
func (k *link) askEpoch() {
	if k.asked || !k.native {
		return
	}
	k.asked = true
	x := &extra{onReply: func(frame []byte) ([]byte, bool) {
		k.asked = false
		if v, err := resp.Parse(frame); err == nil && len(v.Elems) == 2 && k.lane != nil {
			k.node.reached(pair{uint64(v.Elems[0].Int), uint64(v.Elems[1].Int)})
			k.lane.l.wakeReaders()
		}
		return nil, true
	}}
	k.lane.push(entry{want: 1, kind: kindOwn, extra: x}, epochRequest)
}

var epochRequest = resp.AppendCommand(nil, "HOLDFAST", "EPOCH")

// cutLine takes the first line off b, without its end.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	return bytes.TrimSuffix(b[:i], []byte("\r")), b[i+1:]
}

// cutNumber takes a line ":number" off b.
func cutNumber(b []byte) (n uint64, rest []byte) {
	line, rest := cutLine(b)
	for _, c := range line {
		if c >= '0' && c <= '9' {
			n = n*10 + uint64(c-'0')
		}
	}
	return n, rest
}
