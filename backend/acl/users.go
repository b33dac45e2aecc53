package acl

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// DefaultName is the user that every connection belongs to before it logs in.
const DefaultName = "default"

// Users are all users of a server. The default one is always there.
type Users struct {
	// Warn is told what was accepted and should not be relied on; set it before
	// the first rule. It is called with the users locked.
	Warn func(text string)

	mu           sync.RWMutex
	byName       map[string]*User
	first        *User
	openChannels bool
}

// NewUsers returns the default user alone, who may do everything without a
// password.
func NewUsers() *Users {
	u := &Users{first: &User{name: DefaultName}}
	u.first.now.Store(defaultRights())
	u.byName = map[string]*User{DefaultName: u.first}
	return u
}

// OpenChannels says whether users that come to be from now on may use all
// channels: acl-pubsub-default.
func (u *Users) OpenChannels(yes bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.openChannels = yes
}

// Default returns the default user.
func (u *Users) Default() *User { return u.first }

// Open tells whether who does not log in is the default user all the same.
func (u *Users) Open() bool {
	r := u.first.now.Load()
	return r.noPass && r.enabled
}

// Find returns a user by its name; nil when there is none.
func (u *Users) Find(name string) *User {
	u.mu.RLock()
	defer u.mu.RUnlock()
	return u.byName[name]
}

// All returns the users in the order of their names.
func (u *Users) All() []*User {
	u.mu.RLock()
	defer u.mu.RUnlock()
	return slices.SortedFunc(maps.Values(u.byName), func(a, b *User) int { return strings.Compare(a.name, b.name) })
}

// Login returns the user whose name and password are given; nil when they are
// wrong, or the user is off.
func (u *Users) Login(name, password []byte) *User {
	if user := u.Find(string(name)); user != nil && user.now.Load().accepts(password) {
		return user
	}
	return nil
}

// ErrName is why a name cannot be a user's.
var ErrName = errors.New("Usernames can't contain spaces or null characters")

// Set changes a user by rules, all of them or, with an error, none; a user that is
// not there is made. The errors are those of ACL SETUSER.
func (u *Users) Set(name string, words []string) (*User, error) {
	if hasBlank(name) {
		return nil, ErrName
	}
	rules, unclosed := join(words)
	if unclosed != "" {
		return nil, fmt.Errorf("Unmatched parenthesis in acl selector starting at '%s'.", unclosed)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	user := u.byName[name]
	e := u.editor()
	if user != nil {
		e.rights = user.now.Load().clone()
	}
	for _, rule := range rules {
		if err := e.apply(rule); err != nil {
			return nil, fmt.Errorf("Error in ACL SETUSER modifier '%s': %w", rule, err)
		}
	}
	if user == nil {
		user = &User{name: name}
		u.byName[name] = user
	}
	user.now.Store(e.settle())
	return user, nil
}

// editor begins a user that is not there yet.
func (u *Users) editor() *editor {
	return &editor{rights: newRights(u.openChannels), openChannels: u.openChannels, warn: u.Warn}
}

// SetPassword gives the default user that password and no other; an empty one
// means that it needs none: requirepass.
func (u *Users) SetPassword(password string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := u.first.now.Load().clone()
	r.passwords, r.noPass = nil, password == ""
	if password != "" {
		r.passwords = []string{hash(password)}
	}
	u.first.now.Store(r.settle())
}

// Delete removes a user and returns it; nil when it is not there. The default user
// cannot be removed.
func (u *Users) Delete(name string) *User {
	u.mu.Lock()
	defer u.mu.Unlock()
	user := u.byName[name]
	if user == nil || user == u.first {
		return nil
	}
	delete(u.byName, name)
	user.now.Store(gone)
	return user
}

// Changed tells whether anything was said about users beside the default user's
// password.
func (u *Users) Changed() bool {
	u.mu.RLock()
	defer u.mu.RUnlock()
	now, plain := u.first.now.Load(), defaultRights()
	plain.passwords, plain.noPass = now.passwords, now.noPass
	told := &User{name: DefaultName}
	told.now.Store(plain)
	return len(u.byName) > 1 || told.Rules() != u.first.Rules()
}
