//lint:file-ignore ST1005 the errors have the texts of Redis Sentinel, which its clients know

package group

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Option is one setting of a group as SENTINEL SET names it, whatever its case.
type Option struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Set changes settings, all of its options or none. A change of write-acks is
// only the wish for another N: what is in force changes by Change and Adopt.
type Set struct {
	Options []Option `json:"options"`
}

func (c *Set) apply(t *turn) error {
	g := t.g
	next, err := g.Settings.With(c.Options)
	if err != nil {
		return err
	}
	g.Settings = next
	g.LongestLease = max(g.LongestLease, next.Lease) // those granted so far are out
	for _, o := range c.Options {
		t.say(g, "+set", fmt.Sprintf("%s %s %s", g.master(), o.Name, o.shown()))
	}
	if g.Opened.Epoch > 0 {
		t.weigh()
	}
	return nil
}

// shown is the value as it may be printed.
func (o Option) shown() string {
	if strings.EqualFold(o.Name, "auth-pass") {
		return "******"
	}
	return o.Value
}

// With returns the settings after the options, in their order. The errors are
// Redis's (sentinel.c, sentinelSetCommand), without the leading ERR.
func (s Settings) With(options []Option) (Settings, error) {
	next := s
	for _, o := range options {
		set := setters[strings.ToLower(o.Name)]
		if set == nil {
			return s, UnknownOption(o.Name)
		}
		if !set(&next, o.Value) {
			return s, fmt.Errorf("Invalid argument '%s' for SENTINEL SET '%s'", o.Value, o.Name)
		}
	}
	return next, nil
}

// UnknownOption is the error for an option that does not exist or lacks its value.
func UnknownOption(name string) error {
	return fmt.Errorf("Unknown option or number of arguments for SENTINEL SET '%s'", name)
}

// Ours are the settings that Redis Sentinel does not have.
func (s Settings) Ours() []Option {
	return []Option{
		{"write-acks", strconv.Itoa(s.WriteAcks)},
		{"write-acks-policy", pick(s.Strict, "strict", "degrade")},
		{"lease-milliseconds", strconv.FormatInt(s.Lease.Milliseconds(), 10)},
		{"fast-down", pick(s.FastDown, "yes", "no")},
		{"promotion", pick(s.Available, "available", "safe")},
	}
}

func pick(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}

// setters take an option's text into settings; false: it is no value of the
// option. The bounds are those of the file.
var setters = map[string]func(s *Settings, text string) bool{
	"quorum":                  number(1, math.MaxInt32, func(s *Settings) *int { return &s.Quorum }),
	"parallel-syncs":          number(1, math.MaxInt32, func(s *Settings) *int { return &s.ParallelSyncs }),
	"write-acks":              number(0, 16, func(s *Settings) *int { return &s.WriteAcks }),
	"down-after-milliseconds": millis(1, maxMillis, func(s *Settings) *time.Duration { return &s.DownAfter }),
	"failover-timeout":        millis(1, maxMillis, func(s *Settings) *time.Duration { return &s.FailoverTimeout }),
	"lease-milliseconds":      lease,
	"fast-down":               choice("no", "yes", func(s *Settings) *bool { return &s.FastDown }),
	"promotion":               choice("safe", "available", func(s *Settings) *bool { return &s.Available }),
	"write-acks-policy":       choice("degrade", "strict", func(s *Settings) *bool { return &s.Strict }),
	"auth-user":               func(s *Settings, text string) bool { s.AuthUser = &text; return true },
	"auth-pass":               func(s *Settings, text string) bool { s.AuthPass = &text; return true },

	// Nothing to keep: a master that restarted is no master any more.
	"master-reboot-down-after-period": func(_ *Settings, text string) bool { _, ok := integer(text, 0, maxMillis); return ok },
}

// maxMillis keeps a time.Duration in its bounds.
const maxMillis = int64(math.MaxInt64 / time.Millisecond)

// integer reads a number in the one form that Redis takes: no sign but -, no
// leading zero.
func integer(text string, least, most int64) (n int64, ok bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == text && least <= n && n <= most
}

func number(least, most int64, field func(*Settings) *int) func(*Settings, string) bool {
	return func(s *Settings, text string) bool {
		n, ok := integer(text, least, most)
		if ok {
			*field(s) = int(n)
		}
		return ok
	}
}

func millis(least, most int64, field func(*Settings) *time.Duration) func(*Settings, string) bool {
	return func(s *Settings, text string) bool {
		n, ok := integer(text, least, most)
		if ok {
			*field(s) = time.Duration(n) * time.Millisecond
		}
		return ok
	}
}

// lease is another length of the lease. Without fencing there is none: a master
// may then have been granted one without an end, which nobody can wait for.
func lease(s *Settings, text string) bool {
	return s.Lease > 0 && millis(150, 60_000, func(s *Settings) *time.Duration { return &s.Lease })(s, text)
}

func choice(no, yes string, field func(*Settings) *bool) func(*Settings, string) bool {
	return func(s *Settings, text string) bool {
		text = strings.ToLower(text)
		*field(s) = text == yes
		return slices.Contains([]string{no, yes}, text)
	}
}
