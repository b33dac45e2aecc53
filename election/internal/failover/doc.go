// Package failover decides what the leader of the sentinels does next.
//
// Step is the whole of it: from the committed state of a group, from what the
// nodes have answered this leader, and from the moment, it derives commits to
// propose and requests to send. It is pure: no I/O, no goroutine, no clock, no
// random number. The caller carries the actions out and feeds the answers back
// in through the methods of Answers.
//
// Answers is volatile. A leader that takes over begins with an empty one, asks
// again, and comes to the same decisions: every request is idempotent or
// refused by epoch, and everything that must not be decided twice is in the
// committed state.
//
// Beside the steps of a failover it keeps the holders what they should be
// (holders.go) and, where the master serves without them, its lease (lease.go).
//
// The package does not judge whether a node is down (package health) and does
// not keep the rules of the log (package group).
package failover
