package conf

// Nearest is the directive of a part whose name is most like name; empty when none is like it.
func Nearest(part Part, name string) string { return nearest(part, name) }
