package conf

// Part is a set of the three parts of Holdfast.
type Part uint8

// The parts, and all of them together.
const (
	Node Part = 1 << iota
	Sentinel
	Proxy

	All = Node | Sentinel | Proxy
)

// String names the part as the command line does; sets are not named.
func (p Part) String() string {
	switch p {
	case Node:
		return "node"
	case Sentinel:
		return "sentinel"
	case Proxy:
		return "proxy"
	}
	return "part"
}

// Flag is a set of a directive's properties.
type Flag uint8

const (
	// Mutable directives can be changed by CONFIG SET while the part runs.
	Mutable Flag = 1 << iota
	// Hidden directives are found by their exact name only, never by a glob, and stand in no sample.
	Hidden
	// Secret values must be kept out of logs, SLOWLOG and MONITOR.
	Secret
	// Repeated directives may stand on several lines of one source; their values add up. Of any other the last line counts.
	Repeated
	// Protected directives need enable-protected-configs before CONFIG SET changes them.
	Protected
	// Steady directives are ours and cannot change while the part runs: setting the value they have is no error, so that
	// tools which write back whatever they read can. Redis refuses that for its own.
	Steady
	// Volatile directives name something outside, such as a file, which may be another by now: setting the same value
	// again is a change.
	Volatile
	// Required directives have no default and must be given.
	Required
)

// Directive is one row of the table: everything there is to know about one name.
type Directive struct {
	Name     string   // kebab-case; a table of TOML stands before a dot ("raft.id"), one per monitor under "monitor."
	Alias    string   // the name older files use
	Type     Type     // decides how the text is read and printed
	Default  string   // as text of Type
	Min, Max int64    // inclusive, in the unit of Type; Max 0 means no upper bound
	Enum     []string // the words Enum and Words accept
	In       Part     // the parts that know it
	Flags    Flag
	Inert    string // not empty: accepted for the sake of Redis's files, does nothing, and this is why
	Doc      string // one line

	// Check refuses values that Type takes and Redis does not, or returns what Redis makes of them; nil: there are none.
	// That of an inert directive is for CONFIG SET alone: in a file it does no harm.
	Check func(value any) (any, error)
}

// Has reports whether all of the flags are set.
func (d *Directive) Has(f Flag) bool { return d.Flags&f == f }

// Settable reports whether CONFIG SET may change the directive in a running part.
func (d *Directive) Settable() bool { return d.Has(Mutable) }
