package netio

import "testing"

func TestLongOutputsFindLargeBuffers(t *testing.T) {
	l := new(Loop)
	l.giveBack(make([]byte, 10, 100<<10))
	if b := l.buffer(10); cap(b) != bufferSize {
		t.Errorf("a short output got %d bytes", cap(b))
	}
	if b := l.buffer(80 << 10); cap(b) != 100<<10 || len(b) != 0 {
		t.Errorf("a long output got %d of %d bytes", len(b), cap(b))
	}
	if b := l.buffer(80 << 10); cap(b) != bufferSize {
		t.Errorf("the second long output got %d bytes, which the first one has", cap(b))
	}
	for range 2 * largeList {
		l.giveBack(make([]byte, 0, keepLarge))
		l.giveBack(make([]byte, 0, keepLarge+1))
	}
	if len(l.large) != largeList || len(l.free) != 0 {
		t.Errorf("%d large and %d small buffers are kept", len(l.large), len(l.free))
	}
}
