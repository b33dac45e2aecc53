//go:build !race

package backend_test

// longCount is how far a script counts that is to take half a second or so.
const longCount = 12_000_000
