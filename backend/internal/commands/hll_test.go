package commands

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func TestHyperLogLog(t *testing.T) {
	r := newRig(t)
	r.script(`
		PFCOUNT nothing => :0
		PFCOUNT nothing neither => :0
		PFADD h => :1
		PFADD h => :0
		PFADD h a b c => :1
		PFADD h a => :0
		PFCOUNT h => :3
		PFADD g c d => :1
		PFCOUNT h g nothing => :4
		PFMERGE m h g => OK
		PFCOUNT m => :4
		PFDEBUG ENCODING m => sparse
		PFDEBUG TODENSE m => :1
		PFDEBUG TODENSE m => :0
		PFDEBUG ENCODING m => dense
		PFDEBUG DECODE m => -ERR HLL encoding is not sparse
		PFDEBUG NO m => -ERR Unknown PFDEBUG subcommand 'NO'
		PFDEBUG ENCODING nothing => -ERR The specified key does not exist
		PFMERGE g m => OK
		PFDEBUG ENCODING g => dense
		PFSELFTEST => OK
		OBJECT ENCODING h => raw
		SET s text => OK
		PFADD s a => -WRONGTYPE Key is not a valid HyperLogLog string value.
		PFCOUNT s => -WRONGTYPE Key is not a valid HyperLogLog string value.
		PFMERGE x s => -WRONGTYPE Key is not a valid HyperLogLog string value.
		RPUSH l 1 => :1
		PFADD l a => -WRONGTYPE Operation against a key holding the wrong kind of value
		EXISTS x => :0
	`)
	r.do("APPEND", "h", "x")
	r.script(`
		PFADD h d => :1
		PFCOUNT h => -INVALIDOBJ Corrupted HLL object detected
	`)
	for _, c := range []struct{ request, propagated string }{
		{"PFADD n a", "PFADD n a"}, {"PFADD n a", ""}, {"PFCOUNT n", "PFCOUNT n"}, {"PFCOUNT n", ""}, {"PFMERGE n", "PFMERGE n"},
		{"PFDEBUG GETREG n", "PFDEBUG GETREG n"}, {"PFDEBUG GETREG n", ""},
	} {
		if r.line(c.request); r.propagated() != c.propagated {
			t.Errorf("%s is propagated as %q", c.request, r.propagated())
		}
	}
}

// TestHyperLogLogBytesSameAsRedis compares the strings themselves, across the encodings.
func TestHyperLogLogBytesSameAsRedis(t *testing.T) {
	redis := startRedis(t)
	r := newRig(t)
	r.now(time.Now())
	seed := newSeed(t)
	g := rand.New(rand.NewPCG(seed, 4))
	for round := range 3000 {
		key := fmt.Sprint("h", g.IntN(6))
		request := []string{"PFADD", key}
		switch g.IntN(20) {
		case 0:
			request = []string{"PFMERGE", key, fmt.Sprint("h", g.IntN(6)), fmt.Sprint("h", g.IntN(6))}
		case 1:
			request = []string{"PFCOUNT", key, fmt.Sprint("h", g.IntN(6))}
		case 2:
			request = []string{"PFCOUNT", key}
		case 3:
			if request = []string{"DEL", key}; g.IntN(4) > 0 {
				request = []string{"PFDEBUG", []string{"DECODE", "GETREG", "ENCODING", "TODENSE"}[g.IntN(4)], key}
			}
		default:
			for range g.IntN(20) * (1 + 10*g.IntN(2)) {
				request = append(request, fmt.Sprintf("%0*d", 1+g.IntN(20), g.IntN(1<<(4+g.IntN(30)))))
			}
		}
		got, want := string(r.do(request...)), string(redis.do(request...))
		if got != want {
			t.Fatalf("request %d of seed %d: %.200q\n got %.2000s\nwant %.2000s", round, seed, request, got, want)
		}
		if got, want := string(r.do("GET", key)), string(redis.do("GET", key)); got != want {
			t.Fatalf("request %d of seed %d: %.200q leaves\n %.2000q, want\n %.2000q", round, seed, request, got, want)
		}
	}
	if !sameDigest(r, redis) {
		t.Errorf("seed %d: the digests differ", seed)
	}
}
