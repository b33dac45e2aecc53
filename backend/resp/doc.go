// Package resp is the wire code of RESP2 and RESP3: it finds requests and
// replies in a stream of bytes and appends replies to a buffer.
//
// It does no I/O and keeps no goroutine. Everything it returns from a parse
// aliases the caller's buffer and is valid only until that buffer changes.
// Parsers are resumable: an incomplete frame costs no second look at the parts
// already seen, so that a large request arriving in small reads is linear.
//
// It does not decide anything about commands, and it does not convert replies
// between protocol versions.
package resp
