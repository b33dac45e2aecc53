package conf

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// reader reads files of one part into settings and remembers what is wrong with them.
type reader struct {
	part     Part
	stdin    io.Reader
	settings []setting
	ignored  []Warning // sentinel lines that mean nothing here
	problems problems
	nesting  int
}

// maxNesting bounds include, so that a file that includes itself is an error and not the end of the stack.
const maxNesting = 16

// Stdin is the file name that means standard input, as for redis-server.
const Stdin = "-"

// file reads one file in the syntax its name says.
func (r *reader) file(name string) error {
	data, err := r.content(name)
	if err != nil {
		return err
	}
	if strings.HasSuffix(name, ".toml") {
		r.toml(name, data)
	} else {
		r.lines(name, data)
	}
	return nil
}

func (r *reader) content(name string) (string, error) {
	if name == Stdin {
		data, err := io.ReadAll(r.stdin)
		return string(data), err
	}
	data, err := os.ReadFile(name)
	return string(data), err
}

// lines reads redis.conf syntax: one directive and its words a line, # for comments, include for other files.
func (r *reader) lines(name, data string) {
	number := 0
	for line := range strings.SplitSeq(data, "\n") {
		number++
		line = strings.Trim(line, blanks)
		if line == "" || line[0] == '#' {
			continue
		}
		at := Place{name, number}
		words, ok := SplitArgs(line)
		switch {
		case !ok:
			r.problems.add(at, "", redisText("Unbalanced quotes in configuration line"))
		case strings.EqualFold(words[0], "include"):
			r.include(at, words[1:])
		default:
			r.directive(at, inLines, strings.ToLower(words[0]), words[1:])
		}
	}
}

// directive takes one line or flag; those that begin with "sentinel" have a syntax of their own.
func (r *reader) directive(at Place, from syntax, key string, words []string) {
	if key == "sentinel" {
		if r.part != Sentinel {
			r.problems.add(at, key, redisText("sentinel directive while not in sentinel mode"))
			return
		}
		r.sentinelLine(at, from, words)
		return
	}
	r.settings = append(r.settings, setting{at: at, syntax: from, key: key, words: words})
}

// include reads other files in the place of its line. A name with wildcards may match none, as in Redis; relative names
// start, as Redis's do, at the working directory.
func (r *reader) include(at Place, words []string) {
	if len(words) != 1 {
		r.problems.add(at, "include", errArgs)
		return
	}
	if r.nesting++; r.nesting > maxNesting {
		r.problems.add(at, "include", fmt.Errorf("files include each other more than %d deep", maxNesting))
		r.nesting--
		return
	}
	defer func() { r.nesting-- }()
	names := []string{words[0]}
	if strings.ContainsAny(words[0], "*?[") {
		var err error
		if names, err = filepath.Glob(words[0]); err != nil {
			r.problems.add(at, "include", err)
		}
	}
	for _, name := range names {
		if err := r.file(name); err != nil {
			r.problems.add(at, "include", err)
		}
	}
}
