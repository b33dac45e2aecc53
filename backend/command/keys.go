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
// does not allocate. Keys whose place depends on data are found for SORT and
// SORT_RO (STORE) only, as in Redis.
func (c *Command) Keys(args [][]byte, visit func(i int, flags KeyFlags)) {
	if c.First > 0 && len(c.Specs) == 1 && c.Specs[0].Begin == AtIndex && c.Flags&MovableKeys == 0 {
		last := c.Last
		if last < 0 {
			last += len(args)
		}
		for i := c.First; i <= last && i < len(args); i += c.Step {
			visit(i, c.Specs[0].Flags)
		}
		return
	}
	for i := range c.Specs {
		c.Specs[i].keys(args, visit)
	}
	if c.Flags&MovableKeys != 0 && c.Flags&Write != 0 && c.Name == "sort" {
		sortStore(args, visit)
	}
}

// HasKeys tells whether the command can name keys at all.
func (c *Command) HasKeys() bool { return len(c.Specs) > 0 }

func (k *KeySpec) keys(args [][]byte, visit func(int, KeyFlags)) {
	start, ok := k.start(args)
	if !ok {
		return
	}
	switch k.Find {
	case Range:
		last := start + k.Last
		if k.Last < 0 {
			last = len(args) + k.Last
			if k.Limit > 1 {
				last = start + (len(args)-start)/k.Limit + k.Last
			}
		}
		for i := start; i <= last && i < len(args); i += k.Step {
			visit(i, k.Flags)
		}
	case Counted:
		at := start + k.CountAt
		if at >= len(args) {
			return
		}
		n, err := strconv.Atoi(string(args[at]))
		if err != nil || n < 0 {
			return
		}
		for i, seen := start+k.First, 0; i < len(args) && seen < n; i, seen = i+k.Step, seen+1 {
			visit(i, k.Flags)
		}
	}
}

func (k *KeySpec) start(args [][]byte) (int, bool) {
	switch k.Begin {
	case AtIndex:
		return k.Index, k.Index < len(args)
	case AtKeyword:
		i, step := k.From, 1
		if i < 0 {
			i, step = len(args)+i, -1
		}
		for ; i > 0 && i < len(args); i += step {
			if equalFoldUpper(k.Keyword, args[i]) {
				return i + 1, i+1 < len(args)
			}
		}
	}
	return 0, false
}

// sortStore finds the key behind the last STORE of SORT, whose options BY, GET
// and LIMIT take words that may look like anything (db.c, sortGetKeys).
func sortStore(args [][]byte, visit func(int, KeyFlags)) {
	store := -1
	for i := 2; i < len(args); i++ {
		switch {
		case equalFold("limit", args[i]):
			i += 2
		case equalFold("get", args[i]), equalFold("by", args[i]):
			i++
		case equalFold("store", args[i]) && i+1 < len(args):
			i++
			store = i
		}
	}
	if store > 0 {
		visit(store, KeyOW|KeyUpdate)
	}
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
