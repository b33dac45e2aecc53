package proxy

import (
	"net"
	"strings"
	"testing"
)

// A client that asks for far more than it reads is closed by its output limit,
// whatever it asks by, and what it was still to get is passed over: others on the
// same connection to the node have their replies.
func TestClientThatDoesNotReadIsClosed(t *testing.T) {
	r := startRedis(t)
	for name, requests := range map[string][]string{
		"requests":          {"GET large"},
		"a transaction":     {"MULTI", "GET large", "GET large", "EXEC"},
		"blocking requests": {"XREAD BLOCK 0 STREAMS stream 0"},
	} {
		t.Run(name, func(t *testing.T) {
			p, addr := startProxy(t, "--master", r.addr, "--client-output-buffer-limit", "normal 1mb 0 0")
			slow, other := rawConnect(t, addr), connect(t, addr)
			if err := slow.Conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil { // the kernel does not read for it
				t.Fatal(err)
			}
			other.want("OK", "SET", "large", strings.Repeat("x", 2<<20))
			other.do("DEL", "stream")
			other.do("XADD", "stream", "*", "f", strings.Repeat("x", 2<<20))
			for range 10 {
				for _, request := range requests {
					slow.send(strings.Fields(request)...)
				}
			}
			eventually(t, "it is closed", func() bool {
				other.want("PONG", "PING")
				other.want("OK", "SET", "k", "v")
				return p.clients.Load() == 1
			})
			other.want("v", "GET", "k")
		})
	}
}
