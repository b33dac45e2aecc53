// Package freeport finds ports for tests whose servers are told where to listen.
//
// A port that the kernel chose for a listener which is closed again is in the
// range that outgoing connections are given theirs from: until the server binds
// it, any connection on the machine may take it, or another test that asks in
// the same moment. The ports from here lie below that range, each process hands
// out those of a block that it has for itself, and comes back to one only when
// it has been through all of them. A node listens ten thousand above its port,
// too, where it is told nothing else: those ports are as much the block's.
package freeport

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// The ports that blocks are cut from; the first of a block is listened on by the
// process that has it, until it ends. The highest control port lies below 32768,
// where Linux's ip_local_port_range begins.
const (
	first     = 10000
	end       = 20000
	blockSize = 500
	control   = 10000 // from a node's port to its control port
)

var block struct {
	sync.Mutex
	claim net.Listener // of its first port; nil without a block
	base  int
	next  int // offset of the port to try
}

// Port is a port of 127.0.0.1 on which nothing listens, nor on its control port.
func Port(t testing.TB) int {
	t.Helper()
	return Range(t, 1)
}

// Addr is Port with its host.
func Addr(t testing.TB) string {
	t.Helper()
	return addr(Port(t))
}

// Range is the first of n consecutive ports like Port's.
func Range(t testing.TB, n int) int {
	t.Helper()
	block.Lock()
	defer block.Unlock()
	if block.claim == nil && !claim() {
		t.Fatal("all blocks of ports are taken")
	}
	for range blockSize {
		if block.next+n >= blockSize {
			block.next = 0
		}
		from := block.base + block.next + 1
		if allFree(from, n) {
			block.next += n
			return from
		}
		block.next++
	}
	t.Fatalf("there are no %d free ports from %d on", n, block.base)
	return 0
}

func allFree(from, n int) bool {
	for port := from; port < from+n; port++ {
		if !free(port) || !free(port+control) {
			return false
		}
	}
	return true
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

func free(port int) bool {
	ln := listen(port)
	if ln != nil {
		ln.Close()
	}
	return ln != nil
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
