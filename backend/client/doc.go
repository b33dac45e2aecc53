// Package client is a small RESP client for the parts of Holdfast that talk to
// a server now and then: probes, sentinels, the command line, drills.
//
// A Conn is one connection with one user at a time. Do sends a request and
// waits for its reply; Send, Flush and Receive pipeline. Every wait has a
// deadline. Push frames are set aside: they are given to a callback, or
// dropped, and never taken for a reply.
//
// After any failure other than an error reply the connection is closed and
// every later call fails: a reply that came late would otherwise be taken for
// the answer to the next request. The package never dials again by itself and
// never sends a request twice; its callers know what may be repeated.
//
// It does not pool, does not route, and is not meant for hot paths: it
// allocates for every reply.
package client
