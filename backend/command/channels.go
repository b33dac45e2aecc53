package command

// channelUse is where the channels of a command stand among its words.
type channelUse struct {
	count    int // 0: all words behind the name
	patterns bool
}

// channelUses are the commands that publish to channels or listen to them. Those
// that stop listening need no permission for it (db.c, commands_with_channels).
var channelUses = map[string]channelUse{
	"publish": {count: 1}, "spublish": {count: 1},
	"subscribe": {}, "ssubscribe": {}, "psubscribe": {patterns: true},
}

// HasChannels tells whether the command can name channels that it publishes or
// listens to.
func (c *Command) HasChannels() bool {
	_, ok := channelUses[c.Full]
	return ok
}

// Channels calls visit with the index of each channel that a request publishes or
// listens to, and whether it is a pattern of channels. args is a whole request of
// this command whose arity fits.
func (c *Command) Channels(args [][]byte, visit func(i int, pattern bool)) {
	use, ok := channelUses[c.Full]
	if !ok {
		return
	}
	end := len(args)
	if use.count > 0 {
		end = 1 + use.count
	}
	for i := 1; i < end; i++ {
		visit(i, use.patterns)
	}
}
