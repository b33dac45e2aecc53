package conf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Warning is something in a configuration that is accepted and does nothing, and why.
type Warning struct {
	Place
	Key string
	Why string
}

func (w Warning) String() string { return fmt.Sprintf("%s: %s is ignored: %s", w.Place, w.Key, w.Why) }

// slot gathers what the sources say about one directive, of one group where it is a group's.
type slot struct {
	directive *Directive
	monitor   string
	syntax    syntax
	at        Place // of the last word on it
	key       string
	texts     []string
}

// slots are all that was said, in the order in which it was said first.
type slots struct {
	part     Part
	all      []*slot
	monitors []*slot // one "monitor.name" for each group, in order
	warnings []Warning
	problems problems
}

// gather looks every setting up in the table and lets later ones replace earlier ones, or add to them.
func gather(part Part, settings []setting) *slots {
	s := &slots{part: part}
	for i := range settings {
		s.take(&settings[i])
	}
	for _, v := range s.all {
		if v.monitor != "" && s.group(v.monitor) == nil {
			s.problems.add(v.at, shortKey(v.key)+" "+v.monitor, errNoMonitor)
		}
	}
	return s
}

func shortKey(key string) string { return strings.TrimPrefix(key, monitorPrefix) }

func (s *slots) take(from *setting) {
	d := Lookup(s.part, from.key)
	switch {
	case d == nil && from.syntax == inLines && s.part == Sentinel && Lookup(Node, from.key) != nil && !from.restricts():
		s.warn(from, "a directive of the node, which redis-sentinel accepts too")
		return
	case d == nil:
		s.problems.add(from.at, from.name(d), unknown(s.part, from.key))
		return
	case isMonitorKey(d) && from.monitor == "":
		s.problems.add(from.at, from.key, errMonitors)
		return
	case d.Inert != "":
		s.warn(from, d.Inert)
	}
	text, err := from.text(d)
	if err == nil {
		_, err = d.Parse(text, nil)
	}
	if err != nil {
		s.problems.add(from.at, from.name(d), told(err, text))
		return
	}
	s.put(d, from, text)
}

// restricts reports whether a setting keeps somebody out, so that leaving it out of account would let them in. The line of
// the default user that redis-sentinel writes into its file does not.
func (s *setting) restricts() bool {
	open := len(s.words) > 3 && slices.Equal(s.words[:3], []string{"default", "on", "nopass"}) && slices.Contains(s.words, "+@all")
	return s.key == "aclfile" || s.key == "user" && !open
}

// told adds the value to an error that does not name it, unless there is none or it may be a secret's (whose types never
// fail to parse).
func told(err error, text string) error {
	if text == "" || errors.Is(err, errArgs) || strings.Contains(err.Error(), ", got ") {
		return err
	}
	return fmt.Errorf("%w, got %q", err, text)
}

func (s *slots) warn(from *setting, why string) {
	same := func(w Warning) bool { return w.Key == from.key }
	if !slices.ContainsFunc(s.warnings, same) {
		s.warnings = append(s.warnings, Warning{from.at, from.key, why})
	}
}

const errTwice = redisText("Duplicate master name")

func (s *slots) put(d *Directive, from *setting, text string) {
	v := s.find(d, from.monitor)
	if v != nil && d.Name == "monitor.name" {
		s.problems.add(from.at, "monitor "+text, fmt.Errorf("%w: the first is at %s", errTwice, v.at))
		return
	}
	if v == nil {
		v = &slot{directive: d, monitor: from.monitor}
		s.all = append(s.all, v)
	}
	if (v.syntax == inTOML) != (from.syntax == inTOML) || !d.Has(Repeated) {
		v.texts = nil
	}
	v.syntax, v.at, v.key = from.syntax, from.at, from.key
	v.texts = append(v.texts, text)
	declares := d.Name == "monitor.name" || d.Name == "monitor.master" && from.syntax == onCommandLine
	if declares && s.group(from.monitor) == nil {
		s.monitors = append(s.monitors, v)
	}
}

func (s *slots) find(d *Directive, monitor string) *slot {
	for _, v := range s.all {
		if v.directive == d && v.monitor == monitor {
			return v
		}
	}
	return nil
}

// group is the slot that made the group known; nil when nothing did.
func (s *slots) group(name string) *slot {
	for _, v := range s.monitors {
		if v.monitor == name {
			return v
		}
	}
	return nil
}

// at is where a directive was set, for errors about how values stand to each other; the zero Place when it was not.
func (s *slots) at(name, monitor string) Place {
	if v := s.find(Lookup(s.part, name), monitor); v != nil {
		return v.at
	}
	return Place{}
}

// fill builds the typed configuration: defaults first, then what was said.
func fill[C Config](s *slots) *C {
	cfg := new(C)
	setDefaults(cfg, s.part, false)
	for _, v := range s.all {
		if v.monitor == "" {
			s.check(v, assign(cfg, v.directive, combine(v.directive, v.texts)))
		}
	}
	if sentinel, ok := any(cfg).(*SentinelConfig); ok {
		for _, declared := range s.monitors {
			sentinel.Monitors = append(sentinel.Monitors, s.monitorOf(declared.monitor))
		}
	}
	return cfg
}

func (s *slots) monitorOf(name string) Monitor {
	m := NewMonitor(name, "")
	for _, v := range s.all {
		if v.monitor == name {
			s.check(v, assign(&m, v.directive, combine(v.directive, v.texts)))
		}
	}
	return m
}

func (s *slots) check(v *slot, err error) {
	if err != nil {
		s.problems.add(v.at, v.key, err)
	}
}
