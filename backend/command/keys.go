package command

import "strconv"

// KeyFlags say what a command does with a key; names as in COMMAND INFO.
type KeyFlags uint16

// The key flags of Redis 7.2.
const (
	KeyRO KeyFlags = 1 << iota
	KeyRW
	KeyOW
	KeyRM
	KeyAccess
	KeyUpdate
	KeyInsert
	KeyDelete
	NotKey
	KeyIncomplete
	KeyVariable
)

var keyFlagNames = []string{"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete",
	"variable_flags"}

// Names returns the flags as COMMAND INFO prints them.
func (f KeyFlags) Names() []string { return names(uint32(f), keyFlagNames, "") }

// Begin says where to start looking for keys, Find how they follow.
type (
	Begin  uint8
	FindBy uint8
)

// The ways of Redis's key specifications (server.h, keySpec).
const (
	Unknown   Begin = iota // the place depends on data; see Command.Keys
	AtIndex                // at word Index
	AtKeyword              // behind the word Keyword, looked for from word From (from the end when negative)
)

// How the keys follow from there.
const (
	Nowhere FindBy = iota
	Range          // up to Last words further, or counted from the end when negative
	Counted        // a number of keys stands CountAt words further, the keys from First on
)

// KeySpec is one key specification of a command.
type KeySpec struct {
	Flags   KeyFlags
	Begin   Begin
	Index   int
	Keyword string
	From    int
	Find    FindBy
	Last    int
	Step    int
	Limit   int // with Last = -1: only the first 1/Limit of the words are keys
	CountAt int
	First   int
}

// Keys calls visit with the index of each key among args, which is a whole
// request of this command whose arity fits, and with what is done to it. It
// does not allocate. A request whose keys stand outside of it, as when a number of
// keys is too large, has none; channels of sharded publish/subscribe are visited
// with NotKey (db.c, getKeysFromCommandWithSpecs).
func (c *Command) Keys(args [][]byte, visit func(i int, flags KeyFlags)) {
	if c.First > 0 && len(c.Specs) == 1 && c.Specs[0].Begin == AtIndex && c.Flags&MovableKeys == 0 && c.Specs[0].Flags&KeyVariable == 0 {
		last, flags := c.Last, c.Specs[0].Flags
		if last < 0 {
			last += len(args)
		}
		for i := c.First; i <= last && i < len(args); i += c.Step {
			visit(i, flags)
		}
		return
	}
	for i := range c.Specs {
		if !c.Specs[i].tells(args) {
			c.searchKeys(args, visit)
			return
		}
	}
	for i := range c.Specs {
		k := &c.Specs[i]
		for first, last := k.span(args); first <= last; first += k.Step {
			visit(first, k.Flags)
		}
	}
}

// HasKeys tells whether the command can name keys at all.
func (c *Command) HasKeys() bool {
	for i := range c.Specs {
		if c.Specs[i].Flags&NotKey == 0 {
			return true
		}
	}
	return false
}

// tells tells whether the specification alone can be trusted for a request: it
// finds keys inside of it, or there are none that it is about.
func (k *KeySpec) tells(args [][]byte) bool {
	if k.Begin == Unknown || k.Find == Nowhere || k.Flags&KeyVariable != 0 {
		return false
	}
	if k.Begin == AtKeyword && k.start(args) == 0 {
		return true
	}
	first, last := k.span(args)
	return first > 0 && first <= last && last < len(args) && k.Flags&KeyIncomplete == 0
}

// span returns the indices of the first and of the last word that may be a key;
// the last below the first where there is none.
func (k *KeySpec) span(args [][]byte) (first, last int) {
	first = k.start(args)
	if first == 0 {
		return 0, -1
	}
	if k.Find == Counted {
		n := -1
		if at := first + k.CountAt; at < len(args) {
			if v, err := strconv.Atoi(string(args[at])); err == nil && v <= len(args) {
				n = v
			}
		}
		first += k.First
		return first, first + n - 1
	}
	switch {
	case k.Last >= 0:
		last = first + k.Last
	case k.Limit > 1:
		last = first + (len(args)-first)/k.Limit + k.Last
	default:
		last = len(args) + k.Last
	}
	return first, last
}

// start returns where the search for keys begins; 0 when the keyword that it
// depends on is missing.
func (k *KeySpec) start(args [][]byte) int {
	if k.Begin == AtIndex {
		return k.Index
	}
	i, step := k.From, 1
	if i < 0 {
		i, step = len(args)+i, -1
	}
	for ; i > 0 && i < len(args); i += step {
		if equalFoldUpper(k.Keyword, args[i]) {
			return i + 1
		}
	}
	return 0
}

func equalFoldUpper(word string, b []byte) bool {
	if len(word) != len(b) {
		return false
	}
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			c -= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
