package topology

import "sync"

// Watch holds the newest Topology and tells those who wait that it changed. It
// is safe for concurrent use.
type Watch struct {
	mu      sync.Mutex
	current *Topology
	changed chan struct{} // closed at the next change; nil until someone waits
}

// Current returns the newest Topology, nil before the first.
func (w *Watch) Current() *Topology {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current
}

// Offer makes t the current Topology if it is newer, and says whether it was.
func (w *Watch) Offer(t *Topology) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !t.Newer(w.current) {
		return false
	}
	w.current = t
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
	return true
}

// Next returns the current Topology and a channel that is closed when a newer
// one has come. Call Next again after that.
func (w *Watch) Next() (*Topology, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	return w.current, w.changed
}
