package freeport

import (
	"net"
	"testing"
)

// A port comes back only after many others, and never while it is listened on.
func TestPortsDiffer(t *testing.T) {
	taken := Port(t)
	ln, err := net.Listen("tcp", addr(taken))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	lastSeen := make(map[int]int)
	for i := range 3 * blockSize {
		port := Port(t)
		if port == taken || port <= block.base || port >= block.base+blockSize {
			t.Fatalf("%d of the block from %d, with %d taken", port, block.base, taken)
		}
		if at, seen := lastSeen[port]; seen && i-at < blockSize/2 {
			t.Fatalf("%d came back after %d others", port, i-at)
		}
		lastSeen[port] = i
	}
}

// A range is one, control ports included.
func TestRangesAreFree(t *testing.T) {
	taken := Port(t) + control + 3
	ln, err := net.Listen("tcp", addr(taken))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	seen := make(map[int]bool)
	for range blockSize / 7 / 2 {
		from := Range(t, 7)
		if from <= block.base || from+7 > block.base+blockSize || from+control <= taken && taken < from+control+7 {
			t.Fatalf("from %d of the block from %d, with %d taken", from, block.base, taken)
		}
		for port := from; port < from+7; port++ {
			if seen[port] {
				t.Fatalf("%d was given away twice", port)
			}
			seen[port] = true
		}
	}
}

// Another process that asks finds the block taken.
func TestBlockIsClaimed(t *testing.T) {
	Port(t)
	if ln := listen(block.base); ln != nil {
		ln.Close()
		t.Error("nobody holds the block")
	}
}
