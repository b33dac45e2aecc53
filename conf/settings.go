package conf

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Settings is the configuration of a running part: an immutable typed struct, and the same by name for CONFIG GET and
// CONFIG SET. All methods may be called by any goroutine.
type Settings[C Config] struct {
	part     Part
	file     string
	warnings []Warning

	now atomic.Pointer[snapshot[C]]

	mu    sync.Mutex // held by writers while they prepare and apply the next snapshot
	apply func(next *C, changed []string) error
}

// snapshot is one state of all directives. It is never changed once it can be seen.
type snapshot[C Config] struct {
	cfg   *C
	inert map[string]string // the texts of directives without a field
}

// Pair is a directive and its value as text.
type Pair struct{ Name, Value string }

// Of wraps a configuration that was built by hand, as tests do. The struct is copied.
func Of[C Config](cfg C) *Settings[C] {
	s := &Settings[C]{part: partOf[C]()}
	s.now.Store(&snapshot[C]{cfg: &cfg})
	return s
}

// Default is a part's configuration with every default.
func Default[C Config]() C {
	var cfg C
	setDefaults(&cfg, partOf[C](), false)
	return cfg
}

// Config is the configuration as it is now: one atomic load, and a struct that will not change.
func (s *Settings[C]) Config() *C { return s.now.Load().cfg }

// File is the name of the file that was loaded; empty when there was none.
func (s *Settings[C]) File() string { return s.file }

// Warnings are the settings that were accepted and do nothing.
func (s *Settings[C]) Warnings() []Warning { return s.warnings }

// OnChange names the function that Set calls with the next configuration and the names that differ, before anyone sees
// it. It runs under the writers' lock: it must not call Set or Put. Its error cancels the change; a SetError in it names the directive.
func (s *Settings[C]) OnChange(apply func(next *C, changed []string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apply = apply
}

// Get lists, in the table's order, the directives that match any of the glob patterns, whatever their case: what CONFIG
// GET answers. A name that was asked for without a glob is answered in that spelling, an older one only where a pattern
// matches it.
func (s *Settings[C]) Get(patterns ...string) []Pair {
	now := s.now.Load()
	var out []Pair
	for _, d := range Directives(s.part) {
		if !isParameter(d) {
			continue
		}
		for _, name := range []string{d.Name, d.Alias} {
			if spelling := asked(patterns, name, d.Has(Hidden)); name != "" && spelling != "" {
				out = append(out, Pair{spelling, now.text(d)})
			}
		}
	}
	return out
}

// isParameter reports whether CONFIG knows the directive: what takes lines of a file is none (user, rename-command,
// loadmodule), as in Redis.
func isParameter(d *Directive) bool {
	return !isMonitorKey(d) && d.Type != Lines && d.Type != Renames
}

// Value is one directive's text, by its name or older name.
func (s *Settings[C]) Value(name string) (text string, ok bool) {
	d := Lookup(s.part, name)
	if d == nil || isMonitorKey(d) {
		return "", false
	}
	return s.now.Load().text(d), true
}

// asked is the name as the first pattern that matches has it; "" when none does.
func asked(patterns []string, name string, exactOnly bool) string {
	for _, pattern := range patterns {
		if !strings.ContainsAny(pattern, "[*?") {
			if strings.EqualFold(pattern, name) {
				return pattern
			}
			continue
		}
		ok, _ := path.Match(strings.ToLower(pattern), name) // names hold no slash: path.Match is Redis's glob here
		if ok && !exactOnly {
			return name
		}
	}
	return ""
}

func (s *snapshot[C]) text(d *Directive) string {
	if f := field(s.cfg, d); f.IsValid() {
		return d.Format(f.Interface())
	}
	if text, ok := s.inert[d.Name]; ok {
		return text
	}
	if v, err := d.Parse(d.Default, nil); err == nil {
		return d.Format(v)
	}
	return d.Default
}

// SetError is why CONFIG SET refused: its text is Redis's reply without the leading -ERR.
type SetError struct {
	Name    string
	Unknown bool
	Err     error
}

func (e *SetError) Error() string {
	if e.Unknown {
		return fmt.Sprintf("Unknown option or number of arguments for CONFIG SET - '%s'", e.Name)
	}
	return fmt.Sprintf("CONFIG SET failed (possibly related to argument '%s') - %v", e.Name, e.Err)
}

// Unwrap gives the cause; nil for an unknown name.
func (e *SetError) Unwrap() error { return e.Err }

// The refusals of Set that are not about a value; their texts are Redis's.
var (
	ErrImmutable = errors.New("can't set immutable config")
	ErrProtected = errors.New("can't set protected config")
	ErrDuplicate = errors.New("duplicate parameter")
)

// Set changes directives all together or not at all, as CONFIG SET does. Whether Protected ones may be changed by this
// caller is the caller's to know.
func (s *Settings[C]) Set(mayProtected bool, pairs ...Pair) error {
	now := s.now.Load()
	for i, pair := range pairs {
		d := Lookup(s.part, pair.Name)
		if d == nil || !isParameter(d) {
			return &SetError{Name: pair.Name, Unknown: true}
		}
		var err error
		switch {
		case !d.Settable() && !(d.Has(Steady) && now.text(d) == pair.Value):
			err = ErrImmutable
		case d.Has(Protected) && !mayProtected:
			err = ErrProtected
		case slices.ContainsFunc(pairs[:i], func(p Pair) bool { return strings.EqualFold(p.Name, pair.Name) }):
			err = ErrDuplicate
		}
		if err != nil {
			return &SetError{Name: pair.Name, Err: err}
		}
	}
	return s.change(pairs, true)
}

// Put changes directives from within the part, immutable ones too: REPLICAOF changes replicaof, a listener on any free
// port its port.
func (s *Settings[C]) Put(pairs ...Pair) error {
	return s.change(pairs, false)
}

// change makes the pairs' values the settings. Of directives that do nothing it checks them too when a client asks.
func (s *Settings[C]) change(pairs []Pair, asked bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.now.Load()
	next, names, err := old.with(s.part, pairs, asked)
	if err != nil {
		return err
	}
	changed := slices.DeleteFunc(names, func(name string) bool {
		d := Lookup(s.part, name)
		return old.text(d) == next.text(d) && !d.Has(Volatile)
	})
	if len(changed) == 0 {
		return nil
	}
	if s.apply != nil {
		if err := s.apply(next.cfg, changed); err != nil {
			if named := new(SetError); errors.As(err, &named) {
				return named
			}
			return &SetError{Name: changed[0], Err: err}
		}
	}
	s.now.Store(next)
	return nil
}

// with is the snapshot with the pairs changed, and their names. Slices are shared with the old one: none is ever changed
// in place.
func (s *snapshot[C]) with(part Part, pairs []Pair, asked bool) (*snapshot[C], []string, error) {
	cfg := *s.cfg
	next := &snapshot[C]{cfg: &cfg, inert: maps.Clone(s.inert)}
	var names []string
	for _, pair := range pairs {
		d := Lookup(part, pair.Name)
		if d == nil || isMonitorKey(d) {
			return nil, nil, &SetError{Name: pair.Name, Unknown: true}
		}
		err := assign(next.cfg, d, pair.Value)
		if err == nil && asked && d.Inert != "" {
			err = d.checkInert(pair.Value)
		}
		if err != nil {
			return nil, nil, &SetError{Name: strings.ToLower(pair.Name), Err: err}
		}
		if !slices.Contains(names, d.Name) {
			names = append(names, d.Name)
		}
		next.keepInert(d, pair.Value)
	}
	return next, names, nil
}

// keepInert remembers the text of a directive that has no field.
func (s *snapshot[C]) keepInert(d *Directive, text string) {
	if field(s.cfg, d).IsValid() {
		return
	}
	if s.inert == nil {
		s.inert = map[string]string{}
	}
	if v, err := d.Parse(text, nil); err == nil {
		text = d.Format(v)
	}
	s.inert[d.Name] = text
}
