package commands

// Class is the class of a keyspace event, one letter of
// notify-keyspace-events.
type Class byte

// The classes of Redis 7.2 (server.h, NOTIFY_*).
const (
	Generic   Class = 'g'
	String    Class = '$'
	List      Class = 'l'
	SetEvent  Class = 's'
	Hash      Class = 'h'
	ZSet      Class = 'z'
	Expired   Class = 'x'
	Evicted   Class = 'e'
	Stream    Class = 't'
	KeyMiss   Class = 'm'
	NewKey    Class = 'n'
	ModuleKey Class = 'd'
)
