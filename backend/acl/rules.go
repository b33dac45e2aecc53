package acl

import (
	"errors"
	"slices"
	"strings"

	"holdfast/backend/command"
)

// What can be wrong with a rule; the texts are Redis's.
var (
	errSyntax        = errors.New("Syntax error")
	errUnknown       = errors.New("Unknown command or category name in ACL")
	errAfterAll      = errors.New("Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns")
	errAfterChannels = errors.New("Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels")
	errNoPassword    = errors.New("The password you are trying to remove from the user does not exist")
	errHash          = errors.New("The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters")
	errFirstArg      = errors.New("Allowing first-arg of a subcommand is not supported")
	errDuplicate     = errors.New("Duplicate user found. A user can only be defined once in config files")
)

// editor applies rules to rights that are not yet a user's.
type editor struct {
	*rights
	openChannels bool              // new selectors may use all channels
	warn         func(text string) // is told what works and should not be relied on
}

// apply applies one rule (acl.c, ACLSetUser). What cannot be understood changes
// nothing.
func (e *editor) apply(rule string) error {
	switch strings.ToLower(rule) {
	case "":
		return nil
	case "on", "off":
		e.enabled = len(rule) == len("on")
	case "nopass", "resetpass":
		e.noPass, e.passwords = strings.EqualFold(rule, "nopass"), nil
	case "skip-sanitize-payload", "sanitize-payload":
		e.skipSanitize = strings.EqualFold(rule, "skip-sanitize-payload")
	case "clearselectors":
		e.selectors = e.selectors[:1]
	case "reset":
		e.reset()
	default:
		return e.applyWord(rule)
	}
	return nil
}

func (e *editor) reset() { *e.rights = *newRights(e.openChannels) }

// applyWord applies a rule that begins with what kind it is of.
func (e *editor) applyWord(rule string) error {
	switch rest := rule[1:]; {
	case rule[0] == '>':
		e.addPassword(hash(rest))
	case rule[0] == '<':
		return e.removePassword(hash(rest))
	case (rule[0] == '#' || rule[0] == '!') && !isHash(rest):
		return errHash
	case rule[0] == '#':
		e.addPassword(rest)
	case rule[0] == '!':
		return e.removePassword(rest)
	case isSelector(rule):
		return e.addSelector(rule)
	default:
		return e.applyTo(e.own(), rule)
	}
	return nil
}

func (e *editor) addPassword(hash string) {
	if !slices.Contains(e.passwords, hash) {
		e.passwords = append(e.passwords, hash)
	}
	e.noPass = false
}

func (e *editor) removePassword(hash string) error {
	i := slices.Index(e.passwords, hash)
	if i < 0 {
		return errNoPassword
	}
	e.passwords = slices.Delete(e.passwords, i, i+1)
	return nil
}

func isSelector(rule string) bool { return len(rule) > 1 && rule[0] == '(' && rule[len(rule)-1] == ')' }

func (e *editor) addSelector(rule string) error {
	s := newSelector(e.openChannels)
	for _, word := range strings.Fields(rule[1 : len(rule)-1]) {
		if strings.HasSuffix(word, ")") {
			return errSyntax // printed among others it would end the selector
		}
		if err := e.applyTo(&s, word); err != nil {
			return err
		}
	}
	e.selectors = append(e.selectors, s)
	return nil
}

// applyTo applies a rule that may also stand in a selector (acl.c,
// ACLSetSelector).
func (e *editor) applyTo(s *selector, rule string) error {
	switch strings.ToLower(rule) {
	case "allkeys", "~*":
		s.allKeys, s.keys = true, nil
		return nil
	case "resetkeys":
		s.allKeys, s.keys = false, nil
		return nil
	case "allchannels", "&*":
		s.allChannels, s.channels = true, nil
		return nil
	case "resetchannels":
		s.allChannels, s.channels = false, nil
		return nil
	case "allcommands", "+@all":
		s.allowAll()
		return nil
	case "nocommands", "-@all":
		s.allowNone()
		return nil
	}
	switch rule[0] {
	case '~', '%':
		return s.addKeys(rule)
	case '&':
		return s.addChannel(rule[1:])
	case '+', '-':
		return e.allowNamed(s, rule[1:], rule[0] == '+')
	}
	return errSyntax
}

// addKeys takes ~pattern, %R~pattern, %W~pattern and %RW~pattern. Without ~ the pattern is
// empty; a bare %, by which Redis ends when it lists the user, is refused.
func (s *selector) addKeys(rule string) error {
	if s.allKeys {
		return errAfterAll
	}
	k := keyPattern{rule[1:], mayRead | mayWrite}
	if rule[0] == '%' {
		letters, pattern, _ := strings.Cut(rule[1:], "~")
		k = keyPattern{pattern: pattern}
		ok := letters != ""
		for _, c := range strings.ToUpper(letters) {
			a := map[rune]access{'R': mayRead, 'W': mayWrite}[c]
			ok = ok && a != 0 && k.access&a == 0
			k.access |= a
		}
		if !ok {
			return errSyntax
		}
	}
	if hasBlank(k.pattern) {
		return errSyntax
	}
	same := func(known keyPattern) bool { return known.pattern == k.pattern }
	if i := slices.IndexFunc(s.keys, same); i >= 0 {
		s.keys[i].access |= k.access
	} else {
		s.keys = append(s.keys, k)
	}
	return nil
}

func (s *selector) addChannel(pattern string) error {
	switch {
	case s.allChannels:
		return errAfterChannels
	case hasBlank(pattern):
		return errSyntax
	case !slices.Contains(s.channels, pattern):
		s.channels = append(s.channels, pattern)
	}
	return nil
}

// allowNamed takes what stands behind + or -: a command, a subcommand, a category,
// or, behind + only, a command with its first argument.
func (e *editor) allowNamed(s *selector, name string, yes bool) error {
	if category, ok := strings.CutPrefix(name, "@"); ok {
		return s.allowCategory(category, yes)
	}
	if c := command.Named(name); c != nil {
		s.allow(c, yes)
		s.note(c.Full, yes)
		return nil
	}
	bar := strings.LastIndexByte(name, '|')
	if !yes || bar < 0 {
		return errUnknown
	}
	c, word := command.Named(name[:bar]), name[bar+1:]
	switch {
	case c == nil:
		return errUnknown
	case c.Parent != nil:
		return errFirstArg
	case word == "":
		return errSyntax
	case c.Subs != nil:
		return errUnknown
	case hasBlank(word):
		return errSyntax // it could not be read back
	}
	if e.warn != nil {
		e.warn("Deprecation warning: Allowing a first arg of an otherwise blocked command is a misuse of ACL and may get disabled in the future (offender: +" + name + ")")
	}
	s.allowFirst(c, word)
	s.note(name, true)
	return nil
}

func (s *selector) allowCategory(name string, yes bool) error {
	category := command.Category(name)
	if category == 0 {
		return errUnknown
	}
	eachCommand(func(c *command.Command) {
		if c.Cats&category != 0 {
			s.allow(c, yes)
		}
	})
	s.note("@"+name, yes)
	return nil
}

// hasBlank tells whether a name or a pattern holds what separates words in files.
func hasBlank(s string) bool { return strings.ContainsAny(s, " \t\r\n\v\f\x00") }

// join puts the words of each selector together: "(~a" "+get)" is one rule. It
// returns the word that opens the one which is not closed, if any is not.
func join(words []string) (rules []string, unclosed string) {
	open := -1
	for i, word := range words {
		switch {
		case open < 0 && strings.HasPrefix(word, "(") && !strings.HasSuffix(word, ")"):
			open = i
		case open < 0:
			rules = append(rules, word)
		case strings.HasSuffix(word, ")"):
			rules = append(rules, strings.Join(words[open:i+1], " "))
			open = -1
		}
	}
	if open >= 0 {
		return nil, words[open]
	}
	return rules, ""
}
