package backend

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// debugDataCommands look at the data and at how they are kept.
var debugDataCommands = map[string]debugCommand{
	"object":                       {-2, debugObject},
	"populate":                     {-2, debugPopulate},
	"htstats":                      {-2, debugTables},
	"htstats-key":                  {-2, debugKeyTable},
	"dict-resizing":                {2, debugResizing},
	"listpack":                     {2, debugListpack},
	"structsize":                   {1, debugSizes},
	"replybuffer":                  {3, debugNothing},
	"set-skip-checksum-validation": {2, debugSkipChecksum},
	"help":                         {1, debugHelp},
}

const errNoKey = "ERR no such key"

// debugObject prints Redis's line, also for a key whose time has come. The
// address is the block's number, which changes when the value moves.
func debugObject(s *session, x *commands.Ctx) {
	s.node.store.SetExpiry(store.ExpiryIgnore)
	defer s.node.derive()
	o, ok := x.DB.Inspect(x.Args[2])
	if !ok {
		x.Err(errNoKey)
		return
	}
	const foot = 11 // type, version and checksum are not the value's
	dumped, _ := rdb.AppendDump(nil, o.Value)
	text := fmt.Sprintf("Value at:0x%x refcount:1 encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d",
		o.Block, o.Encoding, max(len(dumped)-foot, 0), o.Clock, o.Idle)
	if q, ok := o.Value.Root.Large.(*types.Quicklist); ok {
		text += fmt.Sprintf(" ql_nodes:%d ql_avg_node:%.2f ql_listpack_max:%d ql_compressed:0 ql_uncompressed_size:%d",
			q.Nodes(), float64(q.Len())/float64(q.Nodes()), s.node.cfg().ListMaxListpackSize, q.Bytes())
	}
	x.Simple(text)
}

// debugPopulate makes keys that tests need many of: DEBUG POPULATE count
// [prefix] [size].
func debugPopulate(_ *session, x *commands.Ctx) {
	if len(x.Args) > 5 {
		x.Err(errUnknownSub("DEBUG", clip(x.Args[1])))
		return
	}
	prefix, size := "key", 0
	count, ok := populateNumber(x, 2)
	if !ok {
		return
	}
	if len(x.Args) > 3 {
		prefix = string(x.Args[3])
	}
	if len(x.Args) > 4 {
		if size, ok = populateNumber(x, 4); !ok {
			return
		}
	}
	x.DB.Expect(count)
	var key, value []byte
	for i := range count {
		key = fmt.Appendf(key[:0], "%s:%d", prefix, i)
		if x.DB.Has(key) {
			continue
		}
		value = fmt.Appendf(value[:0], "value:%d", i)
		if size > 0 {
			value = append(value, make([]byte, max(size-len(value), 0))...)[:size]
		}
		if err := x.DB.Set(key, value, store.NoExpire); err != nil {
			x.Err(err.Error())
			return
		}
	}
	x.OK()
}

func populateNumber(x *commands.Ctx, i int) (n int, ok bool) {
	v, err := strconv.ParseInt(string(x.Args[i]), 10, 64)
	if err != nil || v < 0 || v > math.MaxInt32 {
		x.Err("ERR value is out of range, must be positive")
		return 0, false
	}
	return int(v), true
}

// debugTables is DEBUG HTSTATS db [full].
func debugTables(s *session, x *commands.Ctx) {
	i, err := strconv.Atoi(string(x.Args[2]))
	if err != nil {
		x.Err(errNotInt)
		return
	}
	if i < 0 || i >= s.node.store.Databases() {
		x.Err("ERR Out of range database")
		return
	}
	db := s.node.store.DB(i)
	x.Out = appendText(x, "[Dictionary HT]\n"+tableText(db.Tables(), full(x))+
		fmt.Sprintf("[Expires HT]\nno table, but a list of %d elements\n", db.Expires()))
}

// debugKeyTable is DEBUG HTSTATS-KEY key [full].
func debugKeyTable(_ *session, x *commands.Ctx) {
	v, ok := x.DB.Look(x.Args[2])
	if !ok {
		x.Err(errNoKey)
		return
	}
	switch large := v.Root.Large.(type) {
	case *types.Dict:
		x.Out = appendText(x, tableText(large.Tables(), full(x)))
	case *types.ZIndex:
		x.Out = appendText(x, tableText(large.Tables(), full(x)))
	default:
		x.Err("ERR The value stored at the specified key is not represented using an hash table")
	}
}

func full(x *commands.Ctx) bool { return len(x.Args) > 3 && equalFold(string(x.Args[3]), "full") }

// tableText prints what Redis does of its tables (dict.c, dictGetStats), which
// its tests read.
func tableText(tables []types.TableStats, full bool) string {
	var b strings.Builder
	for i, t := range tables {
		name := [...]string{"main hash table", "rehashing target"}[i]
		fmt.Fprintf(&b, "Hash table %d stats (%s):\n", i, name)
		if t.Used == 0 {
			b.WriteString("No stats available for empty dictionaries\n")
			continue
		}
		fmt.Fprintf(&b, " table size: %d\n number of elements: %d\n", t.Size, t.Used)
		if !full {
			continue
		}
		slots := 0
		for length, count := range t.Chains {
			if length > 0 {
				slots += count
			}
		}
		fmt.Fprintf(&b, " different slots: %d\n max chain length: %d\n avg chain length (counted): %.2f\n"+
			" avg chain length (computed): %.2f\n Chain length distribution:\n",
			slots, len(t.Chains)-1, float64(t.Used)/float64(slots), float64(t.Used)/float64(slots))
		for length, count := range t.Chains {
			if count > 0 {
				fmt.Fprintf(&b, "   %d: %d (%.2f%%)\n", length, count, 100*float64(count)/float64(t.Size))
			}
		}
	}
	return b.String()
}

// debugResizing is DEBUG DICT-RESIZING 0|1: with 0 tables grow only when they
// are too full to go on.
func debugResizing(s *session, x *commands.Ctx) {
	s.node.rigid = string(x.Args[2]) == "0"
	s.node.limitTables()
	x.OK()
}

// debugListpack prints the elements of a compact value to the log.
func debugListpack(s *session, x *commands.Ctx) {
	v, ok := x.DB.Look(x.Args[2])
	if !ok {
		x.Err(errNoKey)
		return
	}
	if v.Type == store.String || v.Root.Encoding != types.EncodingListpack {
		x.Err("ERR Not a listpack encoded object.")
		return
	}
	dumped, err := rdb.AppendDump(nil, v)
	s.node.log.Info("DEBUG LISTPACK", "key", clip(x.Args[2]), "elements", v.Len(), "dump", fmt.Sprintf("%q", dumped), "err", err)
	x.Simple("Listpack structure printed to the log")
}

// debugSizes is DEBUG STRUCTSIZE, of the structures that matter here: bytes a
// key takes beside its name and value.
func debugSizes(_ *session, x *commands.Ctx) {
	sizes := store.Sizes()
	x.BulkString(fmt.Sprintf("bits:%d entry:%d expire:%d root:%d bucket:%d ", strconv.IntSize,
		sizes.Entry, sizes.Expire, sizes.Root, sizes.Bucket))
}
