package resp

import (
	"fmt"
	"strings"
	"testing"
)

// every is one reply of each form.
var every = []string{
	"+OK\r\n", "-ERR no\r\n", ":12\r\n", "$3\r\nabc\r\n", "$0\r\n\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "_\r\n", "#t\r\n",
	",1.5\r\n", "(123456789012345678901234567890\r\n", "=7\r\ntxt:abc\r\n", "!5\r\nERR x\r\n",
	"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n", "%1\r\n+a\r\n*2\r\n:1\r\n:2\r\n", "~2\r\n:1\r\n:2\r\n",
	">3\r\n+message\r\n+c\r\n$1\r\nm\r\n", "|1\r\n+ttl\r\n:9\r\n:5\r\n",
}

func TestRepliesInPiecesOfAnySize(t *testing.T) {
	stream := strings.Join(every, "")
	for piece := 1; piece <= len(stream); piece++ {
		var r Replies
		var buf []byte
		var got []string
		for rest := stream; len(rest) > 0; {
			n := min(piece, len(rest))
			buf, rest = append(buf, rest[:n]...), rest[n:]
			for len(buf) > 0 {
				size, err := r.Next(buf)
				if err != nil {
					t.Fatal(err)
				}
				if size == 0 {
					break
				}
				got = append(got, string(buf[:size]))
				buf = buf[size:]
			}
		}
		if strings.Join(got, "|") != strings.Join(every, "|") {
			t.Fatalf("pieces of %d: %q", piece, got)
		}
	}
}

func TestBadReplies(t *testing.T) {
	for _, s := range []string{"?\r\n", "$x\r\n", "$-2\r\n", "*-2\r\n", "*99999999999\r\n", "\r\n", "@1\r\n"} {
		var r Replies
		if n, err := r.Next([]byte(s)); err == nil {
			t.Errorf("%q: taken as a reply of %d bytes", s, n)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"+OK\r\n":                            "OK",
		"$-1\r\n":                            "null",
		"*-1\r\n":                            "null",
		"_\r\n":                              "null",
		":-5\r\n":                            "-5",
		"#t\r\n":                             "1",
		"=7\r\ntxt:abc\r\n":                  "abc",
		"*2\r\n:1\r\n*1\r\n$1\r\nx\r\n":      "[1 [x]]",
		"%1\r\n+a\r\n:1\r\n":                 "[a 1]",
		"|1\r\n+ttl\r\n:9\r\n:5\r\n":         "5",
		"*1\r\n|1\r\n+a\r\n+b\r\n+value\r\n": "[value]",
	} {
		v, err := Parse([]byte(text))
		if err != nil || show(v) != want {
			t.Errorf("%q: %s, %v", text, show(v), err)
		}
	}
	for _, text := range []string{"", "$3\r\nab", "*1\r\n", "+OK\r\n+OK\r\n", ":x\r\n", strings.Repeat("*1\r\n", 200) + ":1\r\n"} {
		if v, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q: parsed as %s", text, show(v))
		}
	}
	if v, _ := Parse([]byte("-ERR no\r\n")); v.Err() == nil || v.Err().Error() != "ERR no" {
		t.Errorf("error: %v", v.Err())
	}
}

func show(v Value) string {
	switch {
	case v.Null:
		return "null"
	case v.Kind == ':' || v.Kind == '#':
		return fmt.Sprint(v.Int)
	case v.Elems != nil:
		var parts []string
		for _, e := range v.Elems {
			parts = append(parts, show(e))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return v.Text
}

func TestAppendFollowsTheProtocol(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{string(AppendNull(nil, 2)), "$-1\r\n"},
		{string(AppendNull(nil, 3)), "_\r\n"},
		{string(AppendNullArray(nil, 2)), "*-1\r\n"},
		{string(AppendMap(nil, 2, 2)), "*4\r\n"},
		{string(AppendMap(nil, 3, 2)), "%2\r\n"},
		{string(AppendSet(nil, 3, 2)), "~2\r\n"},
		{string(AppendPush(nil, 3, 2)), ">2\r\n"},
		{string(AppendBool(nil, 3, true)), "#t\r\n"},
		{string(AppendBool(nil, 2, true)), ":1\r\n"},
		{string(AppendDouble(nil, 2, []byte("1.5"))), "$3\r\n1.5\r\n"},
		{string(AppendDouble(nil, 3, []byte("1.5"))), ",1.5\r\n"},
		{string(AppendVerbatim(nil, 3, "txt", "ab")), "=6\r\ntxt:ab\r\n"},
		{string(AppendVerbatim(nil, 2, "txt", "ab")), "$2\r\nab\r\n"},
		{string(AppendError(nil, "ERR two\r\nlines")), "-ERR two  lines\r\n"},
		{string(AppendCommand(nil, "GET", "a")), "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"},
		{string(AppendBulkInt(nil, -12)), "$3\r\n-12\r\n"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range every {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Replies
		if n, err := r.Next(b); err == nil && n > 0 {
			// What is a whole reply to the one is one to the other, unless
			// its texts are not what they claim to be.
			_, _ = Parse(b[:n])
		}
		_, _ = Parse(b)
	})
}

func BenchmarkReply(b *testing.B) {
	stream := []byte("$64\r\n" + strings.Repeat("x", 64) + "\r\n")
	var r Replies
	for b.Loop() {
		_, _ = r.Next(stream)
	}
}
