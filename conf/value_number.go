package conf

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var (
	errBool     = errors.New("argument must be 'yes' or 'no'")
	errInteger  = errors.New("argument couldn't be parsed into an integer")
	errOctal    = errors.New("argument couldn't be parsed as an octal number")
	errSize     = errors.New("argument must be a memory value")
	errPercent  = errors.New("argument must be a memory or percent value")
	errDuration = errors.New("argument must be a duration such as 15s, or an integer of milliseconds")
)

func parseBool(_ *Directive, text string, _ any) (any, error) {
	switch strings.ToLower(text) {
	case "yes":
		return true, nil
	case "no":
		return false, nil
	}
	return nil, errBool
}

func formatBool(v any) string {
	if v.(bool) {
		return "yes"
	}
	return "no"
}

// upper is the directive's inclusive upper bound.
func (d *Directive) upper() int64 {
	if d.Max == 0 {
		return math.MaxInt64
	}
	return d.Max
}

// within checks a number, in the directive's unit, against its bounds.
func (d *Directive) within(n int64) error {
	if n < d.Min || n > d.upper() {
		return fmt.Errorf("argument must be between %d and %d inclusive", d.Min, d.upper())
	}
	return nil
}

func parseInteger(d *Directive, text string) (int64, error) {
	n, err := readInteger(text)
	if err != nil {
		return 0, err
	}
	return n, d.within(n)
}

// readInteger reads a number in its only spelling, as Redis's string2ll does: no sign but a minus, no leading zero.
func readInteger(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		return 0, errInteger
	}
	return n, nil
}

func parseInt(d *Directive, text string, _ any) (any, error) {
	n, err := parseInteger(d, text)
	return int(n), err
}

func formatInt(v any) string { return strconv.Itoa(v.(int)) }

func parsePort(_ *Directive, text string, _ any) (any, error) {
	return parseInt(&Directive{Max: math.MaxUint16}, text, nil)
}

func parseOctal(d *Directive, text string, _ any) (any, error) {
	n, err := strconv.ParseInt(text, 8, 32)
	if err != nil {
		return nil, errOctal
	}
	if n < d.Min || n > d.upper() {
		return nil, fmt.Errorf("argument must be between %o and %o inclusive", d.Min, d.upper())
	}
	return int(n), nil
}

func formatOctal(v any) string { return strconv.FormatInt(int64(v.(int)), 8) }

// sizeUnits are Redis's (memtoull in util.c): the plain letter is decimal, with a b it is binary.
var sizeUnits = map[string]int64{
	"": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1000 * 1000, "mb": 1 << 20, "g": 1000 * 1000 * 1000, "gb": 1 << 30,
}

// readSize reads bytes without looking at bounds; -1 is more than an int64 holds.
func readSize(text string) (int64, bool) {
	digits := strings.TrimRightFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	unit, known := sizeUnits[strings.ToLower(text[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 64)
	switch {
	case !known || err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, false
	case n > math.MaxInt64/uint64(unit):
		return -1, true
	}
	return int64(n) * unit, true
}

func parseSize(d *Directive, text string, _ any) (any, error) {
	n, ok := readSize(text)
	if !ok {
		return nil, errSize
	}
	return n, d.within(n)
}

func formatSize(v any) string { return strconv.FormatInt(v.(int64), 10) }

func parsePercentSize(d *Directive, text string, _ any) (any, error) {
	if number, isPercent := strings.CutSuffix(text, "%"); isPercent {
		n, err := strconv.ParseUint(number, 10, 31)
		if err != nil {
			return nil, errPercent
		}
		if int64(n) > -d.Min {
			return nil, fmt.Errorf("percentage argument must be less or equal to %d", -d.Min)
		}
		return -int64(n), nil
	}
	n, ok := readSize(text)
	if !ok || n < 0 {
		return nil, errPercent
	}
	return n, nil
}

func formatPercentSize(v any) string {
	if n := v.(int64); n < 0 {
		return strconv.FormatInt(-n, 10) + "%"
	}
	return formatSize(v)
}

// parseDuration reads our own durations. A bare number is milliseconds, as in every Redis name that ends so.
func parseDuration(d *Directive, text string, _ any) (any, error) {
	v, err := time.ParseDuration(text)
	if ms, intErr := strconv.ParseInt(text, 10, 64); intErr == nil {
		if ms > math.MaxInt64/int64(time.Millisecond) || ms < 0 {
			return nil, errDuration
		}
		v, err = time.Duration(ms)*time.Millisecond, nil
	}
	if err != nil || v < 0 {
		return nil, errDuration
	}
	low, high := time.Duration(d.Min)*time.Millisecond, time.Duration(math.MaxInt64)
	if d.Max != 0 {
		high = time.Duration(d.Max) * time.Millisecond
	}
	if v < low || v > high {
		return nil, fmt.Errorf("argument must be between %s and %s inclusive", formatDuration(low), formatDuration(high))
	}
	return v, nil
}

// formatDuration is time.Duration's text without its zero tail: 1m, not 1m0s.
func formatDuration(v any) string {
	text := v.(time.Duration).String()
	for _, zero := range []string{"0s", "0m"} {
		if short, ok := strings.CutSuffix(text, zero); ok && strings.HasSuffix(short, "m") || ok && strings.HasSuffix(short, "h") {
			text = short
		}
	}
	return text
}

// unitCodec reads an integer of unit; bounds are in that unit too.
func unitCodec(unit time.Duration) codec {
	return codec{
		parse: func(d *Directive, text string, _ any) (any, error) {
			n, err := parseInteger(d, text)
			if err != nil {
				return nil, err
			}
			// What a Duration cannot hold is no sensible wait: it is refused with the bounds a Duration has.
			bounded := Directive{Min: d.Min, Max: min(d.upper(), math.MaxInt64/int64(unit))}
			return time.Duration(n) * unit, bounded.within(n)
		},
		format: func(v any) string { return strconv.FormatInt(int64(v.(time.Duration)/unit), 10) },
	}
}
