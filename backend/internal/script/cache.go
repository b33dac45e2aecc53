package script

import (
	"container/list"
	"crypto/sha1"
	"encoding/hex"

	lua "github.com/yuin/gopher-lua"
)

// maxEvaluated bounds the scripts that are kept only because EVAL ran them, as
// Redis 7.4 does: clients that paste values into their scripts would otherwise
// fill the memory. What SCRIPT LOAD brought stays until SCRIPT FLUSH.
const maxEvaluated = 500

const shaLen = 2 * sha1.Size

// compiled is a script of the cache.
type compiled struct {
	sha    string // 40 hexadecimal digits in lower case
	proto  *lua.FunctionProto
	flags  Flags
	size   int           // bytes of its text
	recent *list.Element // its place among the evaluated ones; nil: loaded
}

// cache is the scripts by SHA1.
type cache struct {
	bySHA  map[string]*compiled
	recent *list.List // evaluated scripts, the most recently used in front
	bytes  int
}

func (c *cache) init() {
	c.bySHA = make(map[string]*compiled)
	c.recent = list.New()
	c.bytes = 0
}

// get finds a script by its SHA1 in any case.
func (c *cache) get(sha []byte) *compiled {
	var lower [shaLen]byte
	if len(sha) != shaLen {
		return nil
	}
	for i, b := range sha {
		if b >= 'A' && b <= 'Z' {
			b |= 0x20
		}
		lower[i] = b
	}
	s := c.bySHA[string(lower[:])]
	if s != nil && s.recent != nil {
		c.recent.MoveToFront(s.recent)
	}
	return s
}

// evaluated returns the script with the given text, compiling it if it is new.
// The string is an error reply.
func (c *cache) evaluated(text []byte) (*compiled, string) {
	digits := shaOf(text)
	if s := c.get(digits[:]); s != nil {
		return s, ""
	}
	s, fail := newCompiled(string(digits[:]), text)
	if fail != "" {
		return nil, fail
	}
	c.bySHA[s.sha] = s
	c.bytes += s.size
	s.recent = c.recent.PushFront(s)
	if c.recent.Len() > maxEvaluated {
		oldest := c.recent.Remove(c.recent.Back()).(*compiled)
		delete(c.bySHA, oldest.sha)
		c.bytes -= oldest.size
	}
	return s, ""
}

// loaded is evaluated for SCRIPT LOAD: the script stays.
func (c *cache) loaded(text []byte) (*compiled, string) {
	s, fail := c.evaluated(text)
	if s != nil && s.recent != nil {
		c.recent.Remove(s.recent)
		s.recent = nil
	}
	return s, fail
}

// peek is get for either kind of request.
func (c *cache) peek(req Request) *compiled {
	if req.BySHA {
		return c.get(req.Args[1])
	}
	digits := shaOf(req.Args[1])
	return c.get(digits[:])
}

func newCompiled(sha string, text []byte) (*compiled, string) {
	flags, skip, fail := parseShebang(text)
	if fail != "" {
		return nil, "ERR " + fail
	}
	proto, err := compile(text[skip:], scriptChunk)
	if err != nil {
		return nil, "ERR Error compiling script (new function): " + err.Error()
	}
	return &compiled{sha: sha, proto: proto, flags: flags, size: len(text)}, ""
}

func shaOf(text []byte) (digits [shaLen]byte) {
	sum := sha1.Sum(text)
	hex.Encode(digits[:], sum[:])
	return digits
}
