package proxy

import "holdfast/backend/netio"

// A client that closes its sending side sends no more requests. It may have left,
// which looks the same, or wait for the answers, as printf … | nc -N does: so it
// stays for what is on its way, and is closed
//
//  1. behind the last reply, also as a subscriber or with an open transaction;
//  2. at once while a command blocks on its behalf, as by Redis, or in place of one
//     that might: what that pops later would be lost;
//  3. as soon as its requests have to be held, since an application whose patience
//     is at an end has closed its connection and tries again elsewhere. What was
//     not sent is dropped then, as for any client that has left.

// Ended is netio's: the client sends no more.
func (c *client) Ended(*netio.Conn) (stay bool) {
	if c.answeredAll() || c.mustWait() {
		return false
	}
	c.finished = true
	c.l.finished[c] = struct{}{}
	return true
}

// answeredAll tells whether nothing is owed for what the client has sent.
func (c *client) answeredAll() bool { return c.pending == 0 && !c.stalled && !c.changing }

// mustWait tells whether the client's requests wait for more than their replies.
func (c *client) mustWait() bool {
	ln := c.lane
	return c.outrun != 0 || ln != nil && (ln.inTrouble() || ln.private && ln.q.hasBlocking())
}

// inTrouble tells whether the lane has lost its link or its master, or cannot have
// one; not so a lane that is new.
func (ln *lane) inTrouble() bool {
	return !ln.ready() && (ln.why != "" || !ln.l.masterServes())
}

// leaveAnswered closes the connection of a client that is to leave, or sends no
// more, once it has its answers.
func (c *client) leaveAnswered() {
	if c.leaving && c.pending == 0 || c.finished && c.answeredAll() {
		c.conn.CloseAfterWrite()
	}
}

// closeFinished closes the clients that send no more and whose requests would have
// to be held in the lane.
func (ln *lane) closeFinished() {
	if len(ln.l.finished) == 0 || !ln.inTrouble() {
		return
	}
	for c := range ln.l.finished {
		if c.lane == ln {
			c.conn.Close()
		}
	}
}
