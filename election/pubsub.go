package election

import (
	"path"
	"strings"

	"holdfast/backend/resp"
)

// Channels are the events' names; a message is the event's text.

func (c *conn) subscribed() bool {
	c.subs.Lock()
	defer c.subs.Unlock()
	return len(c.channels)+len(c.patterns) > 0
}

// change subscribes or unsubscribes names and answers each, as Redis does: the
// count is that of all subscriptions, and to unsubscribe from nothing is
// answered too.
func (c *conn) change(kind string, set *map[string]bool, names [][]byte, add bool) {
	c.subs.Lock()
	defer c.subs.Unlock()
	if *set == nil {
		*set = map[string]bool{}
	}
	if !add && len(names) == 0 {
		for name := range *set {
			names = append(names, []byte(name))
		}
		if len(names) == 0 {
			c.out = resp.AppendPush(c.out, c.proto, 3)
			c.out = resp.AppendBulkString(c.out, kind)
			c.out = resp.AppendNull(c.out, c.proto)
			c.out = resp.AppendInt(c.out, int64(len(c.channels)+len(c.patterns)))
		}
	}
	for _, name := range names {
		if add {
			(*set)[string(name)] = true
		} else {
			delete(*set, string(name))
		}
		c.out = resp.AppendPush(c.out, c.proto, 3)
		c.out = resp.AppendBulkString(c.out, kind)
		c.out = resp.AppendBulk(c.out, name)
		c.out = resp.AppendInt(c.out, int64(len(c.channels)+len(c.patterns)))
	}
	if add && c.events == nil {
		c.feed()
	}
}

// feed starts the goroutine that writes events.
func (c *conn) feed() {
	c.events, c.quit = make(chan [2]string, eventQueue), make(chan struct{})
	c.feeding.Add(1)
	go func() {
		defer c.feeding.Done()
		for {
			select {
			case <-c.quit:
				return
			case e := <-c.events:
				if b := c.message(e[0], e[1]); len(b) > 0 && !c.send(b) {
					c.nc.Close()
					return
				}
			}
		}
	}()
	c.server.s.events.subscribe(c)
}

// event implements subscriber. A client that is too far behind is cut off: it
// must not believe that it has seen everything.
func (c *conn) event(name, text string) {
	select {
	case c.events <- [2]string{name, text}:
	default:
		c.nc.Close()
	}
}

// message is what an event means for the subscriptions of this client.
func (c *conn) message(name, text string) (b []byte) {
	c.subs.Lock()
	defer c.subs.Unlock()
	if c.channels[name] {
		b = resp.AppendPush(b, c.proto, 3)
		b = resp.AppendBulkString(b, "message")
		b = resp.AppendBulkString(b, name)
		b = resp.AppendBulkString(b, text)
	}
	for pattern := range c.patterns {
		if matches(pattern, name) {
			b = resp.AppendPush(b, c.proto, 4)
			b = resp.AppendBulkString(b, "pmessage")
			b = resp.AppendBulkString(b, pattern)
			b = resp.AppendBulkString(b, name)
			b = resp.AppendBulkString(b, text)
		}
	}
	return b
}

// inSubscription are the commands that a RESP2 client may send while it is
// subscribed.
func inSubscription(command string) bool {
	switch strings.ToUpper(command) {
	case "SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "PING", "QUIT", "RESET":
		return true
	}
	return false
}

// matches is Redis's glob on names without slashes.
func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
