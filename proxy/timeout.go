package proxy

import (
	"strconv"

	"holdfast/backend/resp"
)

// timeoutAt tells where the timeout of a blocking command stands: an index
// among its words, from the end when negative, and what its unit is in
// milliseconds.
var timeoutAt = map[string]struct {
	index int
	unit  float64
}{
	"blpop": {-1, 1000}, "brpop": {-1, 1000}, "brpoplpush": {-1, 1000}, "blmove": {-1, 1000},
	"blmpop": {1, 1000}, "bzpopmin": {-1, 1000}, "bzpopmax": {-1, 1000}, "bzmpop": {1, 1000},
	"wait": {-1, 1}, "waitaof": {-1, 1},
}

// remaining returns the frame of a blocking command with the time that is left
// of its timeout, in a buffer of its own.
func remaining(e *entry, frame []byte, now uint32) []byte {
	var r resp.Requests
	args, n, err := r.Next(frame)
	head := frame[:0]
	if e.extra.want > 1 && n < len(frame) { // WAIT behind its mark
		head = frame[:n]
		args, n, err = r.Next(frame[n:])
	}
	if n == 0 || err != nil || e.cmd == nil {
		return frame
	}
	i, unit := timeoutIndex(e.cmd.Name, args)
	if i <= 0 || i >= len(args) {
		return frame
	}
	total, err := strconv.ParseFloat(string(args[i]), 64)
	if err != nil || total <= 0 { // for ever, or an error that the node will tell
		return frame
	}
	left := max(1, int64(total*unit)-int64(now-e.extra.began))
	text := strconv.FormatInt(left, 10)
	if unit != 1 {
		text = strconv.FormatFloat(float64(left)/unit, 'f', 3, 64)
	}
	changed := append([][]byte(nil), args...)
	changed[i] = []byte(text)
	e.extra.began = now
	return resp.AppendRequest(append([]byte(nil), head...), changed)
}

func timeoutIndex(name string, args [][]byte) (index int, unit float64) {
	if name == "xread" || name == "xreadgroup" {
		for i, a := range args {
			if is(a, "block") {
				return i + 1, 1
			}
		}
		return -1, 1
	}
	at := timeoutAt[name]
	if at.index < 0 {
		at.index += len(args)
	}
	return at.index, at.unit
}
