// Package native is the sentinel's half of the native protocol between
// sentinels and nodes (package backend documents it): the requests as argument
// lists and the replies as values.
//
// It does no I/O and decides nothing. A reply that lacks a field, or holds
// something unreadable in one, is an error: half an answer must not take part
// in a choice.
package native
