package backend

import (
	"testing"
	"time"
)

// A lease is counted from the issue of its nonce, ends a little early, and is
// never made shorter by one that was issued before.
func TestLease(t *testing.T) {
	const second = int64(time.Second)
	var l lease
	if l.holds(0) {
		t.Error("a lease that nobody granted")
	}
	if end := leaseEnd(10*second, 2*time.Second); end != 12*second-int64(100*time.Millisecond) {
		t.Errorf("2 s from 10 s on end at %v", time.Duration(end))
	}
	if end := leaseEnd(0, 200*time.Millisecond); end != int64(180*time.Millisecond) {
		t.Errorf("200 ms end at %v", time.Duration(end))
	}
	l.extend(12*second, 11*second, 3*second)
	if !l.holds(12*second-1) || l.holds(12*second) || l.soon.Load() != 4*second {
		t.Errorf("%+v, want its end at 12 s, which is 4 s on the other clock", &l)
	}
	if l.extend(11*second, 11*second, 3*second) || !l.holds(12*second-1) {
		t.Error("an older lease cut it short")
	}
	l.extend(endless, 11*second, 3*second)
	if !l.holds(endless - 1) {
		t.Error("without fencing it ends")
	}
	if l.end(); l.holds(0) {
		t.Error("it outlived its end")
	}
}

// A nonce says when and where it was issued.
func TestNonce(t *testing.T) {
	n, other := &Node{runID: randomID(20)}, &Node{runID: randomID(20)}
	before := bootTime()
	nonce := n.nonce()
	if at, ok := n.issued(nonce); !ok || at < before || at > bootTime() {
		t.Errorf("issued at %d, %v", at, ok)
	}
	for _, bad := range []string{"", "-", "1", other.nonce(), "x!-" + n.runID} {
		if _, ok := n.issued(bad); ok {
			t.Errorf("%q was taken for a nonce", bad)
		}
	}
}
