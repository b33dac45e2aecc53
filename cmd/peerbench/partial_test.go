package main

import (
	"io"
	"net"
	"testing"
	"time"
)

// A relay counts what comes from the far end since it was restored, and passes on
// nothing while it is cut.
func TestRelay(t *testing.T) {
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	go func() { // answers each byte with two
		for {
			c, err := far.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for b := make([]byte, 1); ; {
					if _, err := io.ReadFull(c, b); err != nil {
						return
					}
					c.Write([]byte("ok"))
				}
			}()
		}
	}()
	way, err := newRelay(far.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer way.close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", way.addr())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(time.Minute))
		t.Cleanup(func() { c.Close() })
		return c
	}
	asks := func(c net.Conn) error {
		c.Write([]byte("?"))
		_, err := io.ReadFull(c, make([]byte, 2))
		return err
	}
	c := dial()
	for range 3 {
		if err := asks(c); err != nil {
			t.Fatal(err)
		}
	}
	if got := way.moved.Load(); got != 6 {
		t.Errorf("%d bytes were counted", got)
	}
	way.cut()
	if asks(c) == nil || asks(dial()) == nil {
		t.Error("something came through though the way was cut")
	}
	way.restore()
	if err := asks(dial()); err != nil || way.moved.Load() != 2 {
		t.Errorf("%v; %d bytes were counted since it was restored", err, way.moved.Load())
	}
}
