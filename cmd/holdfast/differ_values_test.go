package main_test

import "strings"

// The pools that values are drawn from. Small ones, so that commands meet each
// other's data; the odd ones among them are wrong, huge, empty or binary.
var (
	keysOf = map[string][]string{
		"string":      {"s1", "s2", "s3", "n1", "n2", "f1"},
		"bitmap":      {"b1", "b2", "s1", "n1"},
		"list":        {"l1", "l2", "l3", "l4"},
		"hash":        {"h1", "h2", "h3"},
		"set":         {"t1", "t2", "t3", "i1", "i2"},
		"sorted-set":  {"z1", "z2", "z3"},
		"stream":      {"x1", "x2", "x3"},
		"geo":         {"g1", "g2"},
		"hyperloglog": {"p1", "p2", "p3"},
	}
	otherKeys = []string{"none1", "none2", "none3", "", "a key with spaces", "k\xff"}

	texts = []string{"a", "b", "c", "d", "e", "foo", "bar", "field", "1", "2", "3", "10", "-5", "3.5", "", "foo bar",
		"\xff\x80\x01", strings.Repeat("long", 20), "Palermo", "Catania", "m1", "m2", "9223372036854775807"}
	integers = []string{"0", "1", "2", "3", "5", "7", "10", "64", "100", "-1", "-2", "-3", "-100"}
	// Few digits in base 2: 7.2 prints the shortest form, 7.0 all 17 digits.
	doubles  = []string{"0", "1", "1.5", "-2.25", "3", "10", "0.125", "38.5", "100", "2000", "1e3", "inf", "-inf"}
	oddWords = []string{"", "abc", "1x", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1.5", "nan", "inf",
		"1e400", "0x10", " 1", "+1", "-0", "00", "4294967296", "-1", "0", "\x01", "*", "~", "(", "[", "$", ">", "(1", "[a"}

	// poolOf gives the values of arguments by their names, where the type says
	// too little.
	poolOf = map[string][]string{
		"unix-time-seconds":      {"1", "33177117420", "4102444800"},
		"unix-time-milliseconds": {"1", "33177117420000", "4102444800000"},
		"min":                    {"-inf", "(1", "1", "0", "-", "[a", "(b", "+", "[", "(", "3"},
		"max":                    {"+inf", "(3", "3", "10", "+", "[c", "(d", "-", "[", "(", "5"},
		"start":                  {"0", "1", "-1", "-2", "2", "-", "+", "(1-1", "1-1", "1", "5", "[a", "(1", "-inf"},
		"stop":                   {"0", "1", "-1", "-2", "2", "10", "+", "[c", "(3", "+inf"},
		"end":                    {"0", "1", "-1", "-2", "2", "10", "-", "+", "5-1", "(9-1", "5"},
		"id":                     {"1-1", "2-1", "3-0", "5-1", "9-9", "0", "0-0", "$", "100-*", "200-1", "300-1", "1", "5-", "-"},
		"last-id":                {"1-1", "5-1", "100-1", "0-0"},
		"lastid":                 {"1-1", "5-1", "100-1", "0-0"},
		"max_deleted_entry_id":   {"1-1", "0-0", "5-1"},
		"threshold":              {"0", "1", "2", "10", "2-1", "1-1"},
		"group":                  {"grp1", "grp2", "nogroup"},
		"groupname":              {"grp1", "grp2", "nogroup"},
		"consumer":               {"alice", "bob", "eve"},
		"consumername":           {"alice", "bob", "eve"},
		"min-idle-time":          {"0", "1000000"},
		"ms":                     {"0", "1000"},
		"cursor":                 {"0"},
		"encoding":               {"u8", "i8", "u1", "i16", "u63", "i64", "u64", "i5"},
		"offset":                 {"0", "1", "7", "8", "100", "#0", "#1", "#2"},
		"value":                  {"a", "b", "1", "10", "-5", "3.5", "", "foo bar", "\x00\xff\x80", "9223372036854775807"},
		"element":                {"a", "b", "c", "1", "2", "10", "foo", "", "\x00\xff\x80"},
		"operation":              {"AND", "OR", "XOR", "NOT", "and"},
		"bit":                    {"0", "1"},
		"db":                     {"0", "1", "2"},
		"destination-db":         {"0", "1", "2"},
		"index1":                 {"0", "1", "2", "3"},
		"index2":                 {"0", "1", "2", "3"},
		"timeout":                {"0.001", "0.002", "1"},
		"numreplicas":            {"0"},
		"pattern":                {"*", "s*", "?1", "[a-l]*", "nomatch", "w_*", "#", "h*->field", "*->f1", "nosort", "\\*", "[^s]?"},
		"script":                 {"return 1", "return {1,2,{3,'x'}}", "return redis.call('get',KEYS[1])", "return ARGV[1]", "return redis.error_reply('MY err')", "return redis.call('incr',KEYS[1])", "return {ok='fine'}", "return 3.7", "return nil", "return true", "return false", "return redis.pcall('lpush',KEYS[1],'a')", "return #KEYS + #ARGV"},
		"sha1":                   {"e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "ffffffffffffffffffffffffffffffffffffffff", "abc"},
		"type":                   {"string", "list", "hash", "set", "zset", "stream", "nothing"},
		"command":                {"get", "set", "lpush", "nocommand", "xadd"},
		"command-name":           {"get", "set", "mget", "nocommand"},
		"categoryname":           {"read", "write", "string", "dangerous", "nocategory"},
		"username":               {"default", "nobody"},
		"section":                {"nosection"},
		"protover":               {"2", "3", "4"},
		"parameter":              {"maxmemory", "hz", "appendonly", "no-such-setting", "maxmemory-policy"},
		"subcommand":             {"encoding", "decode", "getreg", "todense"},
		"longitude":              {"13.361389", "15.087269", "0", "-122.4", "181"},
		"latitude":               {"38.115556", "37.502669", "0", "45.5", "86"},
		"radius":                 {"0", "1", "100", "200", "5000"},
		"width":                  {"100", "400"},
		"height":                 {"100", "400"},
		"channel":                {"ch1", "ch2"},
		"version":                {"7.0"},
		"library-name":           {"lib1", "nolib"},
		"function":               {"f_one", "f_two"},
		"function-code":          {"#!lua name=lib1\nredis.register_function('f_one',function(k,a) return 1 end)", "#!lua name=lib2\nredis.register_function{function_name='f_two',callback=function(k,a) return k end,flags={'no-writes'}}", "return 1"},
	}
)

// seedLines fill both servers before each round.
var seedLines = []string{
	"SET s1 hello", "SET s2 12345", "SET s3 the-quick-brown-fox-jumps-over-the-lazy-dog-and-then-some-more", "SET n1 10", "SET n2 -7", "SET f1 3.25",
	"SETBIT b1 7 1", "SET b2 \xff\xf0\x00",
	"RPUSH l1 a b c d e a b", "RPUSH l2 1 2 3 10 2", "RPUSH l3 foo", "RPUSH l4 3 1 2",
	"HSET h1 field 1 a 2 b 3", "HSET h2 f1 v1 f2 10 f3 2.5", "HSET h3 foo bar",
	"SADD t1 a b c d", "SADD t2 c d e foo", "SADD t3 x", "SADD i1 1 2 3 10", "SADD i2 2 3 100 -5",
	"ZADD z1 1 a 2 b 3 c 4 d", "ZADD z2 1 b 1 c 1 d 1 e", "ZADD z3 -1.5 foo 10 bar",
	"XADD x1 1-1 f1 v1", "XADD x1 2-1 f1 v2 f2 w2", "XADD x1 5-1 f1 v3", "XADD x2 3-0 a b", "XGROUP CREATE x1 grp1 0", "XGROUP CREATE x1 grp2 $",
	"XGROUP CREATE x3 grp1 $ MKSTREAM", "XREADGROUP GROUP grp1 alice COUNT 2 STREAMS x1 >",
	"GEOADD g1 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", "GEOADD g2 -122.4 37.7 m1 2.35 48.85 m2",
	"PFADD p1 a b c d e", "PFADD p2 c d e f g 1 2 3", "SET w_1 5", "SET w_2 3", "SET w_3 9", "SET w_10 1",
	"EXPIRE s2 100000", "PEXPIREAT l3 4102444800000",
}
