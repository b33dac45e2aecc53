package acl

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// hash is how passwords are kept: the SHA-256 in lower-case hex.
func hash(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

func isHash(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

// accepts tells whether one can log in with a password, in a time that does not
// depend on which of the characters are right.
func (r *rights) accepts(password []byte) bool {
	switch {
	case !r.enabled:
		return false
	case r.noPass:
		return true
	}
	given, found := []byte(hash(string(password))), 0
	for _, p := range r.passwords {
		found |= subtle.ConstantTimeCompare(given, []byte(p))
	}
	return found == 1
}

// GenPassBits is the largest and GenPassDefault the usual strength of a password
// that GenPass makes, in bits.
const (
	GenPassBits    = 4096
	GenPassDefault = 256
)

// GenPass returns a random password of at least the given strength, from 1 to
// GenPassBits, in hex.
func GenPass(bits int) string {
	digits := (bits + 3) / 4
	b := make([]byte, (digits+1)/2)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)[:digits]
}
