package rdb

import (
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// stream reads a stream in any of its forms. An empty one is a value like any other.
func (l *loader) stream(kind byte) (store.Type, types.Root, error) {
	s := l.into.Space().NewStream()
	err := l.streamNodes(&s)
	if err == nil {
		err = l.streamInfo(&s, kind)
	}
	if err == nil {
		err = l.groups(&s, kind)
	}
	if err != nil {
		s.Free()
		return store.None, types.Root{}, err
	}
	return store.Stream, s.Root(), nil
}

func (l *loader) streamNodes(s *types.Stream) error {
	nodes, err := l.number()
	for ; nodes > 0 && err == nil; nodes-- {
		err = l.streamNode(s)
	}
	return err
}

func (l *loader) streamNode(s *types.Stream) error {
	raw, err := l.text()
	if err != nil {
		return err
	}
	if len(raw) != types.StreamIDSize {
		return l.failf("the ID of a stream's node has %d bytes", len(raw))
	}
	master := types.RawStreamID(raw)
	listpack, err := l.text()
	if err != nil {
		return err
	}
	return l.damage(listpack, s.LoadNode(master, listpack))
}

// streamInfo reads what a stream knows about itself; of the oldest form it is found
// out as Redis does.
func (l *loader) streamInfo(s *types.Stream, kind byte) error {
	length, err := l.number()
	if err == nil && length != uint64(s.Len()) && !l.damaged {
		err = l.failf("a stream of %d entries has %d", length, s.Len())
	}
	if err != nil {
		return err
	}
	info := types.StreamInfo{Added: length}
	if info.Last, err = l.streamID(); err != nil {
		return err
	}
	if kind == typeStream {
		info.First, _ = s.Edge(false)
		s.SetInfo(info)
		return nil
	}
	if info.First, err = l.streamID(); err != nil {
		return err
	}
	if info.MaxDeleted, err = l.streamID(); err != nil {
		return err
	}
	info.Added, err = l.number()
	s.SetInfo(info)
	return err
}

func (l *loader) groups(s *types.Stream, kind byte) error {
	groups, err := l.number()
	for ; groups > 0 && err == nil; groups-- {
		err = l.group(s, kind)
	}
	return err
}

func (l *loader) group(s *types.Stream, kind byte) error {
	b, err := l.text()
	if err != nil {
		return err
	}
	name := append([]byte(nil), b...)
	last, err := l.streamID()
	if err != nil {
		return err
	}
	info := s.Info()
	read := info.Number(last)
	if kind != typeStream {
		n, err := l.number()
		if err != nil {
			return err
		}
		read = int64(n)
	}
	g, ok := s.AddGroup(name, last, read)
	if !ok {
		return l.failf("group %.64q comes twice", name)
	}
	if err := l.pending(g); err != nil {
		return err
	}
	return l.consumers(g, kind)
}

// pending reads what is pending in a group; whose it is comes behind.
func (l *loader) pending(g types.Group) error {
	n, err := l.number()
	for ; n > 0 && err == nil; n-- {
		var id types.StreamID
		if id, err = l.rawID(); err != nil {
			return err
		}
		var delivered, count uint64
		if delivered, err = l.uint64(); err != nil {
			return err
		}
		if count, err = l.number(); err == nil && !g.LoadPending(id, int64(delivered), count) {
			err = l.failf("entry %v is pending twice", id)
		}
	}
	return err
}

// consumers reads the consumers of a group, who must own all that is pending in it.
func (l *loader) consumers(g types.Group, kind byte) error {
	n, err := l.number()
	owned := 0
	for ; n > 0 && err == nil; n-- {
		var c types.Consumer
		if c, err = l.consumer(g, kind); err == nil {
			err = l.owned(g, c)
			owned += c.Pending()
		}
	}
	if err == nil && owned != g.Pending() {
		err = l.failf("%d entries are pending for nobody", g.Pending()-owned)
	}
	return err
}

func (l *loader) consumer(g types.Group, kind byte) (c types.Consumer, err error) {
	b, err := l.text()
	if err != nil {
		return c, err
	}
	c, ok := g.AddConsumer(b, 0)
	if !ok {
		return c, l.failf("Duplicate stream consumer detected: %.64q", b)
	}
	seen, err := l.uint64()
	active := seen
	if err == nil && kind == typeStream3 {
		active, err = l.uint64()
	}
	c.SetSeen(int64(seen))
	c.SetActive(int64(active))
	return c, err
}

func (l *loader) owned(g types.Group, c types.Consumer) error {
	n, err := l.number()
	for ; n > 0 && err == nil; n-- {
		var id types.StreamID
		if id, err = l.rawID(); err == nil && !g.LoadOwner(id, c) {
			err = l.failf("entry %v is pending for a consumer, and not in its group or for another too", id)
		}
	}
	return err
}

func (l *loader) streamID() (id types.StreamID, err error) {
	if id.Ms, err = l.number(); err == nil {
		id.Seq, err = l.number()
	}
	return id, err
}

// rawID reads an ID that stands there without a length.
func (l *loader) rawID() (types.StreamID, error) {
	b, err := l.full(types.StreamIDSize)
	if err != nil {
		return types.StreamID{}, err
	}
	return types.RawStreamID(b), nil
}

// number reads a number in the form of a length.
func (l *loader) number() (uint64, error) {
	n, special, err := l.length()
	if err == nil && special {
		err = l.failf("a string stands where a number should")
	}
	return n, err
}
