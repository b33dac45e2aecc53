// Package geo is the arithmetic of Redis's geographical index: places on earth
// as scores of a sorted set, and back.
//
// A score is a geohash of 52 bits: longitude and latitude, each as 26 bits of
// its share of the range that there is, their bits alternating. Places in one
// cell of the grid that the first bits span have scores in one range, so a
// search asks for the ranges of at most nine cells around its centre (Shape.Cells)
// and then measures every place in them (Shape.Contains).
//
// Everything is computed in the steps of Redis (geohash.c, geohash_helper.c), so
// that replies are equal to the last digit. Two things guard that. Conversions like
// float64(x*y)+z keep compilers from fusing operations, which round once instead of
// twice. And sine, cosine and arcsine are rounded correctly, which Go's often are not.
// (glibc's nearly always are: a distance that is stored as a score has another last bit
// than Redis's in half a percent of cases.)
//
// # What it does not do
//
// The earth is a sphere here, which is wrong by up to half a percent, and cannot
// be searched at the poles.
package geo
