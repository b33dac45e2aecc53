// Package consensus keeps the sentinels' log: it is the only package that knows
// the raft library.
//
// A Node is one member. Members are listed by configuration, identically on
// every member; there is no discovery, because two lists that differ at the
// first start are two groups. Propose appends an entry, waits until a majority
// has it on disk and it was applied here, and returns what applying it said.
//
// A member whose disk stalls while it leads would keep the others waiting: its
// heartbeats go on though nothing commits. A watchdog on Propose therefore
// silences it until the disk answers again (gate.go), and the others elect.
//
// The package knows nothing of groups and nodes. It does not promise that a
// leader is still the leader when Propose is called, only that an entry is
// applied in the same order everywhere.
package consensus
