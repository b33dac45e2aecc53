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
//	PING hf:holders[:<N>:<member,…>]… from here on these pairs (H, N) confirm, members by
//	                                 incarnation, * for any replica; none: nobody has to
//	PING hf:confirmed:<offset>       they have confirmed the stream up to there
//	PING hf:mark:<…>                 belongs to the unit that it stands in, or behind
//	                                 it; opaque here
//	PING                             nothing: keepalive, or a read's proof
const (
	epochPrefix     = "hf:epoch:"
	holdersPrefix   = "hf:holders"
	confirmedPrefix = "hf:confirmed:"
	markPrefix      = "hf:mark:"
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

// ParseStatement reads the payload of a record about confirmation; ok is false for
// any other one. The positions are left for the caller.
func ParseStatement(payload []byte) (s Statement, ok bool) {
	if _, _, ok := ParseEpochPayload(payload); ok {
		return Statement{Barrier: true}, true
	}
	if digits, ok := bytes.CutPrefix(payload, []byte(confirmedPrefix)); ok {
		s.Confirmed, ok = parseUint(digits)
		return s, ok
	}
	rest, ok := bytes.CutPrefix(payload, []byte(holdersPrefix))
	if !ok || len(rest) > 0 && rest[0] != ':' {
		return s, false
	}
	s.Pairs, ok = parsePairs(bytes.TrimPrefix(rest, []byte(":")))
	return s, ok
}

// parseUint is strconv.ParseUint without memory of its own.
func parseUint(digits []byte) (n uint64, ok bool) {
	for _, c := range digits {
		if c < '0' || c > '9' || n > (1<<63)/10 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(digits) > 0
}

// IsMark reports whether payload is a mark, which takes effect together with
// its unit: the MULTI…EXEC around it, or the unit behind it.
func IsMark(payload []byte) bool { return bytes.HasPrefix(payload, []byte(markPrefix)) }

// AppendMarkPayload appends what the payload of a mark begins with.
func AppendMarkPayload(b []byte) []byte { return append(b, markPrefix...) }

// MarkContent is what a mark holds, nil for any other payload.
func MarkContent(payload []byte) []byte {
	content, ok := bytes.CutPrefix(payload, []byte(markPrefix))
	if !ok {
		return nil
	}
	return content
}
