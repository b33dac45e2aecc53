package load

import (
	"fmt"
	"strings"
)

// Op is one canned command of redis-benchmark's tests.
type Op struct {
	Name string
	args []string // keyMark is replaced by a random number, dataMark by the payload
}

const (
	keyMark  = "__rand_int__" // as redis-benchmark spells it
	dataMark = "__data__"
	keyWidth = len(keyMark)
)

// Ops are redis-benchmark's default tests, in its order, under its names.
var Ops = []Op{
	{"ping_inline", []string{"PING"}}, // sent as a multibulk: an inline one is the test of a parser, not of a server
	{"ping_mbulk", []string{"PING"}},
	{"set", []string{"SET", "key:" + keyMark, dataMark}},
	{"get", []string{"GET", "key:" + keyMark}},
	{"incr", []string{"INCR", "counter:" + keyMark}},
	{"lpush", []string{"LPUSH", "mylist", dataMark}},
	{"rpush", []string{"RPUSH", "mylist", dataMark}},
	{"lpop", []string{"LPOP", "mylist"}},
	{"rpop", []string{"RPOP", "mylist"}},
	{"sadd", []string{"SADD", "myset", "element:" + keyMark}},
	{"hset", []string{"HSET", "myhash", "element:" + keyMark, dataMark}},
	{"spop", []string{"SPOP", "myset"}},
	{"zadd", []string{"ZADD", "myzset", "0", "element:" + keyMark}},
	{"zpopmin", []string{"ZPOPMIN", "myzset"}},
	{"lrange_100", []string{"LRANGE", "mylist", "0", "99"}},
	{"lrange_300", []string{"LRANGE", "mylist", "0", "299"}},
	{"lrange_500", []string{"LRANGE", "mylist", "0", "499"}},
	{"lrange_600", []string{"LRANGE", "mylist", "0", "599"}},
	{"mset", msetArgs()},
}

func msetArgs() []string {
	args := []string{"MSET"}
	for range 10 {
		args = append(args, "key:"+keyMark, dataMark)
	}
	return args
}

// Custom is an Op of any command line, whose __rand_int__ and __data__ are
// replaced.
func Custom(args []string) Op {
	return Op{Name: strings.ToLower(args[0]), args: args}
}

// FindOps returns the named ops; "ping" and "lrange" stand for all of theirs.
func FindOps(names []string) ([]Op, error) {
	var found []Op
	for _, name := range names {
		n := len(found)
		for _, op := range Ops {
			if op.Name == strings.ToLower(name) || strings.HasPrefix(op.Name, strings.ToLower(name)+"_") {
				found = append(found, op)
			}
		}
		if len(found) == n {
			return nil, fmt.Errorf("no test is called %q; known are %s", name, strings.Join(opNames(), ", "))
		}
	}
	return found, nil
}

func opNames() []string {
	var names []string
	for _, op := range Ops {
		names = append(names, op.Name)
	}
	return names
}
