package commands

import (
	"bytes"
	"slices"

	"holdfast/backend/internal/types"
)

// weigh finds what each element is sorted by; false after an error.
func (c *Ctx) weigh(q *sorting, items []sortItem) bool {
	for i := range items {
		weight := items[i].element
		if q.by != nil {
			var ok bool
			if weight, ok = c.byPattern(q.by, weight); !ok {
				continue
			}
		}
		switch {
		case !q.alpha:
			var ok bool
			if items[i].score, ok = sortScore(weight); !ok {
				c.Err("ERR One or more scores can't be converted into double")
				return false
			}
		case q.by != nil:
			items[i].weight = append(make([]byte, 0, len(weight)), weight...)
		}
	}
	return true
}

// sortScore reads a number as C's strtod does: blanks may lead, and nothing is 0.
func sortScore(b []byte) (float64, bool) {
	if len(b) == 0 {
		return 0, true
	}
	return types.ParseFloat(bytes.TrimLeft(b, " \t\n\v\f\r"))
}

// byPattern looks up the value that a pattern names for an element: of the key, or of
// the hash's field, that has the element in place of the first asterisk.
func (c *Ctx) byPattern(pattern, element []byte) (value []byte, ok bool) {
	if string(pattern) == "#" {
		return element, true
	}
	before, after, ok := bytes.Cut(pattern, []byte("*"))
	if !ok {
		return nil, false
	}
	var field []byte
	if key, f, ok := bytes.Cut(after, []byte("->")); ok && len(f) > 0 {
		after, field = key, f
	}
	key := slices.Concat(before, element, after)
	if field != nil {
		h, ok, err := c.DB.Hash(key)
		if !ok || err != nil {
			return nil, false
		}
		return h.Get(field)
	}
	value, ok, err := c.DB.Get(key)
	return value, ok && err == nil
}
