package acl

import (
	"errors"
	"fmt"
	"strings"
)

// Declare makes the users that the lines of a configuration tell, each the words
// behind `user`. A user stands in one line only; the default one loses what it had.
func (u *Users) Declare(lines [][]string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := make(map[string]bool)
	for _, words := range lines {
		name := words[0]
		switch {
		case seen[name]:
			return fmt.Errorf("Error in user declaration '%s': %w", name, errDuplicate)
		case hasBlank(name):
			return ErrName
		}
		seen[name] = true
		if err := u.declare(name, words[1:]); err != nil {
			return err
		}
	}
	return nil
}

func (u *Users) declare(name string, words []string) error {
	rules, unclosed := join(words)
	if unclosed != "" {
		return fmt.Errorf("Error in user declaration '%s': Unmatched parenthesis in selector definition.", unclosed)
	}
	e := u.editor()
	for _, rule := range rules {
		if err := e.apply(rule); err != nil {
			return fmt.Errorf("Error in user declaration '%s': %w", rule, err)
		}
	}
	user := u.byName[name]
	if user == nil {
		user = &User{name: name}
		u.byName[name] = user
	}
	user.now.Store(e.settle())
	return nil
}

// File returns the users as the text of an ACL file: one line each.
func (u *Users) File() string {
	var b strings.Builder
	for _, user := range u.All() {
		b.WriteString("user " + user.name + " " + user.Rules() + "\n")
	}
	return b.String()
}

// Load puts the users of an ACL file's text in the place of all there are, or
// changes nothing and returns all that is wrong with the text. file is its name,
// for the error. The default user stays the same one, as it is told or as it is in
// a new server; the users that were there before are returned: whoever is logged in
// as one of them must log in again.
func (u *Users) Load(file, text string) (before []*User, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	read := fileReader{file: file, users: map[string]*rights{}, fresh: u.editor}
	for i, line := range strings.Split(text, "\n") {
		read.line(i+1, strings.Trim(line, " \t\r\n"))
	}
	if read.problems.Len() > 0 {
		return nil, errors.New(read.problems.String() + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
	}
	for name, user := range u.byName {
		if user != u.first {
			delete(u.byName, name)
			user.now.Store(gone)
			before = append(before, user)
		}
	}
	if read.users[DefaultName] == nil {
		read.users[DefaultName] = defaultRights()
	}
	for name, r := range read.users {
		if name != DefaultName {
			u.byName[name] = &User{name: name}
		}
		u.byName[name].now.Store(r.settle())
	}
	return before, nil
}

// fileReader reads the lines of an ACL file and collects what is wrong with them.
// Its texts are Redis's (acl.c, ACLLoadFromFile).
type fileReader struct {
	file     string
	users    map[string]*rights
	fresh    func() *editor
	problems strings.Builder
}

func (f *fileReader) line(number int, line string) {
	words := strings.Split(line, " ")
	switch {
	case line == "":
	case words[0] != "user" || len(words) < 2:
		f.problem("%s:%d should start with user keyword followed by the username. ", f.file, number)
	case hasBlank(words[1]):
		f.problem("'%s:%d: username '%s' contains invalid characters. ", f.file, number, words[1])
	case f.users[words[1]] != nil:
		f.problem("WARNING: Duplicate user '%s' found on line %d. ", words[1], number)
	default:
		f.user(number, words[1], words[2:])
	}
}

// user reads one user's rules. Of the errors that may name a password only the
// first is told, without its rule.
func (f *fileReader) user(number int, name string, words []string) {
	e := f.fresh()
	f.users[name] = e.rights
	rules, unclosed := join(words)
	if unclosed != "" {
		f.problem("%s:%d: Unmatched parenthesis in selector definition.", f.file, number)
	}
	told := false
	for _, rule := range rules {
		rule = strings.Trim(rule, "\t\r\n")
		switch err := e.apply(rule); {
		case err == nil:
		case errors.Is(err, errUnknown):
			f.problem("%s:%d: Error in applying operation '%s': %s. ", f.file, number, rule, err)
		case !told:
			f.problem("%s:%d: %s. ", f.file, number, err)
			told = true
		}
	}
}

func (f *fileReader) problem(format string, args ...any) { fmt.Fprintf(&f.problems, format, args...) }
