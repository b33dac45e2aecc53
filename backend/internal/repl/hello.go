package repl

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"holdfast/backend/resp"
)

// Hello is what a connection said in REPLCONF before PSYNC. The zero value is
// a connection that said nothing.
type Hello struct {
	Port  int    // listening-port
	IP    string // ip-address: where it wants to be found; "": where it came from
	EOF   bool   // capa eof: it takes a snapshot of unknown length
	PSYNC bool   // capa psync2: +CONTINUE may carry a new id
	Old   bool   // it asked by SYNC: no PSYNC replies, no acknowledgements
	Once  bool   // rdb-only: it takes the snapshot and no stream
	Part  Part   // rdb-filter-only: of the data
	User  string // as whom it logged in; the node's to set

	Client any // the node's own, for ReplicaInfo

	Native      bool
	RunID       string
	Incarnation string
	Epoch       uint64
}

// Replconf carries out a REPLCONF of a connection that is no replica yet and
// appends the reply to out. args is the whole command. runID and own are the
// node's, told to a native replica.
func (h *Hello) Replconf(out []byte, args [][]byte, runID string, own *History) []byte {
	if len(args) > 1 && is(args[1], "holdfast") {
		return h.native(out, args[2:], runID, own)
	}
	if len(args)%2 == 0 {
		return resp.AppendError(out, "ERR syntax error")
	}
	for i := 1; i < len(args); i += 2 {
		name, value := args[i], string(args[i+1])
		switch {
		case is(name, "listening-port"):
			port, err := strconv.Atoi(value)
			if err != nil || port < 0 || port > 65535 {
				return resp.AppendError(out, "ERR value is not an integer or out of range")
			}
			h.Port = port
		case is(name, "ip-address"):
			if len(value) > 255 {
				return resp.AppendError(out, "ERR REPLCONF ip-address provided by replica instance is too long: "+strconv.Itoa(len(value))+" bytes")
			}
			h.IP = value
		case is(name, "capa"):
			h.EOF = h.EOF || value == "eof"
			h.PSYNC = h.PSYNC || value == "psync2"
		case is(name, "ack"), is(name, "getack"):
			return out // no replica, no effect, and never a reply
		case is(name, "rdb-only"):
			switch once, err := strconv.Atoi(value); {
			case err != nil:
				return resp.AppendError(out, "ERR value is not an integer or out of range")
			case once < 0 || once > 1:
				return resp.AppendError(out, "ERR value is out of range, must be between 0 and 1")
			default:
				h.Once = once == 1
			}
		case is(name, "rdb-filter-only"):
			h.Part = Nothing
			for _, word := range strings.Fields(value) {
				if !strings.EqualFold(word, "functions") {
					return resp.AppendError(out, "ERR Unsupported rdb-filter-only option: "+word)
				}
				h.Part = Functions
			}
		default:
			return resp.AppendError(out, "ERR Unrecognized REPLCONF option: "+string(name))
		}
	}
	return resp.AppendSimple(out, "OK")
}

// native takes REPLCONF holdfast 1 run-id … incarnation … data-epoch …, where
// words it does not know are left for later versions. The answer tells the own
// history (History.String), so that the replica knows what of its data is none of
// ours.
func (h *Hello) native(out []byte, args [][]byte, runID string, own *History) []byte {
	if len(args)%2 == 0 || string(args[0]) != "1" {
		return resp.AppendError(out, "ERR unsupported holdfast version")
	}
	next := *h
	next.Native = true
	for i := 1; i < len(args); i += 2 {
		value := string(args[i+1])
		switch name := args[i]; {
		case is(name, "run-id"):
			next.RunID = value
		case is(name, "incarnation"):
			next.Incarnation = value
		case is(name, "data-epoch"):
			e, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				return resp.AppendError(out, "ERR value is not an integer or out of range")
			}
			next.Epoch = e
		}
	}
	*h = next
	return resp.AppendSimple(out, fmt.Sprintf("HOLDFAST 1 run-id %s data-epoch %d history %s", runID, own.DataEpoch(), own))
}

// Request makes the request of PSYNC id offset. ok is false when offset is no
// number.
func (h *Hello) Request(id, offset []byte) (q Request, ok bool) {
	q = Request{ID: string(id), Native: h.Native, Epoch: h.Epoch}
	at, err := strconv.ParseInt(string(offset), 10, 64)
	if err != nil {
		return q, false
	}
	if at < 1 { // "PSYNC ? -1"; no history has a byte 0
		q.ID = "?"
		return q, true
	}
	q.Pos = uint64(at) - 1
	return q, true
}

// announced is where the replica is found, as INFO prints it.
func (h *Hello) announced(remote net.Addr) (ip string, port int) {
	ip, port = h.IP, h.Port
	if ip == "" && remote != nil {
		ip, _, _ = net.SplitHostPort(remote.String())
	}
	return ip, port
}
