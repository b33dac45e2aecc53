package script

import (
	"bytes"

	"holdfast/backend/resp"
)

// Flags are what a script declares in its first line, "#!lua flags=…"
// (eval.c, evalExtractShebangFlags).
type Flags struct {
	// Compat is set when there is no such line: the script may do anything the
	// caller may, and each of its commands is checked as it comes.
	Compat       bool
	NoWrites     bool
	AllowOOM     bool
	AllowStale   bool
	NoCluster    bool
	AllowCrossed bool
}

// MayWrite tells whether write commands are allowed.
func (f Flags) MayWrite() bool { return !f.NoWrites }

// parseShebang reads the declaration and returns its length without the line
// feed, which stays so that line numbers are the author's. fail is an error
// text without its code.
func parseShebang(text []byte) (f Flags, length int, fail string) {
	if !bytes.HasPrefix(text, []byte("#!")) {
		return Flags{Compat: true}, 0, ""
	}
	length = bytes.IndexByte(text, '\n')
	if length < 0 {
		return f, 0, "Invalid script shebang"
	}
	words, ok := resp.SplitArgs(text[:length])
	if !ok || len(words) == 0 {
		return f, 0, "Invalid engine in script shebang"
	}
	if string(words[0]) != "#!lua" {
		return f, 0, "Unexpected engine in script shebang: " + string(words[0])
	}
	for _, word := range words[1:] {
		list, ok := bytes.CutPrefix(word, []byte("flags="))
		if !ok {
			return f, 0, "Unknown lua shebang option: " + string(word)
		}
		if len(list) == 0 {
			continue
		}
		for _, name := range bytes.Split(list, []byte(",")) {
			if !f.set(string(name)) {
				return f, 0, "Unexpected flag in script shebang: " + string(name)
			}
		}
	}
	return f, length, ""
}

func (f *Flags) set(name string) bool {
	switch name {
	case "no-writes":
		f.NoWrites = true
	case "allow-oom":
		f.AllowOOM = true
	case "allow-stale":
		f.AllowStale = true
	case "no-cluster":
		f.NoCluster = true
	case "allow-cross-slot-keys":
		f.AllowCrossed = true
	default:
		return false
	}
	return true
}
