package group

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrStale is in every refusal of a command whose ground is gone.
var ErrStale = errors.New("the group has moved on")

// Command is one of the changes of this package. They are applied by pointer.
type Command interface{ apply(t *turn) error }

// The commands by the name they have in the log. Names are never reused: old
// logs are replayed by new programs.
var kinds = map[string]func() Command{
	"join":    func() Command { return new(Join) },
	"create":  func() Command { return new(Create) },
	"set":     func() Command { return new(Set) },
	"see":     func() Command { return new(See) },
	"forget":  func() Command { return new(Forget) },
	"judge":   func() Command { return new(Judge) },
	"explain": func() Command { return new(Explain) },
	"belong":  func() Command { return new(Belong) },
	"seal":    func() Command { return new(Seal) },
	"choose":  func() Command { return new(Choose) },
	"open":    func() Command { return new(Open) },
	"switch":  func() Command { return new(Switch) },
	"change":  func() Command { return new(Change) },
	"adopt":   func() Command { return new(Adopt) },
}

// KindOf names a command as the log does.
func KindOf(c Command) string {
	switch c.(type) {
	case *Join:
		return "join"
	case *Create:
		return "create"
	case *Set:
		return "set"
	case *See:
		return "see"
	case *Forget:
		return "forget"
	case *Judge:
		return "judge"
	case *Explain:
		return "explain"
	case *Belong:
		return "belong"
	case *Seal:
		return "seal"
	case *Choose:
		return "choose"
	case *Open:
		return "open"
	case *Switch:
		return "switch"
	case *Change:
		return "change"
	case *Adopt:
		return "adopt"
	}
	panic(fmt.Sprintf("group: %T is no command", c))
}

type entry struct {
	Kind  string          `json:"kind"`
	At    time.Time       `json:"at"`
	Group string          `json:"group,omitempty"`
	Body  json.RawMessage `json:"body"`
}

// Encode makes the log entry of a command on a group, decided at a time.
func Encode(group string, at time.Time, c Command) []byte {
	body, err := json.Marshal(c)
	if err == nil {
		body, err = json.Marshal(entry{Kind: KindOf(c), At: at.UTC().Truncate(time.Millisecond), Group: group, Body: body})
	}
	if err != nil { // no field of a command can fail to marshal
		panic(err)
	}
	return body
}

func decode(b []byte) (e entry, c Command, err error) {
	if err := json.Unmarshal(b, &e); err != nil {
		return e, nil, fmt.Errorf("group: cannot read an entry of %d bytes: %w", len(b), err)
	}
	fresh, ok := kinds[e.Kind]
	if !ok {
		return e, nil, fmt.Errorf("group: entry of unknown kind %q; this sentinel is older than the group's leader", e.Kind)
	}
	c = fresh()
	if err := json.Unmarshal(e.Body, c); err != nil {
		return e, nil, fmt.Errorf("group: cannot read a %s entry: %w", e.Kind, err)
	}
	return e, c, nil
}

// stale refuses a command because of what it expected.
func stale(cmd, what string, expected, is any) error {
	return fmt.Errorf("group: %s expected %s %v, it is %v: %w", cmd, what, expected, is, ErrStale)
}

// in refuses a command outside the phases it belongs to, or for another epoch.
func (t *turn) in(cmd string, epoch uint64, phases ...Phase) error {
	if t.g.Epoch != epoch {
		return stale(cmd, "epoch", epoch, t.g.Epoch)
	}
	for _, p := range phases {
		if t.g.Phase == p {
			return nil
		}
	}
	return stale(cmd, "phase", phases, t.g.Phase)
}

func (t *turn) enter(p Phase) {
	t.g.Phase, t.g.Since = p, t.at
}
