// Package load makes load on anything that speaks RESP and tells what became
// of every request. The drills, the bench and peerbench share it.
//
// There are two kinds. Run offers throughput: canned commands on N connections,
// closed loop (send, wait, send) or open loop (a fixed rate; latency counts
// from the moment a request was due, so that a stall is charged with every
// request it delayed and not with one: no coordinated omission). Verified
// offers proof: every write carries a unique value, a ledger keeps what was
// acknowledged, refused and left unknown, and Audit reads everything back and
// counts what was lost, doubled or out of order.
//
// Requests are encoded once and replies are not decoded beyond their first
// byte, so that the generator costs little beside what it measures. It does
// cost: on a machine that also runs the servers, its processor time is taken
// from theirs.
//
// What it does not do: it never sends a write again, whatever the reply; and
// its ledger is about the connections it drove, so other writers must leave
// its keys alone.
package load
