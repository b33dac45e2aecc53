package repl

import (
	"bytes"
	"strconv"
)

// Records are facts about the stream itself that travel in it as
// PING <payload>: a no-op to every Redis and Valkey, in replication and in the
// AOF, so all replicas of a mixed chain see the same bytes.
//
//	PING hf:epoch:<epoch>:<run id>   from here on the data belongs to epoch
//	PING hf:mark:<…>                 belongs to the unit behind it; opaque here
//	PING                             nothing: keepalive, or a read's proof
const (
	epochPrefix = "hf:epoch:"
	markPrefix  = "hf:mark:"
)

// AppendEpochPayload appends the payload of an epoch record to b.
func AppendEpochPayload(b []byte, epoch uint64, runID string) []byte {
	b = append(b, epochPrefix...)
	b = strconv.AppendUint(b, epoch, 10)
	b = append(b, ':')
	return append(b, runID...)
}

// ParseEpochPayload reads the payload of an epoch record; ok is false for any
// other one. runID aliases payload.
func ParseEpochPayload(payload []byte) (epoch uint64, runID []byte, ok bool) {
	rest, ok := bytes.CutPrefix(payload, []byte(epochPrefix))
	if !ok {
		return 0, nil, false
	}
	number, runID, ok := bytes.Cut(rest, []byte(":"))
	if !ok {
		return 0, nil, false
	}
	epoch, err := strconv.ParseUint(string(number), 10, 64)
	return epoch, runID, err == nil
}

// IsMark reports whether payload is a mark, which takes effect together with
// the unit behind it.
func IsMark(payload []byte) bool { return bytes.HasPrefix(payload, []byte(markPrefix)) }
