//go:build race

package backend_test

// longCount is how far a script counts that is to take half a second or so: the race
// detector makes it slow.
const longCount = 1_500_000
