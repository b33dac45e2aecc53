package client

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"holdfast/backend/resp"
)

// script serves one connection: it answers the n-th request with the n-th
// reply, in small pieces, and reports the requests.
func script(t *testing.T, replies ...string) (addr string, requests <-chan []string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan []string, len(replies)+1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		serve(nc, replies, seen)
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return ln.Addr().String(), seen
}

func serve(nc net.Conn, replies []string, seen chan<- []string) {
	var in resp.Requests
	var buf []byte
	for {
		args, n, err := in.Next(buf)
		if err != nil {
			return
		}
		if n > 0 {
			var texts []string
			for _, a := range args {
				texts = append(texts, string(a))
			}
			seen <- texts
			buf = buf[n:]
			if len(replies) == 0 {
				continue // a request without a reply: the client waits
			}
			for _, piece := range strings.SplitAfter(replies[0], "\n") {
				nc.Write([]byte(piece))
			}
			replies = replies[1:]
			continue
		}
		chunk := make([]byte, 7)
		got, err := nc.Read(chunk)
		if err != nil {
			return
		}
		buf = append(buf, chunk[:got]...)
	}
}

func dial(t *testing.T, addr string, opt Options) *Conn {
	t.Helper()
	c, err := Dial(context.Background(), addr, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestDo(t *testing.T) {
	big := strings.Repeat("x", 100_000)
	addr, requests := script(t, "+OK\r\n", "+PONG\r\n", "-ERR no\r\n", "$100000\r\n"+big+"\r\n", ":1\r\n")
	c := dial(t, addr, Options{User: "u", Password: "p"})
	if got := <-requests; strings.Join(got, " ") != "AUTH u p" {
		t.Fatalf("authenticated with %q", got)
	}
	ctx := context.Background()
	if v, err := c.Do(ctx, "PING"); err != nil || v.Text != "PONG" {
		t.Fatalf("PING: %+v, %v", v, err)
	}
	var refused resp.Error
	if _, err := c.Do(ctx, "BAD"); !errors.As(err, &refused) || refused != "ERR no" {
		t.Fatalf("an error reply came back as %v", err)
	}
	if v, err := c.Do(ctx, "GET", "k"); err != nil || v.Text != big {
		t.Fatalf("a large reply: %d bytes, %v", len(v.Text), err)
	}
	if v, err := c.Do(ctx, "EXISTS", "k"); err != nil || v.Int != 1 {
		t.Fatalf("the request after a large reply: %+v, %v", v, err)
	}
}

func TestPipelineAndPushes(t *testing.T) {
	var pushes []string
	addr, _ := script(t, ">2\r\n+note\r\n+a\r\n+1\r\n", "+2\r\n>1\r\n+b\r\n", "+3\r\n")
	c := dial(t, addr, Options{OnPush: func(v resp.Value) { pushes = append(pushes, strings.Join(v.Strings(), " ")) }})
	ctx := context.Background()
	for _, name := range []string{"A", "B", "C"} {
		c.Send(name)
	}
	if err := c.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(ctx, "D"); err == nil {
		t.Fatal("Do in the middle of a pipeline took another request's reply")
	}
	for _, want := range []string{"1", "2", "3"} {
		if v, err := c.Receive(ctx); err != nil || v.Text != want {
			t.Fatalf("got %+v, %v; want %s", v, err, want)
		}
	}
	if strings.Join(pushes, ",") != "note a,b" {
		t.Fatalf("pushes: %q", pushes)
	}
}

// A timed out request must poison the connection: its late reply would answer
// the next request.
func TestDeadlinePoisons(t *testing.T) {
	for name, ctxOf := range map[string]func() (context.Context, context.CancelFunc){
		"deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 20*time.Millisecond)
		},
		"cancel": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(20*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			addr, _ := script(t)
			c := dial(t, addr, Options{})
			ctx, cancel := ctxOf()
			defer cancel()
			started := time.Now()
			if _, err := c.Do(ctx, "GET", "k"); err == nil || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
				t.Fatalf("no reply, yet Do returned %v", err)
			}
			if d := time.Since(started); d > 30*time.Second {
				t.Fatalf("waited %v", d)
			}
			if _, err := c.Do(context.Background(), "GET", "k"); !errors.Is(err, ErrClosed) {
				t.Fatalf("the connection was used again: %v", err)
			}
		})
	}
}

func TestBadReplies(t *testing.T) {
	for _, reply := range []string{"?what\r\n", "$-7\r\n", "$2000\r\n" + strings.Repeat("y", 2000) + "\r\n"} {
		addr, _ := script(t, reply)
		c := dial(t, addr, Options{MaxReply: 1000})
		if _, err := c.Do(context.Background(), "PING"); err == nil {
			t.Errorf("%.10q was accepted", reply)
		}
		if c.Broken() == nil {
			t.Errorf("%.10q left the connection usable", reply)
		}
	}
}

func TestDialFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	if _, err := Dial(context.Background(), addr, Options{}); err == nil {
		t.Fatal("connected to a closed port")
	}
	addr, _ = script(t, "-WRONGPASS invalid username-password pair or user is disabled.\r\n")
	if _, err := Dial(context.Background(), addr, Options{Password: "x"}); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Fatalf("a refused AUTH: %v", err)
	}
}
