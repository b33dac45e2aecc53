// Package netio is what the faces of Holdfast need from gnet and do not find
// there: output buffers that are written once per turn, a hook at the end of a
// loop's turn, timers and a mailbox per loop, pausing of reads, dialling onto
// the same loop, and handing a connection over to a goroutine.
//
// # The journey of some bytes
//
// A turn of the loop is our own (poller.run): it asks epoll what there is and
// passes it to gnet, which reads from a socket and calls Server.OnTraffic on the
// loop that owns the connection. The Conn passes what it has to its Session,
// which consumes whole frames and says how much it took; the rest is kept.
// Whatever the session writes, on this connection or on any other of the same
// loop, collects in output buffers on the loop's dirty list. When the session
// returns, every dirty buffer goes out with one write(2). A connection may
// choose to be flushed only at the end of the loop's turn (SetBufLater), when all
// that epoll reported has been handled: that gathers the requests of many clients
// into one write to their upstream, and wakes the clients of a node once they all
// have something to read.
//
// # Rules
//
//  1. A Conn, a Timer and all else of a Loop are touched on that loop only.
//     Other goroutines use Loop.Post.
//  2. A Conn writes nothing after it was closed: its descriptor may already
//     belong to somebody else.
//  3. A strict connection passes bytes to gnet only while gnet has none left,
//     so that what is in our buffer has certainly not been sent.
//
// Handlers run to completion: a slow one delays everybody on its loop. A panic
// in a handler is not caught, since half-changed state must not be served.
package netio
