package commands

import "testing"

func TestSortedSets(t *testing.T) {
	r := newRig(t)
	r.script(`
		ZADD z 1 a 2 b 1.5 c => :3
		ZADD z 3 a => :0
		ZADD z CH 4 a 5 d => :2
		ZADD z NX 9 a 9 e => :1
		ZADD z XX 1 a 1 f => :0
		ZADD z GT CH 0 a 7 b => :1
		ZADD z LT CH 0 a 9 b => :1
		ZADD z INCR 2 a => 2
		ZADD z NX INCR 2 a => nil
		ZADD z XX INCR 2 zzz => nil
		ZADD nothing XX 1 a => :0
		ZADD z NX XX 1 a => -ERR XX and NX options at the same time are not compatible
		ZADD z GT LT 1 a => -ERR GT, LT, and/or NX options at the same time are not compatible
		ZADD z INCR 1 a 2 b => -ERR INCR option supports a single increment-element pair
		ZADD z 1 => -ERR syntax error
		ZADD z 1 a 2 => -ERR syntax error
		ZADD z x a => -ERR value is not a valid float
		ZADD z nan a => -ERR value is not a valid float
		ZADD z inf i => :1
		ZINCRBY z -inf i => -ERR resulting score is not a number (NaN)
		ZREM z i nothing => :1
		ZREM nothing i => :0
		ZINCRBY z 0.5 a => 2.5
		ZCARD z => :5
		ZCARD nothing => :0
		ZSCORE z a => 2.5
		ZSCORE z nothing => nil
		ZSCORE nothing a => nil
		ZMSCORE z a nothing c => [2.5 nil 1.5]
		ZMSCORE nothing a => [nil]
		ZRANGE z 0 -1 WITHSCORES => [c 1.5 a 2.5 d 5 b 7 e 9]
		ZRANK z a => :1
		ZREVRANK z a => :3
		ZRANK z a WITHSCORE => [:1 2.5]
		ZRANK z nothing => nil
		ZRANK z nothing WITHSCORE => nil-array
		ZRANK z a WITHSCORES => -ERR syntax error
		ZRANK z a WITHSCORE x => -ERR wrong number of arguments for 'zrank' command
		ZSCAN z 0 MATCH [ac] => [0 [c 1.5 a 2.5]]
		ZRANDMEMBER nothing => nil
		ZADD one 1 a => :1
		ZRANDMEMBER one => a
		ZRANDMEMBER one -2 WITHSCORES => [a 1 a 1]
		SADD s a => :1
		ZADD s 1 a => -WRONGTYPE Operation against a key holding the wrong kind of value
		ZREM z a b c d e => :5
		ZCARD z => :0
	`)
	r.Proto = 3
	r.script(`
		ZSCORE one a => ,1
		ZRANGE one 0 -1 WITHSCORES => [[a ,1]]
		ZRANDMEMBER one 1 WITHSCORES => [[a ,1]]
		ZRANK one a WITHSCORE => [:0 ,1]
		ZPOPMIN one 1 => [[a ,1]]
		ZPOPMIN one => []
	`)
}

func TestSortedSetRanges(t *testing.T) {
	r := newRig(t)
	r.script(`
		ZADD z 1 a 2 b 3 c 4 d 5 e => :5
		ZRANGE z 1 2 => [b c]
		ZRANGE z 0 1 REV => [e d]
		ZREVRANGE z 0 1 WITHSCORES => [e 5 d 4]
		ZREVRANGE z -2 -1 => [b a]
		ZRANGE z (1 3 BYSCORE => [b c]
		ZRANGE z 3 (1 BYSCORE REV => [c b]
		ZRANGE z -inf +inf BYSCORE LIMIT 1 2 => [b c]
		ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2 => [d c]
		ZRANGE z -inf +inf BYSCORE LIMIT 3 -1 => [d e]
		ZRANGE z -inf +inf BYSCORE LIMIT -1 2 => []
		ZRANGE z -inf +inf BYSCORE LIMIT 9 2 => []
		ZRANGE z 0 1 LIMIT 0 1 => -ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
		ZRANGE z [a [b BYLEX WITHSCORES => -ERR syntax error, WITHSCORES not supported in combination with BYLEX
		ZRANGE z x 1 BYSCORE => -ERR min or max is not a float
		ZRANGE z a b BYLEX => -ERR min or max not valid string range item
		ZRANGE z a b => -ERR value is not an integer or out of range
		ZRANGE z 0 1 BYSCORE BYLEX => -ERR syntax error
		ZRANGEBYSCORE z 2 3 WITHSCORES => [b 2 c 3]
		ZRANGEBYSCORE z 2 3 REV => -ERR syntax error
		ZREVRANGEBYSCORE z 3 2 LIMIT 0 1 => [c]
		ZCOUNT z (1 4 => :3
		ZCOUNT z 5 1 => :0
		ZCOUNT nothing 1 5 => :0
		ZADD l 0 a 0 b 0 c 0 d => :4
		ZRANGEBYLEX l - + => [a b c d]
		ZRANGEBYLEX l [b (d => [b c]
		ZREVRANGEBYLEX l + (b LIMIT 0 1 => [d]
		ZREVRANGEBYLEX l - + => []
		ZLEXCOUNT l [b + => :3
		ZRANGESTORE d z 1 2 => :2
		ZRANGE d 0 -1 WITHSCORES => [b 2 c 3]
		ZRANGESTORE d z 5 4 BYSCORE REV LIMIT 1 1 => :1
		ZRANGE d 0 -1 => [d]
		ZRANGESTORE d z 0 1 WITHSCORES => -ERR syntax error
		ZRANGESTORE d nothing 0 1 => :0
		ZCARD d => :0
		ZREMRANGEBYRANK z 0 0 => :1
		ZREMRANGEBYSCORE z (2 3 => :1
		ZREMRANGEBYLEX l [a [b => :2
		ZREMRANGEBYRANK z 5 9 => :0
		ZRANGE z 0 -1 => [b d e]
		ZREMRANGEBYRANK z 0 -1 => :3
		ZREMRANGEBYRANK z 0 -1 => :0
	`)
}

func TestSortedSetAlgebra(t *testing.T) {
	r := newRig(t)
	r.script(`
		ZADD a 1 x 2 y 3 z => :3
		ZADD b 10 y 20 z 30 w => :3
		SADD s x y => :2
		ZUNION 2 a b WITHSCORES => [x 1 y 12 z 23 w 30]
		ZUNION 2 a s WITHSCORES => [x 2 y 3 z 3]
		ZUNION 2 a b WEIGHTS 2 0.5 WITHSCORES => [x 2 y 9 w 15 z 16]
		ZUNION 2 a b AGGREGATE MAX WITHSCORES => [x 1 y 10 z 20 w 30]
		ZINTER 2 a b WITHSCORES => [y 12 z 23]
		ZINTER 2 a b AGGREGATE MIN => [y z]
		ZINTER 2 a nothing => []
		ZINTER 2 a a WITHSCORES => [x 2 y 4 z 6]
		ZDIFF 2 a b WITHSCORES => [x 1]
		ZDIFF 2 a a => []
		ZINTERCARD 2 a b => :2
		ZINTERCARD 2 a b LIMIT 1 => :1
		ZINTERCARD 2 a b LIMIT -1 => -ERR LIMIT can't be negative
		ZDIFF 2 a b WEIGHTS 1 1 => -ERR syntax error
		ZUNION 0 a => -ERR at least 1 input key is needed for 'zunion' command
		ZUNION 3 a b => -ERR syntax error
		ZUNION 2 a b WEIGHTS 1 => -ERR syntax error
		ZUNION 2 a b WEIGHTS 1 x => -ERR weight value is not a float
		ZUNION 2 a b AGGREGATE AVG => -ERR syntax error
		ZUNIONSTORE d 2 a b => :4
		ZRANGE d 0 -1 => [x y z w]
		ZUNIONSTORE d 2 a b WITHSCORES => -ERR syntax error
		ZINTERSTORE d 2 a b WEIGHTS 1 -1 => :2
		ZRANGE d 0 -1 WITHSCORES => [z -17 y -8]
		ZDIFFSTORE a 2 a b => :1
		ZRANGE a 0 -1 => [x]
		ZDIFFSTORE a 2 a s => :0
		ZCARD a => :0
		ZADD i inf x => :1
		ZADD j -inf x => :1
		ZUNION 2 i j WITHSCORES => [x 0]
		ZUNION 1 i WEIGHTS 0 WITHSCORES => [x 0]
		HSET h f v => :1
		ZUNION 2 b h => -WRONGTYPE Operation against a key holding the wrong kind of value
	`)
}

func TestSortedSetPops(t *testing.T) {
	r := newRig(t)
	r.script(`
		ZADD z 1 a 2 b 3 c 4 d 5 e => :5
		ZPOPMIN z => [a 1]
		ZPOPMAX z 2 => [e 5 d 4]
		ZPOPMIN z 0 => []
		ZPOPMIN z -1 => -ERR value is out of range, must be positive
		ZPOPMIN z 1 1 => -ERR syntax error
		ZPOPMIN nothing => []
		ZMPOP 2 nothing z MIN => [z [[b 2]]]
		ZMPOP 1 z MAX COUNT 5 => [z [[c 3]]]
		ZMPOP 1 z MAX => nil-array
		ZMPOP 1 z MIDDLE => -ERR syntax error
		ZMPOP 0 z MAX => -ERR numkeys should be greater than 0
		BZPOPMIN z 1 => nil-array
		BZMPOP 1 1 z MIN => nil-array
	`)
	r.CanWait = true
	if got := r.line("BZPOPMAX z 2"); got != "waits" || r.Waiting().Until != r.Now+2000 {
		t.Errorf("BZPOPMAX: %s until %d", got, r.Waiting().Until)
	}
	r.line("ZADD z 1 a 2 b 3 c 4 d")
	for _, c := range [][3]string{
		{"BZPOPMIN nothing z 0", "[z a 1]", "ZPOPMIN z"},
		{"BZPOPMAX z 0", "[z d 4]", "ZPOPMAX z"},
		{"BZMPOP 0 1 z MAX COUNT 7", "[z [[c 3] [b 2]]]", "ZPOPMAX z 2"},
	} {
		if got := r.line(c[0]); got != c[1] || r.propagated() != c[2] {
			t.Errorf("%s => %s, propagates %q, want %s, %q", c[0], got, r.propagated(), c[1], c[2])
		}
	}
}
