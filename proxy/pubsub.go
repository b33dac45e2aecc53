package proxy

type subscriptions struct{}

func (s *subscriptions) restore(*lane)              {}
func (s *subscriptions) message(*lane, []byte) bool { return false }

func (c *client) clientUnblock([][]byte) bool { return c.reply(errSyntax) }

func remaining(e *entry, frame []byte, now uint32) []byte { return frame }

func (c *client) lostPrivate() { c.unseen = c.watching }
