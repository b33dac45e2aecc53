package aof

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"holdfast/conf"
)

// Kind says what a file of the manifest is for, in the manifest's letter.
type Kind byte

// The kinds of files.
const (
	Base    Kind = 'b' // a snapshot, or commands that build one
	Incr    Kind = 'i' // what was written since
	History Kind = 'h' // replaced, to be removed
)

// Part is a line of the manifest: one file.
type Part struct {
	Name string // in the directory of the files
	Seq  int64
	Kind Kind
}

// Manifest lists the files that together are the append-only file (aof.c,
// aofManifest): the base, if there is one, and behind it the incremental ones
// in the order in which they are loaded.
type Manifest struct {
	Base    *Part
	Incr    []Part
	History []Part // the youngest first
}

// Format prints the manifest as Redis does.
func (m *Manifest) Format() []byte {
	var b []byte
	if m.Base != nil {
		b = m.Base.append(b)
	}
	for _, list := range [][]Part{m.History, m.Incr} {
		for _, p := range list {
			b = p.append(b)
		}
	}
	return b
}

func (p Part) append(b []byte) []byte {
	line := conf.JoinArgs([]string{"file", p.Name, "seq", strconv.FormatInt(p.Seq, 10), "type", string(rune(p.Kind))})
	return append(append(b, line...), '\n')
}

// maxManifestLine bounds a line, bytes (MANIFEST_MAX_LINE).
const maxManifestLine = 1024

// What is wrong with a manifest, in Redis's words.
var (
	errManifestEmpty  = errors.New("Found an empty AOF manifest")
	errManifestLong   = errors.New("The AOF manifest file contains too long line")
	errManifestFormat = errors.New("Invalid AOF manifest file format")
	errManifestPath   = errors.New("File can't be a path, just a filename")
	errManifestBases  = errors.New("Found duplicate base file information")
	errManifestOrder  = errors.New("Found a non-monotonic sequence number")
	errManifestKind   = errors.New("Unknown AOF file type")
)

// ManifestError names the line of a manifest that cannot be believed.
type ManifestError struct {
	Line int // from 1 on
	Text string
	Err  error
}

func (e *ManifestError) Error() string {
	return fmt.Sprintf("the AOF manifest, line %d, %q: %v", e.Line, e.Text, e.Err)
}

// Unwrap gives the cause.
func (e *ManifestError) Unwrap() error { return e.Err }

// ParseManifest reads a manifest. Its errors are *ManifestError.
func ParseManifest(text []byte) (Manifest, error) {
	var m Manifest
	if len(text) == 0 {
		return m, &ManifestError{1, "", errManifestEmpty}
	}
	for n := 1; len(text) > 0; n++ {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		text = rest
		if err := m.line(string(line), whole); err != nil {
			return m, &ManifestError{n, string(line[:min(len(line), 128)]), err}
		}
	}
	return m, nil
}

func (m *Manifest) line(line string, whole bool) error {
	if strings.HasPrefix(line, "#") {
		return nil
	}
	if !whole || len(line) > maxManifestLine-2 {
		return errManifestLong
	}
	p, err := parsePart(strings.Trim(line, " \t\r\n"))
	if err != nil {
		return err
	}
	switch p.Kind {
	case Base:
		if m.Base != nil {
			return errManifestBases
		}
		m.Base = &p
	case Incr:
		if n := len(m.Incr); n > 0 && p.Seq <= m.Incr[n-1].Seq {
			return errManifestOrder
		}
		m.Incr = append(m.Incr, p)
	case History:
		m.History = append(m.History, p)
	default:
		return errManifestKind
	}
	return nil
}

// parsePart reads name and value pairs, of which it knows three: later versions
// may add some.
func parsePart(line string) (p Part, err error) {
	words, ok := conf.SplitArgs(line)
	if !ok || len(words) < 6 || len(words)%2 != 0 {
		return p, errManifestFormat
	}
	for pair := range slices.Chunk(words, 2) {
		value := pair[1]
		switch strings.ToLower(pair[0]) {
		case "file":
			if value != filepath.Base(value) {
				return p, errManifestPath
			}
			p.Name = value
		case "seq":
			p.Seq, _ = strconv.ParseInt(value, 10, 64)
		case "type":
			if value != "" {
				p.Kind = Kind(value[0])
			}
		}
	}
	if p.Name == "" || p.Seq == 0 || p.Kind == 0 {
		return p, errManifestFormat
	}
	return p, nil
}
