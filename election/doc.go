// Package election is the sentinel.
//
// # What a sentinel answers to proxies
//
//	HOLDFAST HELLO 1 → version, part ("sentinel"), id
//	HOLDFAST WATCH group
//	    → the group's topology as JSON in a bulk string, at once, again after
//	      every change, and once a second so that the receiver can tell a dead
//	      connection from a quiet one. The connection serves nothing else.
package election
