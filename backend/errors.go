package backend

// The errors that more than one command of the face replies, in Redis's words.
const (
	errSyntax     = "ERR syntax error"
	errNotInt     = "ERR value is not an integer or out of range"
	errClientName = "ERR Client names cannot contain spaces, newlines or special characters."
)

func errUnknownSub(container, sub string) string {
	return "ERR unknown subcommand or wrong number of arguments for '" + sub + "'. Try " + container + " HELP."
}
