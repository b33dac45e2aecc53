// Package group is what the sentinels agree on: the raft state machine.
//
// A State is immutable. Apply takes one committed entry and returns the next
// State together with the events it means, in Redis's words; every sentinel
// applies the same entries in the same order and so prints the same events.
// Nothing here reads a clock or draws a random number: times and ids come with
// the entry.
//
// A command carries what it was decided upon (an epoch, a run id, a version).
// When the state has moved on meanwhile, Apply refuses it and changes nothing,
// so a late proposal of a deposed leader does no harm.
//
// # The journey of a group
//
//	Create ─▶ Born ─Seal─▶ Sealing ─Choose─▶ Promoting ─Open─▶ Stable
//	                          ▲ ▲               │ Seal           │ │
//	                          │ └───────────────┘                │ │ Switch
//	                          ├──────────────Seal────────────────┘ ▼
//	                          └──────────────Seal────────── Switching
//
// Each Seal takes a new epoch. Choose commits who owns it, Open that its
// barrier is confirmed. Change and Adopt are the two steps of a change of the
// holders and happen only in Stable.
//
// The package does not decide: package failover does, from this state and from
// what the nodes answer.
package group
