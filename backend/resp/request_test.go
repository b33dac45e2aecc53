package resp

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"
)

// feed parses stream as it arrives in pieces of the given size and returns one
// line of quoted arguments per request, and the error that ended it.
func feed(r *Requests, stream string, piece int) (requests []string, err error) {
	var buf []byte
	for len(stream) > 0 {
		n := min(piece, len(stream))
		buf = append(buf, stream[:n]...)
		stream = stream[n:]
		for {
			args, size, err := r.Next(buf)
			if err != nil {
				return requests, err
			}
			if size == 0 {
				break
			}
			requests = append(requests, fmt.Sprintf("%q", args))
			buf = buf[size:]
		}
	}
	return requests, nil
}

func TestRequestsInPiecesOfAnySize(t *testing.T) {
	stream := "*2\r\n$3\r\nGET\r\n$1\r\na\r\n" +
		"PING\r\n" +
		"*0\r\n" +
		"\r\n" +
		"set \"a b\" 'c\\'d'\n" +
		"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$2\r\n\r\n\r\n" +
		"*-1\r\n" +
		"*1\r\n$4\r\nQUIT\r\n"
	want := []string{
		`["GET" "a"]`, `["PING"]`, `[]`, `[]`, `["set" "a b" "c'd"]`, `["SET" "" "\r\n"]`, `[]`, `["QUIT"]`,
	}
	for piece := 1; piece <= len(stream); piece++ {
		got, err := feed(new(Requests), stream, piece)
		if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("pieces of %d: %v, %v", piece, got, err)
		}
	}
}

func TestProtocolErrorsAreRedis(t *testing.T) {
	for stream, want := range map[string]string{
		"*x\r\n":                               "invalid multibulk length",
		"*2147483648\r\n":                      "invalid multibulk length",
		"*1\r\nGET\r\n":                        "expected '$', got 'G'",
		"*1\r\n\x01\r\n":                       "expected '$', got '\x01'",
		"*1\r\n$x\r\n":                         "invalid bulk length",
		"*1\r\n$-1\r\n":                        "invalid bulk length",
		"*1\r\n$536870913\r\n":                 "invalid bulk length",
		"*" + strings.Repeat("1", MaxInline+1): "too big mbulk count string",
		"*1\r\n$" + strings.Repeat("1", 70000): "too big bulk count string",
		strings.Repeat("x", MaxInline+1):       "too big inline request",
		"get \"unbalanced\r\n":                 "unbalanced quotes in request",
		"get \"closed\"behind\r\n":             "unbalanced quotes in request",
	} {
		_, err := feed(new(Requests), stream, len(stream))
		var p ProtocolError
		if !errors.As(err, &p) || string(p) != want {
			t.Errorf("%.40q: %v, want %s", stream, err, want)
		}
	}
}

func TestLimitsBeforeAuthentication(t *testing.T) {
	for stream, want := range map[string]string{
		"*11\r\n":            "unauthenticated multibulk length",
		"*1\r\n$16385\r\n":   "unauthenticated bulk length",
		"*10\r\n$16384\r\nx": "",
	} {
		_, err := feed(&Requests{Unauthenticated: true}, stream, len(stream))
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) {
			t.Errorf("%q: %v", stream, err)
		}
	}
}

func TestRequestsDoNotAllocate(t *testing.T) {
	stream := []byte("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n")
	var r Requests
	if a := testing.AllocsPerRun(100, func() {
		if _, n, err := r.Next(stream); n != len(stream) || err != nil {
			t.Fatal(n, err)
		}
	}); a != 0 {
		t.Errorf("%v allocations a request", a)
	}
}

// A large request in small reads must not be looked at from its start again.
func TestLargeRequestIsLinear(t *testing.T) {
	const args = 200_000
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", args)
	for range args {
		b.WriteString("$1\r\nx\r\n")
	}
	all := b.Bytes()
	var r Requests
	for end := 1000; end < len(all); end += 1000 {
		before := len(r.ends)
		if _, n, err := r.Next(all[:end]); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		if grown := len(r.ends) - before; grown > 1000 {
			t.Fatalf("%d arguments in one read of 1000 bytes", grown)
		}
	}
	got, n, err := r.Next(all)
	if len(got) != args || n != len(all) || err != nil {
		t.Fatal(len(got), n, err)
	}
}

func FuzzRequests(f *testing.F) {
	for _, s := range []string{"*1\r\n$4\r\nPING\r\n", "ping\r\n", "*2\r\n$1\r\na\r\n$-1\r\n", "\"\\x41\"\n"} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		piece = max(1, piece%64)
		whole, err1 := feed(new(Requests), string(stream), max(1, len(stream)))
		parts, err2 := feed(new(Requests), string(stream), piece)
		if strings.Join(whole, "\n") != strings.Join(parts, "\n") || (err1 == nil) != (err2 == nil) {
			t.Fatalf("whole: %v %v, in pieces of %d: %v %v", whole, err1, piece, parts, err2)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	stream := []byte("*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000001\r\n$5\r\nvalue\r\n")
	var r Requests
	for b.Loop() {
		_, _, _ = r.Next(stream)
	}
}

// A client that has sent one large request and then small ones must not hold on
// to the memory of the large one.
func TestReleaseLetsGo(t *testing.T) {
	var r Requests
	large := []byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n" + strings.Repeat("x", 100_000) + "\r\n")
	held := weak.Make(&large[0])
	if _, n, err := r.Next(large); n != len(large) || err != nil {
		t.Fatal(n, err)
	}
	r.Release(large)
	large = nil
	if _, n, err := r.Next([]byte("*1\r\n$4\r\nPING\r\n*2\r\n$3")); n != 14 || err != nil {
		t.Fatal(n, err)
	}
	runtime.GC()
	if held.Value() != nil {
		t.Error("the large request is still held")
	}
	runtime.KeepAlive(&r)
}

func TestReleaseKeepsTheIncompleteRequest(t *testing.T) {
	var r Requests
	const words = 2000
	in := slices.Grow([]byte(fmt.Sprintf("*%d\r\n", words)+strings.Repeat("$1\r\nx\r\n", words)), 100_000)
	if _, n, err := r.Next(in[:len(in)-1]); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	r.Release(in)
	if args, n, err := r.Next(in); len(args) != words || n != len(in) || err != nil {
		t.Fatal(len(args), n, err)
	}
}
