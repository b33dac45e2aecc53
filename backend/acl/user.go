package acl

import (
	"slices"
	"strings"
	"sync/atomic"

	"holdfast/backend/command"
)

// User is a name under which clients log in. A nil *User stands for the server
// itself, as when it executes what its master sends: it may do everything.
type User struct {
	name string
	now  atomic.Pointer[rights]
}

// rights is all that a user is beside its name. It is never changed once a User
// leads to it.
type rights struct {
	enabled      bool
	noPass       bool
	skipSanitize bool     // what it RESTOREs is not checked in depth
	passwords    []string // as hash writes them, in the order they were added
	selectors    []selector

	// Worked out by settle.
	everything bool       // some selector allows all commands, keys and channels
	free       commandSet // allowed whatever their arguments are
}

// gone are the rights of a user that was deleted.
var gone = (&rights{}).settle()

// newRights are those of a user that has just been created: none.
func newRights(openChannels bool) *rights {
	return &rights{selectors: []selector{newSelector(openChannels)}}
}

// defaultRights are those of the default user of a server that was told nothing
// about it: everything, without a password.
func defaultRights() *rights {
	r := newRights(true)
	r.enabled, r.noPass = true, true
	own := r.own()
	own.allowAll()
	own.allKeys = true
	return r.settle()
}

// own is the selector that the rules outside of parentheses change.
func (r *rights) own() *selector { return &r.selectors[0] }

// clone returns a copy that may be changed.
func (r *rights) clone() *rights {
	c := *r
	c.passwords = slices.Clone(r.passwords)
	c.selectors = make([]selector, len(r.selectors))
	for i := range r.selectors {
		c.selectors[i] = r.selectors[i].clone()
	}
	return &c
}

// settle works out what checks want to know at once.
func (r *rights) settle() *rights {
	r.everything, r.free = false, newCommandSet()
	for i := range r.selectors {
		s := &r.selectors[i]
		r.everything = r.everything || s.everything()
		eachCommand(func(c *command.Command) {
			if s.mayRunAny(c) && (s.allKeys || !c.HasKeys()) && (s.allChannels || !c.HasChannels()) {
				r.free.put(c.ID, true)
			}
		})
	}
	return r
}

// Name returns the user's name; empty for the server itself.
func (u *User) Name() string {
	if u == nil {
		return ""
	}
	return u.name
}

// Unrestricted tells whether the user may run every command with every argument.
func (u *User) Unrestricted() bool { return u == nil || u.now.Load().everything }

// Enabled tells whether one can log in as the user.
func (u *User) Enabled() bool { return u.now.Load().enabled }

// NoPass tells whether every password is the user's.
func (u *User) NoPass() bool { return u.now.Load().noPass }

// SkipsSanitize tells whether what the user RESTOREs need not be checked in
// depth where only clients' payloads are. For the server itself it need not.
func (u *User) SkipsSanitize() bool { return u == nil || u.now.Load().skipSanitize }

// Flags returns the user's switches in the words of its rules.
func (u *User) Flags() []string { return u.now.Load().flags() }

func (r *rights) flags() (words []string) {
	if r.enabled {
		words = append(words, "on")
	} else {
		words = append(words, "off")
	}
	if r.noPass {
		words = append(words, "nopass")
	}
	if r.skipSanitize {
		return append(words, "skip-sanitize-payload")
	}
	return append(words, "sanitize-payload")
}

// Passwords returns the SHA-256 of each of the user's passwords, in hex.
func (u *User) Passwords() []string { return slices.Clone(u.now.Load().passwords) }

// Grant is a selector in words: the commands, key patterns and channel patterns
// that together make a command allowed.
type Grant struct{ Commands, Keys, Channels string }

// Grants returns the user's selectors, its own one first.
func (u *User) Grants() []Grant {
	r := u.now.Load()
	all := make([]Grant, len(r.selectors))
	for i := range r.selectors {
		s := &r.selectors[i]
		all[i] = Grant{s.commandWords(), strings.Join(s.keyWords(), " "), strings.Join(s.channelWords(), " ")}
	}
	return all
}

// Rules returns the rules that make the user what it is, as ACL LIST shows them
// and a file keeps them. Read again they give the same user.
func (u *User) Rules() string {
	r := u.now.Load()
	words := r.flags()
	for _, p := range r.passwords {
		words = append(words, "#"+p)
	}
	for i := range r.selectors {
		text := r.selectors[i].describe()
		if i > 0 {
			text = "(" + text + ")"
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}
