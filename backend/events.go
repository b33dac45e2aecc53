package backend

import (
	"strconv"
	"strings"

	"holdfast/backend/internal/commands"
)

// eventMask says which keyspace events are published (notify-keyspace-events).
type eventMask struct {
	keyspace, keyevent bool
	class              [128]bool
}

// allEvents is what A stands for: every class but m and n (notify.c).
const allEvents = "g$lshzxetd"

// setEvents takes a new mask. Without any event handlers have nobody to tell,
// which costs nothing.
func (n *Node) setEvents(flags string) {
	n.events = eventMask{keyspace: strings.Contains(flags, "K"), keyevent: strings.Contains(flags, "E")}
	for _, c := range strings.ReplaceAll(flags, "A", allEvents) {
		n.events.class[c&127] = true
	}
	var tell func(commands.Class, string, int, []byte)
	if n.events.keyspace || n.events.keyevent {
		tell = n.event
	}
	for _, x := range n.contexts() {
		x.SetNotify(tell)
	}
	n.store.Hooks.Added = n.tellOf(commands.NewKey, "new")
	n.store.Hooks.Missed = n.tellOf(commands.KeyMiss, "keymiss")
}

// tellOf is a hook of the store for an event that no handler knows of; nil when
// nobody is told.
func (n *Node) tellOf(class commands.Class, event string) func(db int, key []byte) {
	if !n.events.keyspace && !n.events.keyevent || !n.events.class[class] {
		return nil
	}
	return func(db int, key []byte) { n.event(class, event, db, key) }
}

// event publishes what happened to a key. The engine lock is held.
func (n *Node) event(class commands.Class, event string, db int, key []byte) {
	if !n.events.class[class] {
		return
	}
	number := strconv.Itoa(db)
	if n.events.keyspace {
		n.publish(channels, append([]byte("__keyspace@"+number+"__:"), key...), []byte(event))
	}
	if n.events.keyevent {
		n.publish(channels, []byte("__keyevent@"+number+"__:"+event), key)
	}
}
