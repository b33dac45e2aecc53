package commands

import "slices"

// Rows returns the table of all handlers.
func Rows() []Row {
	return slices.Concat(hashRows, listRows, setRows, zsetRows)
}
