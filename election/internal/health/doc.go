// Package health judges, for one sentinel, whether a node answers.
//
// It is pure: the caller reports what it saw and when, and asks for a verdict
// at a moment. The rules are Redis Sentinel's (sentinel.c,
// sentinelCheckSubjectivelyDown and sentinelCheckTiltCondition): a node is
// subjectively down (SDOWN) after down-after-milliseconds without a valid
// reply; PONG, LOADING and MASTERDOWN are valid; a master that calls itself a
// replica for too long is down as well.
//
// Time in which this process did not run is not held against a node: the
// replies may be sitting in our own socket buffers. See Clock.
//
// A verdict says nothing about data. A wrong one costs a failover.
package health
