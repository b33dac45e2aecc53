package commands

import "slices"

// Rows returns the table of all handlers.
func Rows() []Row {
	return slices.Concat(bitmapRows, dumpRows, expireRows, geoRows, hashRows, hllRows, keyRows, listRows, setRows, sortRows,
		streamRows, stringRows, zsetRows)
}
