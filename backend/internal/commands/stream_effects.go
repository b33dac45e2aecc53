package commands

import "holdfast/backend/internal/types"

// The words of what stream commands are propagated as.
var (
	wordEqual          = []byte("=")
	wordXClaim         = []byte("XCLAIM")
	wordTime           = []byte("TIME")
	wordRetryCount     = []byte("RETRYCOUNT")
	wordForce          = []byte("FORCE")
	wordJustID         = []byte("JUSTID")
	wordLastID         = []byte("LASTID")
	wordXGroup         = []byte("XGROUP")
	wordSetID          = []byte("SETID")
	wordEntriesRead    = []byte("ENTRIESREAD")
	wordCreateConsumer = []byte("CREATECONSUMER")
	wordZero           = []byte("0")
)

// propagateClaim propagates that an entry is pending as it is now. A replica that gets
// it for an entry which its stream does not hold drops it from the group instead. id is
// the entry's ID as it was given.
func (c *Ctx) propagateClaim(key, group []byte, g types.Group, id []byte, p types.Pending) {
	var time, count [types.MaxIntLen]byte
	var last [types.MaxStreamIDLen]byte
	c.Propagate(wordXClaim, key, group, p.Consumer.Name(), wordZero, id,
		wordTime, types.AppendInt(time[:0], p.Delivered),
		wordRetryCount, types.AppendInt(count[:0], int64(p.Count)),
		wordForce, wordJustID, wordLastID, g.LastID().Append(last[:0]))
}

// propagateGroup propagates how far a group has read, where no claim tells.
func (c *Ctx) propagateGroup(key, group []byte, g types.Group) {
	var last [types.MaxStreamIDLen]byte
	var read [types.MaxIntLen]byte
	c.Propagate(wordXGroup, wordSetID, key, group, g.LastID().Append(last[:0]),
		wordEntriesRead, types.AppendInt(read[:0], g.EntriesRead()))
}

// propagateConsumer propagates a consumer that no claim makes.
func (c *Ctx) propagateConsumer(key, group, name []byte) {
	c.Propagate(wordXGroup, wordCreateConsumer, key, group, name)
}
