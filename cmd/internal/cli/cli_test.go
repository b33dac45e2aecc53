package cli

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"testing"

	"holdfast/backend/resp"
)

func TestFormat(t *testing.T) {
	for wire, want := range map[string]string{
		"+OK\r\n":                        "OK\n",
		"-ERR no\r\n":                    "(error) ERR no\n",
		":7\r\n":                         "(integer) 7\n",
		"$-1\r\n":                        "(nil)\n",
		"_\r\n":                          "(nil)\n",
		"$5\r\na\"\n\x01b\r\n":           `"a\"\n\x01b"` + "\n",
		"#t\r\n":                         "(true)\n",
		",1.5\r\n":                       "(double) 1.5\n",
		"*0\r\n":                         "(empty array)\n",
		"%0\r\n":                         "(empty hash)\n",
		"*2\r\n$1\r\na\r\n:1\r\n":        "1) \"a\"\n2) (integer) 1\n",
		"*2\r\n*2\r\n+a\r\n+b\r\n+c\r\n": "1) 1) a\n   2) b\n2) c\n",
		"%1\r\n+k\r\n:1\r\n":             "1# k => (integer) 1\n",
		"~1\r\n+m\r\n":                   "1~ m\n",
	} {
		v, err := resp.Parse([]byte(wire))
		if err != nil {
			t.Fatalf("%q: %v", wire, err)
		}
		if got := Format(v); got != want {
			t.Errorf("%q: %q, want %q", wire, got, want)
		}
	}
}

func TestRaw(t *testing.T) {
	v, err := resp.Parse([]byte("*3\r\n$1\r\na\r\n:1\r\n*1\r\n$-1\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := Raw(v); got != "a\n1\n\n" {
		t.Errorf("%q", got)
	}
}

func TestPrompt(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		for in := bufio.NewScanner(c); in.Scan(); {
			switch in.Text() {
			case "PING":
				c.Write([]byte("+PONG\r\n"))
			case "BAD":
				c.Write([]byte("-ERR bad\r\n"))
			}
		}
	}()
	var out bytes.Buffer
	c := New(Options{Addr: ln.Addr().String()}, &out)
	defer c.Close()
	if err := c.Prompt(t.Context(), strings.NewReader("PING\n\n\"unclosed\nBAD\nexit\nPING\n"), false); err != nil {
		t.Fatal(err)
	}
	if want := "PONG\nInvalid argument(s)\n(error) ERR bad\n"; out.String() != want {
		t.Errorf("%q, want %q", &out, want)
	}
}
