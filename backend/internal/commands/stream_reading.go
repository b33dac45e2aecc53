package commands

import (
	"math"

	"holdfast/backend/internal/types"
)

// reading is what XREAD and XREADGROUP ask for.
type reading struct {
	keys   [][]byte
	words  [][]byte         // of the IDs, one for each key
	ids    []types.StreamID // what is read lies behind these; the greatest: what no consumer was given yet
	count  int64            // of each stream; 0: all
	blocks bool
	until  int64

	group, consumer []byte // nil: XREAD
	noAck           bool
}

// reading reads the arguments up to the IDs.
func (c *Ctx) reading(group bool) (r reading, ok bool) {
	i := 1
	for ; i < len(c.Args) && r.keys == nil; i++ {
		more := len(c.Args) - 1 - i
		switch arg := c.Args[i]; {
		case more > 0 && is(arg, "block"):
			i++
			if r.until, ok = c.blockTime(i); !ok {
				return r, false
			}
			r.blocks = true
		case more > 0 && is(arg, "count"):
			i++
			if r.count, ok = c.integer(i); !ok {
				return r, false
			}
			r.count = max(r.count, 0)
		case more > 0 && is(arg, "streams"):
			if !c.split(&r, i+1, group) {
				return r, false
			}
		case more > 1 && is(arg, "group"):
			if !group {
				c.Err("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.")
				return r, false
			}
			r.group, r.consumer = c.Args[i+1], c.Args[i+2]
			i += 2
		case is(arg, "noack"):
			if !group {
				c.Err("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.")
				return r, false
			}
			r.noAck = true
		default:
			c.Err(errSyntax)
			return r, false
		}
	}
	switch {
	case r.keys == nil:
		c.Err(errSyntax)
	case group && r.group == nil:
		c.Err("ERR Missing GROUP option for XREADGROUP")
	default:
		return r, true
	}
	return r, false
}

// split divides the arguments from i on into keys and IDs.
func (c *Ctx) split(r *reading, i int, group bool) bool {
	n := len(c.Args) - i
	if n%2 != 0 {
		name, symbol := "xread", "$"
		if group {
			name, symbol = "xreadgroup", ">"
		}
		c.Err("ERR Unbalanced '" + name + "' list of streams: for each stream key an ID or '" + symbol + "' must be specified.")
		return false
	}
	r.keys, r.words = c.Args[i:i+n/2], c.Args[i+n/2:]
	return true
}

// blockTime reads argument i, ms, as the moment at which they are over; 0 is never.
func (c *Ctx) blockTime(i int) (until int64, ok bool) {
	if c.InScript {
		c.Err("ERR " + string(c.Args[0]) + " command is not allowed with BLOCK option from scripts")
		return 0, false
	}
	ms, ok := c.integerIn(i, math.MinInt64, math.MaxInt64, "ERR timeout is not an integer or out of range")
	switch {
	case !ok:
	case ms < 0:
		c.Err(errTimeoutNeg)
		return 0, false
	case ms > math.MaxInt64-c.Now:
		c.Err(errTimeoutRange)
		return 0, false
	case ms > 0:
		ms += c.Now
	}
	return ms, ok
}

// readFrom finds out behind which IDs to read, and that the streams and groups are
// what they should be.
func (c *Ctx) readFrom(r *reading) bool {
	r.ids = make([]types.StreamID, len(r.keys))
	for i, key := range r.keys {
		s, found, err := c.DB.Stream(key)
		if c.failed(err) {
			return false
		}
		if r.group != nil {
			if found {
				_, found = s.Group(r.group)
			}
			if !found {
				c.Err(errNoGroup(key, r.group) + " in XREADGROUP with GROUP option")
				return false
			}
		}
		ok := true
		switch word := string(r.words[i]); {
		case word == "$" && r.group != nil:
			c.Err("ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by " +
				"specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.")
			return false
		case word == "$" && found:
			r.ids[i] = s.Info().Last
		case word == "$":
		case word == ">" && r.group == nil:
			c.Err("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.")
			return false
		case word == ">":
			r.ids[i] = types.MaxStreamID
		default:
			r.ids[i], ok = c.strictID(r.words[i], 0)
		}
		if !ok {
			return false
		}
	}
	return true
}
