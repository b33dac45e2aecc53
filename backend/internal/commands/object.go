package commands

import (
	"math"

	"holdfast/backend/internal/types"
)

const errOtherPolicy = " Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."

func objectEncoding(c *Ctx) {
	enc, ok := c.DB.Encoding(c.Args[2])
	if !ok {
		c.Null()
		return
	}
	c.BulkString(enc.String())
}

// objectRefcount replies what Redis would: it shares the integers below 10,000, and
// nothing else.
func objectRefcount(c *Ctx) {
	enc, ok := c.DB.Encoding(c.Args[2])
	if !ok {
		c.Null()
		return
	}
	if enc == types.EncodingInt && c.Options.SharedIntegers {
		v, _ := c.DB.Look(c.Args[2])
		if n, _ := types.ParseInt(v.Bytes); n >= 0 && n < 10_000 {
			c.Int(math.MaxInt32)
			return
		}
	}
	c.Int(1)
}

func objectIdletime(c *Ctx) {
	seconds, ok := c.DB.Idle(c.Args[2])
	switch {
	case !ok:
		c.Null()
	case c.Store.LFU():
		c.Err("ERR An LFU maxmemory policy is selected, idle time not tracked." + errOtherPolicy)
	default:
		c.Int(seconds)
	}
}

func objectFreq(c *Ctx) {
	n, ok := c.DB.Frequency(c.Args[2])
	switch {
	case !ok:
		c.Null()
	case !c.Store.LFU():
		c.Err("ERR An LFU maxmemory policy is not selected, access frequency not tracked." + errOtherPolicy)
	default:
		c.Int(int64(n))
	}
}

// help replies the text of a container's HELP, a line an element.
func (c *Ctx) help(lines ...string) {
	c.Array(len(lines) + 3)
	c.Simple(upperName(c.Args[0]) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, line := range lines {
		c.Simple(line)
	}
	c.Simple("HELP")
	c.Simple("    Print this help.")
}

func upperName(name []byte) string {
	out := make([]byte, len(name))
	for i, b := range name {
		if b >= 'a' && b <= 'z' {
			b -= 'a' - 'A'
		}
		out[i] = b
	}
	return string(out)
}

func objectHelp(c *Ctx) {
	c.help(
		"ENCODING <key>",
		"    How the value of <key> is kept.",
		"FREQ <key>",
		"    The logarithmic access counter of <key>, under an LFU policy.",
		"IDLETIME <key>",
		"    The seconds since <key> was last accessed, unless under an LFU policy.",
		"REFCOUNT <key>",
		"    How many references the value of <key> has.",
	)
}
