package backend

import "holdfast/backend/internal/repl"

// What a strong link is shown was the newest state when it was read: there was no
// other master then, whose writes this one does not know. The proof is
// that enough holders confirm a record which was appended after the reading: had a
// new master been chosen before, too many of them would have sealed. The rules:
//
//  1. One proof serves all that a batch shows. Any record does that no replica can
//     have had before the batch ended: a write of the batch itself, or one that is
//     not published yet; else an empty one is appended.
//  2. A write that changed nothing is a read.
//  3. Only a master that serves is asked: a replica, a sealed node and a master that
//     drains refuse, and the proxy looks for the one that does.
//  4. Where no confirmations are asked for the lease is the proof, and without one
//     there is none.

// mustBeProved tells whether a command shows what a later master may have changed.
func (h *handler) mustBeProved() bool { return h.shows != showsNothing }

// mustProve notes that a reply of the batch needs a proof.
func (s *session) mustProve(h *handler) {
	if h.mustBeProved() {
		s.batch.proves = true
	}
}

// proofFor is proof for a batch that needs one, else 0.
func (n *Node) proofFor(b *batch) uint64 {
	if !b.proves {
		return 0
	}
	return n.proof()
}

// proof returns an offset whose confirmation proves that nobody else is master now.
// What it appends is published with the batch, or by the caller. The engine lock is
// held.
func (n *Node) proof() uint64 {
	if !n.unit.leads || n.confirm.Confirmed() == repl.Everything {
		return 1 // waits for nothing but a lease that is over
	}
	if n.stream.Published() == n.stream.Offset() {
		n.unit.record(func() bool { n.stream.Ping(); return true })
	}
	return n.stream.Offset()
}
