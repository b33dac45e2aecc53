package backend_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestOOMScore(t *testing.T) {
	score := func() int {
		t.Helper()
		text, err := os.ReadFile("/proc/self/oom_score_adj")
		if err != nil {
			t.Skipf("the kernel keeps no score: %v", err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	base := score()
	p := begin(t, t.TempDir())
	if _, err := ask(t, p.data, "CONFIG", "SET", "oom-score-adj", "yes", "oom-score-adj-values", "1 2 3"); err != nil {
		t.Fatal(err)
	}
	check := func(when string, want int) {
		t.Helper()
		if got := score(); got != want {
			t.Errorf("%s: %d, want %d", when, got, want)
		}
	}
	check("of a master", base+1)
	p.must("REPLICAOF 127.0.0.1 1")
	check("of a replica", base+2)
	p.must("REPLICAOF NO ONE")
	check("of a master again", base+1)
	if _, err := ask(t, p.data, "CONFIG", "SET", "oom-score-adj-values", "1 2 2001"); err == nil || !strings.Contains(err.Error(), "between -2000 and 2000") {
		t.Errorf("a score out of bounds: %v", err)
	}
	p.must("CONFIG SET oom-score-adj no")
	check("once it is off", base)
}
