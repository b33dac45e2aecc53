// Package drill breaks parts of a running group under load and reports what
// its clients saw.
//
// One run: wait until the group is whole, start a verified load through the
// proxies, strike, wait until the group serves again and is whole again, stop
// the load, read everything back. What is waited for are conditions that the
// parts themselves report, each with a deadline.
//
// The pause it reports is the longest time in which no writer at all got an
// answer that was a success: what users of the service saw. Reads go on at the
// replicas meanwhile and are counted apart.
package drill
