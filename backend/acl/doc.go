// Package acl says who may do what: users and their passwords, the rules that
// give them commands, keys and channels, and the log of what was refused. It
// knows nothing of connections; a node, a sentinel and a proxy use it alike.
//
// # The journey of a rule
//
// The rules of a user come as words: of ACL SETUSER, of a `user` line of the
// configuration, of a line of the ACL file (file.go). rules.go applies them one
// by one to a copy of what the user had; only when all of them were understood
// does the copy take the place of the old one. What commands mean is known to
// package command; a user keeps one bit per command and subcommand.
//
// # The journey of a check
//
// A session holds its *User. The pointer stays the same for the user's life and
// what it leads to is replaced as a whole, so that a change of rules reaches
// every session at once and no check ever sees half of one. Two facts are worked
// out when the rules change, not when a command runs: whether the user may do
// everything (Unrestricted), and which commands it may run whatever their
// arguments are. Only the rest has its keys and channels looked at (check.go).
//
// A user that was deleted may do nothing: whoever still holds it is safe.
//
// All exported functions may be called by any goroutine, except those of Log.
//
// The rules, their order, their texts and the form they are printed in are those
// of Redis 7.2 (acl.c). What differs keeps all that is printed readable: the words
// of a selector are separated by blanks alone, so that a quote in a pattern is a
// quote, and none but the last may end with the parenthesis that closes it; a first
// argument holds no blank.
package acl
