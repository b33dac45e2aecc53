package resp

import (
	"strings"
	"testing"
)

// What Ahead tells are words of what Requests finds, and it looks at
// nothing that Requests would not take as whole requests.
func TestAheadGlancesAtWhatComes(t *testing.T) {
	set := func(key string) string { return "*3\r\n$3\r\nSET\r\n" + bulk(key) + bulk("v") }
	const all = -1
	many := strings.Repeat(set("a")+set("b"), 10)
	for _, c := range []struct {
		name, buf, words string
		which, n         int
	}{
		{"nothing", "", "", 1, 0},
		{"two", set("a") + set("b"), "a b", 1, 2 * len(set("a"))},
		{"the same again", set("a") + set("a") + set("b") + set("a"), "a b a", 1, 4 * len(set("a"))},
		{"one without", "*1\r\n$4\r\nPING\r\n" + set("a"), "a", 1, 14 + len(set("a"))},
		{"an empty word", set("a") + "*2\r\n$3\r\nGET\r\n$0\r\n\r\n" + set("b"), "a", 1, all},
		{"long ones", set(strings.Repeat("k", 999)) + set(strings.Repeat("k", 1000)), strings.Repeat("k", 999), 1, all},
		{"incomplete", set("a") + set("b")[:20], "a", 1, all},
		{"inline", set("a") + "GET b\r\n" + set("c"), "a", 1, all},
		{"the words behind", set("a") + "*4\r\n$4\r\nHSET\r\n" + bulk("a") + bulk("f") + bulk("x") + "*1\r\n$4\r\nPING\r\n", "v f", 2, all},
		{"more of the same than fit", strings.Repeat(set("a"), 20), "a", 1, 8 * len(set("a"))},
		{"more than fit", many, "a b a b a b a b", 1, 8 * len(set("a"))},
	} {
		if c.n == all {
			c.n = len(c.buf)
		}
		words, n := Ahead([]byte(c.buf), c.which, make([][]byte, 0, 8))
		var got []string
		for _, w := range words {
			got = append(got, string(w))
		}
		if strings.Join(got, " ") != c.words || n != c.n {
			t.Errorf("%s: words %.50q, looked at %d bytes; want %.50q and %d", c.name, got, n, c.words, c.n)
		}
	}
}

// bulk is one word of a request.
func bulk(s string) string { return string(AppendBulkString(nil, s)) }

func TestAheadDoesNotAllocate(t *testing.T) {
	buf := []byte(strings.Repeat("*2\r\n$3\r\nGET\r\n"+bulk("a")+"*2\r\n$3\r\nGET\r\n"+bulk("b"), 50))
	if n := testing.AllocsPerRun(100, func() {
		var words [64][]byte
		if _, n := Ahead(buf, 1, words[:0]); n == 0 {
			t.Error("it looked at nothing")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
