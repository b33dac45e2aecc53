// Package probe watches one node over the network and carries requests to it.
//
// A Probe is one goroutine with one connection. To a native node that is its
// control port, which answers while a script runs or a copy is loaded; the
// data port is asked only for where the control port is. To a plain Redis it is
// the data port. Whatever happens — a connection, a reply, a loss — goes as a
// Report to the owner, which judges; the package judges nothing.
//
// The followers send PING; the leader sends PROBE in its place, which is just
// as good a sign of life. Requests are sent one at a time and each has a
// deadline; after one that failed the connection is made anew, so an answer can
// never be taken for that of another request. Nothing is sent twice.
package probe
