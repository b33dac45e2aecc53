package conf

// Type says how a directive's text is read, printed and held in a struct field.
type Type uint8

// The types, each with the type of its field.
const (
	Bool        Type = iota // bool: yes or no
	Int                     // int
	Port                    // int
	Octal                   // int, written in octal
	Size                    // int64: bytes, with b k kb m mb g gb as Redis reads them (k is 1000, kb 1024)
	PercentSize             // int64: a Size, or a percentage held as a negative number
	Duration                // time.Duration: ours, 15s or integer milliseconds; bounds in milliseconds
	Seconds                 // time.Duration: Redis's, an integer of seconds
	Millis                  // time.Duration: Redis's, an integer of milliseconds
	Micros                  // time.Duration: Redis's, an integer of microseconds
	String                  // string
	Enum                    // string: one of Directive.Enum
	Events                  // string: classes of keyspace events, in Redis's order
	Addr                    // string: host:port; Min 1 means one to dial: a host, and a port that is not 0
	HostPort                // string: host:port, written as Redis does: host and port, or "no one"
	Words                   // []string, each one of Directive.Enum
	List                    // []string
	Addrs                   // []string, each an Addr
	Lines                   // []string, one per line of the file
	Percentiles             // []float64 from 0 to 100
	Save                    // []SavePoint
	Renames                 // []Rename
	Members                 // []Member
	Limits                  // OutputLimits
	Scores                  // []int, three
)

// takesWords reports whether a value of the type may stand as several words on a line; any other is exactly one.
func (t Type) takesWords() bool { return t == HostPort || t >= Words }

// codec reads and prints the values of one type. parse checks bounds and enums; its errors are Redis's texts, without the
// directive's name. base is the value so far: only Limits, whose text may name some of the classes, looks at it.
type codec struct {
	parse  func(d *Directive, text string, base any) (any, error)
	format func(v any) string
}

// codecs has one entry per Type.
var codecs = [...]codec{
	Bool:        {parseBool, formatBool},
	Int:         {parseInt, formatInt},
	Port:        {parsePort, formatInt},
	Octal:       {parseOctal, formatOctal},
	Size:        {parseSize, formatSize},
	PercentSize: {parsePercentSize, formatPercentSize},
	Duration:    {parseDuration, formatDuration},
	Seconds:     unitCodec(1e9),
	Millis:      unitCodec(1e6),
	Micros:      unitCodec(1e3),
	String:      {parseString, formatString},
	Enum:        {parseEnum, formatString},
	Events:      {parseEvents, formatString},
	Addr:        {parseAddr, formatString},
	HostPort:    {parseHostPort, formatHostPort},
	Words:       {parseWords, formatList},
	List:        {parseList, formatList},
	Addrs:       {parseAddrs, formatList},
	Lines:       {parseLines, formatLines},
	Percentiles: {parsePercentiles, formatPercentiles},
	Save:        {parseSave, formatSave},
	Renames:     {parseRenames, formatRenames},
	Members:     {parseMembers, formatMembers},
	Limits:      {parseLimits, formatLimits},
	Scores:      {parseScores, formatScores},
}

// Parse reads text as the directive's value, of the Go type that stands beside its Type. base is the value that the
// text changes, or nil; only client-output-buffer-limit needs it.
func (d *Directive) Parse(text string, base any) (any, error) {
	value, err := codecs[d.Type].parse(d, text, base)
	if err == nil && d.Check != nil && d.Inert == "" {
		value, err = d.Check(value)
	}
	return value, err
}

// checkInert is Check for a directive that Parse does not check, of a text that Parse takes.
func (d *Directive) checkInert(text string) error {
	if d.Check == nil {
		return nil
	}
	value, err := d.Parse(text, nil)
	if err == nil {
		_, err = d.Check(value)
	}
	return err
}

// Format prints a value as CONFIG GET does. Parse reads it back to the same value.
func (d *Directive) Format(value any) string { return codecs[d.Type].format(value) }
