package script

import "strings"

// plainWords are texts whose ends say something else in PUC Lua. Where they
// name a table it is the only type that openCalls leaves over.
var plainWords = []struct{ theirs, plain string }{
	{"attempt to call a non-function object", "attempt to call a table value"},
	{"__unm undefined", "attempt to perform arithmetic on a table value"},
	{"for statement init must be a number", "'for' initial value must be a number"},
	{"for statement limit must be a number", "'for' limit must be a number"},
	{" can not yield from outside of a coroutine", "attempt to yield across metamethod/C-call boundary"},
	{"for statement step must be a number", "'for' step must be a number"},
}

// plainText puts an error of the interpreter in PUC Lua's words, which people
// know and search for. An error of anything else is returned as it is.
func plainText(text string) string {
	const (
		index  = "attempt to index a non-table object("
		concat = "cannot perform concat operation between "
		other  = "cannot perform "
		arg    = "bad argument #"
	)
	if at := strings.Index(text, arg); at >= 0 {
		head, rest, _ := strings.Cut(text[at:], " to ")
		name, why, ok := strings.Cut(rest, " (")
		if ok && !strings.HasPrefix(name, "'") {
			return text[:at] + head + " to '" + name + "' (" + why
		}
		return text
	}
	for _, w := range plainWords {
		if head, ok := strings.CutSuffix(text, w.theirs); ok {
			return head + w.plain
		}
	}
	at := strings.Index(text, index)
	if at >= 0 {
		kind, _, _ := strings.Cut(text[at+len(index):], ")")
		return text[:at] + "attempt to index a " + kind + " value"
	}
	if at = strings.Index(text, concat); at >= 0 {
		left, right, _ := strings.Cut(text[at+len(concat):], " and ")
		if left == "string" || left == "number" {
			left = right
		}
		return text[:at] + "attempt to concatenate a " + left + " value"
	}
	if at = strings.Index(text, other); at >= 0 {
		if _, kinds, ok := strings.Cut(text[at:], " operation between "); ok {
			left, right, _ := strings.Cut(kinds, " and ")
			if left == "number" {
				left = right
			}
			return text[:at] + "attempt to perform arithmetic on a " + left + " value"
		}
	}
	return text
}
