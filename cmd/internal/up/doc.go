// Package up runs a whole group on this machine: nodes, sentinels and proxies as
// child processes of one supervisor, on consecutive ports of 127.0.0.1.
//
// Its journey: Parse reads the command line; Plan turns it into the command
// line of every part, purely; Run checks that the ports are free, starts the
// parts, waits until every proxy serves a write and a read, writes DIR/up.json,
// and from then on starts again what dies, until it is told to stop.
//
// It is a way to try, to develop and to drill. All parts share one machine, so
// it does not survive what a group on three machines survives.
package up
