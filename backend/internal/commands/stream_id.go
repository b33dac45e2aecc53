package commands

import (
	"math"

	"holdfast/backend/internal/types"
)

const errStreamID = "ERR Invalid stream ID specified as stream command argument"

// readID reads an ID in which "-" and "+" stand for the least and the greatest there
// is.
func readID(word []byte, missing uint64) (id types.StreamID, ok bool) {
	switch string(word) {
	case "-":
		return types.StreamID{}, true
	case "+":
		return types.MaxStreamID, true
	}
	return types.ParseStreamID(word, missing)
}

// looseID is readID that replies an error.
func (c *Ctx) looseID(word []byte, missing uint64) (id types.StreamID, ok bool) {
	if id, ok = readID(word, missing); !ok {
		c.Err(errStreamID)
	}
	return id, ok
}

// strictID reads an ID, or replies that it is none.
func (c *Ctx) strictID(word []byte, missing uint64) (id types.StreamID, ok bool) {
	if id, ok = types.ParseStreamID(word, missing); !ok {
		c.Err(errStreamID)
	}
	return id, ok
}

// strictIDs reads the IDs from argument i on.
func (c *Ctx) strictIDs(i int) (all []types.StreamID, ok bool) {
	all = make([]types.StreamID, len(c.Args)-i)
	for j := range all {
		if all[j], ok = c.strictID(c.Args[i+j], 0); !ok {
			return nil, false
		}
	}
	return all, true
}

// lowID reads an ID at which an interval begins, behind it if it is written "(1-1".
func (c *Ctx) lowID(word []byte) (id types.StreamID, ok bool) {
	if len(word) < 2 || word[0] != '(' {
		return c.looseID(word, 0)
	}
	if id, ok = c.strictID(word[1:], 0); !ok {
		return id, false
	}
	if id, ok = id.Next(); !ok {
		c.Err("ERR invalid start ID for the interval")
	}
	return id, ok
}

// highID reads an ID at which an interval ends, before it if it is written "(1-1".
func (c *Ctx) highID(word []byte) (id types.StreamID, ok bool) {
	if len(word) < 2 || word[0] != '(' {
		return c.looseID(word, math.MaxUint64)
	}
	if id, ok = c.strictID(word[1:], math.MaxUint64); !ok {
		return id, false
	}
	if id, ok = id.Prev(); !ok {
		c.Err("ERR invalid end ID for the interval")
	}
	return id, ok
}

// streamID replies an ID.
func (c *Ctx) streamID(id types.StreamID) {
	var text [types.MaxStreamIDLen]byte
	c.Bulk(id.Append(text[:0]))
}
