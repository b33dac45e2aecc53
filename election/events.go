package election

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"holdfast/election/internal/group"
)

// events prints and publishes what happens, in Redis Sentinel's words. It is
// safe for concurrent use; subscribers see everything in one order.
type events struct {
	log  *slog.Logger
	self string // this sentinel's run id

	mu          sync.Mutex
	subscribers map[subscriber]struct{}
	said        map[string]map[string]bool // nodes that +sdown was said of, by group and address
}

// subscriber takes events; it must not block.
type subscriber interface {
	event(name, text string)
}

func newEvents(log *slog.Logger, self string) *events {
	return &events{log: log, self: self, subscribers: map[subscriber]struct{}{}, said: map[string]map[string]bool{}}
}

func (e *events) subscribe(s subscriber) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subscribers[s] = struct{}{}
}

func (e *events) unsubscribe(s subscriber) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.subscribers, s)
}

// say prints an event of this sentinel alone.
func (e *events) say(name, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.emit(name, text)
}

// emit needs mu.
func (e *events) emit(name, text string) {
	e.log.Log(context.Background(), levelOf(name), name+" "+text)
	for s := range e.subscribers {
		s.event(name, text)
	}
}

// committed prints an event that all sentinels print. The others' agreement
// that a master is down is news of its being down even to a sentinel that has
// not noticed yet, so that +sdown comes ahead of +odown everywhere.
func (e *events) committed(ev group.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch ev.Name {
	case "+odown":
		instance, _, _ := strings.Cut(ev.Text, " #")
		words := strings.Fields(instance) // master <name> <ip> <port>
		if len(words) == 4 && e.first(ev.Group, joinHostPort(words[2], words[3])) {
			e.emit("+sdown", instance)
		}
	case "+switch-master":
		e.forgetNodes(ev.Group)
	case "+sentinel":
		if strings.HasPrefix(ev.Text, "sentinel "+e.self+" ") {
			return // no news to itself
		}
	}
	e.emit(ev.Name, ev.Text)
}

// forgetNodes drops what was said of a group's nodes: they have other roles now.
func (e *events) forgetNodes(group string) {
	for key := range e.said[group] {
		if !strings.HasPrefix(key, peerKey) {
			delete(e.said[group], key)
		}
	}
}

// peerKey stands before a sentinel's id where an address stands for a node.
const peerKey = "sentinel "

// sdown prints +sdown or -sdown when this sentinel's verdict on a node has
// changed since it was last said.
func (e *events) sdown(group, addr, instance string, down bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case down && e.first(group, addr):
		e.emit("+sdown", instance)
	case !down && e.said[group][addr]:
		delete(e.said[group], addr)
		e.emit("-sdown", instance)
	}
}

func (e *events) first(group, addr string) bool {
	if e.said[group] == nil {
		e.said[group] = map[string]bool{}
	}
	if e.said[group][addr] {
		return false
	}
	e.said[group][addr] = true
	return true
}

// levelOf is the level that Redis gives an event (sentinel.c, the calls of
// sentinelEvent): most are warnings, what follows from them are notices.
func levelOf(name string) slog.Level {
	switch name {
	case "+slave", "+sentinel", "+failover-state-select-slave", "+failover-state-send-slaveof-noone",
		"+failover-state-wait-promotion", "+slave-reconf-sent", "+slave-reconf-inprog", "+slave-reconf-done",
		"+convert-to-slave", "+reboot", "-waiting", "+role-change", "-role-change":
		return slog.LevelInfo
	}
	return slog.LevelWarn
}
