package command

import (
	"bytes"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"a", "", false}, {"a*", "a", true}, {"*a", "ba", true},
		{"h?llo", "hello", true}, {"h?llo", "hllo", false}, {"h*llo", "heeeello", true}, {"h*llo", "hellox", false},
		{"h[ae]llo", "hallo", true}, {"h[ae]llo", "hillo", false}, {"h[^e]llo", "hallo", true}, {"h[^e]llo", "hello", false},
		{"h[a-c]llo", "hbllo", true}, {"h[c-a]llo", "hbllo", true}, {"h[a-c]llo", "hdllo", false}, {`h\*llo`, "h*llo", true},
		{`h\*llo`, "hello", false}, {`[\]]`, "]", true}, {"[ab", "a", true}, {"[ab", "c", false}, {`a\`, `a\`, true},
		{"*a*b*c*", "xxaxxbxxcxx", true}, {"*a*b*c", "abcabd", false}, {"[a-]", "-", false}, {"a**b", "ab", true},
		{"key:*:[0-9]", "key:foo:7", true}, {"HELLO", "hello", false},
	} {
		if got := Match([]byte(c.pattern), []byte(c.s), false); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
	if !Match([]byte("H[A-C]?lo*"), []byte("hBLLOx"), true) {
		t.Error("folding does not ignore case")
	}
	// Must not take exponential time.
	if Match([]byte(strings.Repeat("a*", 30)+"b"), []byte(strings.Repeat("a", 1000)), false) {
		t.Error("matches what has no b")
	}
}

// Redis gives up behind 1000 stars, and the last one at the end is free.
func TestMatchGivesUpOnManyStars(t *testing.T) {
	s := bytes.Repeat([]byte("a"), 3000)
	for stars, want := range map[int]bool{1000: true, 1001: false, 1500: false} {
		if got := Match(bytes.Repeat([]byte("*?"), stars), s, false); got != want {
			t.Errorf("%d stars: %v", stars, got)
		}
	}
	if !Match(bytes.Repeat([]byte("*"), 5000), s, false) {
		t.Error("stars side by side are not one")
	}
}
