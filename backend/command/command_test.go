package command

import (
	"bytes"
	"strings"
	"testing"
)

func words(line string) [][]byte { return bytes.Fields([]byte(line)) }

func TestLookupFindsEveryName(t *testing.T) {
	seen := make(map[int]bool)
	for _, c := range All {
		if got := Lookup([]byte(strings.ToUpper(c.Name))); got != c {
			t.Errorf("%s: found %v", c.Name, got)
		}
		for _, each := range append([]*Command{c}, c.Subs...) {
			if seen[each.ID] || each.ID >= Count {
				t.Errorf("%s: ID %d is taken or out of range", each.Full, each.ID)
			}
			seen[each.ID] = true
		}
	}
	for _, name := range []string{"", "gett", "nosuch", strings.Repeat("x", 300)} {
		if c := Lookup([]byte(name)); c != nil {
			t.Errorf("%q: found %s", name, c.Name)
		}
	}
}

func TestFindResolvesSubcommands(t *testing.T) {
	for line, want := range map[string]string{
		"CONFIG get *": "config|get", "config nosuch": "config", "config": "config", "Get a": "get",
	} {
		if got := Find(words(line)); got.Full != want {
			t.Errorf("%s: %s", line, got.Full)
		}
	}
}

func TestKeys(t *testing.T) {
	for line, want := range map[string]string{
		"GET a":                              "a",
		"MSET a 1 b 2":                       "a b",
		"DEL a b c":                          "a b c",
		"PING":                               "",
		"EVAL script 2 a b c":                "a b",
		"EVAL script x a":                    "",
		"EVAL script 9 a b":                  "",
		"ZUNIONSTORE dst 2 a b WEIGHTS 1 2":  "dst a b",
		"XREAD COUNT 2 STREAMS a b 0 0":      "a b",
		"XREADGROUP GROUP g c STREAMS a >":   "a",
		"SORT a BY x GET store STORE dst":    "a dst",
		"SORT a":                             "a",
		"BLPOP a b 0":                        "a b",
		"GEORADIUS a 1 1 1 m STORE dst":      "a dst",
		"MIGRATE h 1 k 0 10":                 "k",
		"OBJECT ENCODING a":                  "a",
		"LMPOP 2 a b LEFT":                   "a b",
		"BLMPOP 0 1 a LEFT":                  "a",
		"BITOP AND d a b":                    "d a b",
		"XADD a * f v":                       "a",
		"MEMORY USAGE a":                     "a",
		"SINTERCARD 2 a b LIMIT 1":           "a b",
		"PUBLISH ch x":                       "",
		"COPY a b":                           "a b",
		"LCS a b":                            "a b",
		"FCALL f 1 a b":                      "a",
		"GETEX a PX 1":                       "a",
		"RENAME a b":                         "a b",
		"LMOVE a b LEFT RIGHT":               "a b",
		"MIGRATE h 1  0 10 COPY KEYS a b":    "", // the empty word is lost to Fields: two places name keys
		"ZRANGESTORE dst src 0 -1":           "dst src",
		"SSUBSCRIBE ch":                      "ch",
		"XGROUP CREATE a g $":                "a",
		"BRPOPLPUSH a b 0":                   "a b",
		"ZMPOP 1 a MIN":                      "a",
		"EVALSHA abc 0 a":                    "",
		"SMOVE a b m":                        "a b",
		"GEOSEARCHSTORE d s FROMLONLAT 1 2 ": "d s",
	} {
		args := words(line)
		var got []string
		Find(args).Keys(args, func(i int, _ KeyFlags) { got = append(got, string(args[i])) })
		if strings.Join(got, " ") != want {
			t.Errorf("%s: keys %q, want %q", line, got, want)
		}
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	args := words("SET key value")
	n := 0
	visit := func(int, KeyFlags) { n++ }
	if a := testing.AllocsPerRun(100, func() { Find(args).Keys(args, visit) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func BenchmarkFind(b *testing.B) {
	args := words("SET key value")
	for b.Loop() {
		Find(args)
	}
}
