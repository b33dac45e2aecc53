// Package freeport finds ports for tests whose servers are told where to listen.
//
// A port that the kernel chose for a listener which is closed again is in the
// range that outgoing connections are given theirs from: until the server binds
// it, any connection on the machine may take it, or another test that asks in
// the same moment. The ports from here lie below that range, each process hands
// out those of a block that it has for itself, and comes back to one only when
// it has been through all of them.
package freeport

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// The ports that blocks are cut from; the first of a block is listened on by the
// process that has it, until it ends.
const (
	first     = 10000
	end       = 32768 // where Linux's ip_local_port_range begins
	blockSize = 250
)

var block struct {
	sync.Mutex
	claim net.Listener // of its first port; nil without a block
	base  int
	next  int // offset of the port to try
}

// Port is a port of 127.0.0.1 on which nothing listens.
func Port(t testing.TB) int {
	t.Helper()
	block.Lock()
	defer block.Unlock()
	if block.claim == nil && !claim() {
		t.Fatal("all blocks of ports are taken")
	}
	for range blockSize - 1 {
		block.next = block.next%(blockSize-1) + 1
		port := block.base + block.next
		if ln := listen(port); ln != nil {
			ln.Close()
			return port
		}
	}
	t.Fatalf("something listens on every port from %d on", block.base)
	return 0
}

// Addr is Port with its host.
func Addr(t testing.TB) string {
	t.Helper()
	return addr(Port(t))
}

// claim takes a block that no other process has.
func claim() bool {
	const blocks = (end - first) / blockSize
	for _, i := range rand.Perm(blocks) {
		block.base = first + i*blockSize
		if block.claim = listen(block.base); block.claim != nil {
			return true
		}
	}
	return false
}

// listen is nil where the port is taken.
func listen(port int) net.Listener {
	ln, err := net.Listen("tcp", addr(port))
	if err != nil {
		return nil
	}
	return ln
}

func addr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
