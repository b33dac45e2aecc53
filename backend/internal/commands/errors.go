package commands

// The errors that more than one command replies, in Redis's words (server.c,
// createSharedObjects, and the parsers of object.c and util.c).
const (
	errWrongType    = "WRONGTYPE Operation against a key holding the wrong kind of value"
	errSyntax       = "ERR syntax error"
	errNotInt       = "ERR value is not an integer or out of range"
	errNotFloat     = "ERR value is not a valid float"
	errNoKey        = "ERR no such key"
	errIndexRange   = "ERR index out of range"
	errOutOfRange   = "ERR value is out of range"
	errNotPositive  = "ERR value is out of range, must be positive"
	errSameObject   = "ERR source and destination objects are the same"
	errOverflow     = "ERR increment or decrement would overflow"
	errNaN          = "ERR increment would produce NaN or Infinity"
	errTimeout      = "ERR timeout is not a float or out of range"
	errTimeoutRange = "ERR timeout is out of range"
	errTimeoutNeg   = "ERR timeout is negative"
	errMinMaxFloat  = "ERR min or max is not a float"
	errMinMaxLex    = "ERR min or max not valid string range item"
	errOOM          = "OOM command not allowed when used memory > 'maxmemory'."
)
