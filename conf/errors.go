package conf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// redisText is an error whose words are Redis's, capitals and full stops included, because tools look for them.
type redisText string

func (e redisText) Error() string { return string(e) }

// Place is where a setting stands: a file's line, or the command line (File empty, Line 0).
type Place struct {
	File string
	Line int
}

func (p Place) String() string {
	switch {
	case p.File == "":
		return "command line"
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Error is one thing wrong with a configuration: where, which key, and what.
type Error struct {
	Place
	Key string // as it was written; empty when the whole is wrong
	Err error
}

func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("%s: %v", e.Place, e.Err)
	}
	return fmt.Sprintf("%s: %s: %v", e.Place, e.Key, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// UnknownError says that a part knows no such directive, and what may have been meant.
type UnknownError struct {
	Key   string
	Part  Part
	Near  string // the nearest known name; empty when none is near
	Other Part   // a part that knows the key; 0 when none does
}

// badDirective is what redis-server says of a name that it does not know, and scripts look for.
const badDirective = "Bad directive or wrong number of arguments"

func (e *UnknownError) Error() string {
	switch {
	case e.Other != 0:
		return fmt.Sprintf("a directive of the %s, not of the %s", e.Other, e.Part)
	case e.Near != "":
		return fmt.Sprintf("%s; did you mean %s?", badDirective, e.Near)
	}
	return badDirective
}

func unknown(part Part, key string) *UnknownError {
	return &UnknownError{Key: key, Part: part, Near: Nearest(part, key), Other: otherPart(part, key)}
}

// nearestMonitor is Nearest for a monitored group's options, which are written without their prefix.
func nearestMonitor(option string) string {
	near, ok := strings.CutPrefix(Nearest(Sentinel, monitorPrefix+option), monitorPrefix)
	if !ok {
		return ""
	}
	return near
}

// problems collects everything that is wrong, so that a file is repaired in one go.
type problems []*Error

func (p *problems) add(at Place, key string, err error) {
	*p = append(*p, &Error{Place: at, Key: key, Err: err})
}

// err joins the problems, one a line, the files in the order they were met, their lines in order, and the command line at
// the end; nil when there are none.
func (p problems) err() error {
	rank := func(e *Error) int {
		if e.File == "" {
			return len(p)
		}
		return slices.IndexFunc(p, func(other *Error) bool { return other.File == e.File })
	}
	sorted := slices.SortedStableFunc(slices.Values(p), func(a, b *Error) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Line, b.Line))
	})
	var errs []error
	for _, e := range sorted {
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}
