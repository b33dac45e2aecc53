// Package latency keeps what a node tells of time: which commands were slow
// (Log), at what moments something took long (Monitor), and how long calls take
// (Times). SLOWLOG, LATENCY and the percentiles of INFO are made of it.
//
// It reads no clock and does not judge what is slow: its owner measures, compares
// with its settings and hands over what is to be kept. Everything is bounded: a Log
// by the length its owner names, a Monitor by samplesKept for each kind of event,
// Times by the buckets of a histogram.
//
// Nothing here has a lock of its own.
package latency
