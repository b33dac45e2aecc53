package proxy

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"strings"

	"holdfast/backend/command"
	"holdfast/backend/resp"
)

// The replies that the proxy gives itself, in Redis's words.
var (
	ok      = []byte("+OK\r\n")
	pong    = []byte("+PONG\r\n")
	queuedR = []byte("+QUEUED\r\n")

	errNoAuth    = appendError("NOAUTH Authentication required.")
	errSyntax    = appendError("ERR syntax error")
	badName      = appendError("ERR Client names cannot contain spaces, newlines or special characters.")
	errProtected = appendError("DENIED The proxy runs in protected mode because protected-mode is enabled and no password is set: it takes connections from the loopback interface only. Set requirepass, or protected-mode no.")
	errMaxOpen   = appendError("ERR max number of clients reached")
)

func appendError(text string) []byte { return resp.AppendError(nil, text) }

func wrongArity(cmd *command.Command) []byte {
	return appendError("ERR wrong number of arguments for '" + cmd.Full + "' command")
}

// notThrough refuses what a proxy cannot pass on.
func notThrough(name []byte) []byte {
	return appendError(fmt.Sprintf("ERR %s is not possible through a proxy", printable(name)))
}

// printable bounds a word of a client for an error text.
func printable(b []byte) string {
	if len(b) > 128 {
		b = b[:128]
	}
	return strings.ToUpper(string(b))
}

// is tells whether a word of a request is word, in any case.
func is(b []byte, word string) bool {
	return len(b) == len(word) && bytes.EqualFold(b, []byte(word))
}

// validName tells whether a client may call itself so: printable and without
// blanks, since CLIENT LIST is separated by them.
func validName(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

// sameSecret compares in a time that tells nothing but the length.
func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
