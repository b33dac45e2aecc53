package acl

import (
	"bytes"

	"holdfast/backend/command"
)

// Reason is why something is refused. The greater one tells more: a user who may
// not touch a key may at least run the command.
type Reason uint8

// The reasons; DeniedAuth stands in the log only.
const (
	Allowed Reason = iota
	DeniedCommand
	DeniedKey
	DeniedAuth
	DeniedChannel
)

// String returns the word of ACL LOG.
func (r Reason) String() string {
	return [...]string{"allowed", "command", "key", "auth", "channel"}[r]
}

// Denial is the answer to whether a request is allowed, and which of its words is
// the reason when it is not.
type Denial struct {
	Reason Reason
	Arg    int
}

// OK tells whether the request is allowed.
func (d Denial) OK() bool { return d.Reason == Allowed }

// Text says in Redis's words why a user's request is refused; without a code,
// and without the name of what is not to be seen.
func (d Denial) Text(u *User, c *command.Command) string {
	switch d.Reason {
	case DeniedKey:
		return "No permissions to access a key"
	case DeniedChannel:
		return "No permissions to access a channel"
	}
	return "User " + u.Name() + " has no permissions to run the '" + c.Full + "' command"
}

// FullText is Text for those who may know: it names the key or the channel.
func (d Denial) FullText(u *User, c *command.Command, args [][]byte) string {
	if d.Reason != DeniedKey && d.Reason != DeniedChannel {
		return d.Text(u, c)
	}
	return "User " + u.Name() + " has no permissions to access the '" + string(args[d.Arg]) + "' " + d.Reason.String()
}

// Check tells whether the user may make a request: args is the whole of it, of the
// command c, whose arity fits. It does not allocate.
func (u *User) Check(c *command.Command, args [][]byte) Denial {
	if u == nil {
		return Denial{}
	}
	r := u.now.Load()
	if r.everything || r.free.has(c.ID) {
		return Denial{}
	}
	return r.check(c, args)
}

// check asks the selectors one by one. Of their reasons the one that tells most
// is given, and of several keys or channels the last.
func (r *rights) check(c *command.Command, args [][]byte) Denial {
	most := Denial{Reason: DeniedCommand}
	for i := range r.selectors {
		d := r.selectors[i].check(c, args)
		if d.OK() {
			return d
		}
		if d.Reason > most.Reason || d.Reason == most.Reason && d.Arg > most.Arg {
			most = d
		}
	}
	return most
}

func (s *selector) check(c *command.Command, args [][]byte) (d Denial) {
	if !s.mayRun(c, args) {
		return Denial{Reason: DeniedCommand}
	}
	if !s.allKeys {
		c.Keys(args, func(i int, flags command.KeyFlags) {
			if d.OK() && flags&command.NotKey == 0 && !s.mayTouch(args[i], flags) {
				d = Denial{DeniedKey, i}
			}
		})
	}
	if d.OK() && !s.allChannels {
		c.Channels(args, func(i int, pattern bool) {
			if d.OK() && !s.mayHear(args[i], pattern) {
				d = Denial{DeniedChannel, i}
			}
		})
	}
	return d
}

// mayRunAny tells whether the command is allowed whatever its first argument is.
// How to log in is never forbidden.
func (s *selector) mayRunAny(c *command.Command) bool {
	return s.commands.has(c.ID) || c.Has(command.NoAuth)
}

func (s *selector) mayRun(c *command.Command, args [][]byte) bool {
	if s.mayRunAny(c) {
		return true
	}
	if len(args) > 1 {
		for _, word := range s.firstArgs[c.ID] {
			if bytes.EqualFold(args[1], []byte(word)) {
				return true
			}
		}
	}
	return false
}

// needs is the access that a command's use of a key takes. Commands that only
// tell whether a key is there take none of the two, but some pattern must match.
func needs(flags command.KeyFlags) (a access) {
	if flags&command.KeyAccess != 0 {
		a |= mayRead
	}
	if flags&(command.KeyInsert|command.KeyDelete|command.KeyUpdate) != 0 {
		a |= mayWrite
	}
	return a
}

func (s *selector) mayTouch(key []byte, flags command.KeyFlags) bool {
	if s.allKeys {
		return true
	}
	want := needs(flags)
	for i := range s.keys {
		k := &s.keys[i]
		if k.access&want == want && command.Match([]byte(k.pattern), key, false) {
			return true
		}
	}
	return false
}

// mayHear tells whether a channel may be published to or listened to. A pattern
// that one wants to listen to must be allowed by the same pattern: whether what
// it matches lies within another cannot be told.
func (s *selector) mayHear(channel []byte, pattern bool) bool {
	if s.allChannels {
		return true
	}
	for _, c := range s.channels {
		if pattern && c == string(channel) || !pattern && command.Match([]byte(c), channel, false) {
			return true
		}
	}
	return false
}

// MayHear tells whether any selector of the user allows a channel, or a pattern
// of channels, whatever the command is: whether a subscriber may stay one.
func (u *User) MayHear(channel string, pattern bool) bool {
	if u == nil {
		return true
	}
	r := u.now.Load()
	for i := range r.selectors {
		if r.selectors[i].mayHear([]byte(channel), pattern) {
			return true
		}
	}
	return false
}

// MayReadAny tells whether the user may make a request and, by the same selector,
// read any key there is: what SORT's BY and GET take, which build names of keys.
func (u *User) MayReadAny(c *command.Command, args [][]byte) bool {
	if u.Unrestricted() {
		return true
	}
	r := u.now.Load()
	for i := range r.selectors {
		s := &r.selectors[i]
		if s.check(c, args).OK() && s.readsAll() {
			return true
		}
	}
	return false
}

func (s *selector) readsAll() bool {
	if s.allKeys {
		return true
	}
	for _, k := range s.keys {
		if k.pattern == "*" && k.access&mayRead != 0 {
			return true
		}
	}
	return false
}
