package types

// How far behind its stream a group is can be told from counters as long as nothing
// was deleted from the middle of the stream; the rules are those of Redis's
// streamEstimateDistanceFromFirstEverEntry and its callers.

// Number returns how many entries there ever were up to an ID, EntriesUnknown where
// that cannot be told.
func (i *StreamInfo) Number(id StreamID) int64 {
	added := int64(i.Added)
	switch cmp := id.Compare(i.Last); {
	case i.Added == 0:
		return 0
	case i.Length == 0 && cmp <= 0, cmp == 0:
		return added
	case cmp > 0 || !i.MaxDeleted.IsZero() && !i.MaxDeleted.Less(i.First):
		return EntriesUnknown
	}
	switch cmp := id.Compare(i.First); {
	case cmp < 0:
		return added - int64(i.Length)
	case cmp == 0:
		return added - int64(i.Length) + 1
	}
	return EntriesUnknown
}

// gapFrom reports whether an entry may have been deleted at or behind an ID, with
// others behind it left.
func (i *StreamInfo) gapFrom(id StreamID) bool {
	return i.Length > 0 && !i.MaxDeleted.IsZero() && !i.MaxDeleted.Less(i.First) && !i.MaxDeleted.Less(id)
}

// Lag returns how many entries the group has yet to read; ok is false where that
// cannot be told.
func (s *Stream) Lag(g Group) (n int64, ok bool) {
	info := s.Info()
	read := g.EntriesRead()
	switch {
	case info.Added == 0:
		return 0, true
	case read == EntriesUnknown || info.gapFrom(g.LastID()):
		read = info.Number(g.LastID())
	}
	return int64(info.Added) - read, read != EntriesUnknown
}

// Advance notes that the group has been given an entry behind its last one.
func (s *Stream) Advance(g Group, id StreamID) {
	h := g.head()
	if info := &s.head().StreamInfo; h.read != EntriesUnknown && !info.gapFrom(id) {
		h.read++
	} else if info.Added > 0 {
		h.read = info.Number(id)
	}
	h.last = id
}
