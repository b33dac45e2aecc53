package store

// ExpireCycle is one round of looking for keys whose time has come, over all
// databases. As in Redis's activeExpireCycle it takes a few at a time and stays
// with a database while more of them than is acceptable were past. It may be
// done in steps; the engine may be used between them.
type ExpireCycle struct {
	Sample     int // keys looked at between two decisions to stay
	Acceptable int // percent of them that may be past

	Looked  int // keys looked at so far
	Expired int // of those, how many were past and are deleted

	done int // databases
}

// ActiveExpire goes on with the round, where the last one ended, until about max
// keys were looked at. more is true while the round is not over. Nothing is
// deleted where that is not this store's to do.
func (s *Store) ActiveExpire(c *ExpireCycle, max int) (more bool) {
	if s.expiry != ExpiryDelete {
		return false
	}
	for c.done < len(s.dbs) {
		db := s.dbs[s.sweep%len(s.dbs)]
		n := min(c.Sample, db.ks.ttl.n)
		gone := db.expireSample(n)
		c.Looked += n
		c.Expired += gone
		if gone*100 <= n*c.Acceptable {
			s.sweep++
			c.done++
		}
		if max -= n; max <= 0 {
			return c.done < len(s.dbs)
		}
	}
	return false
}

// ExpireAll deletes every key whose time has come, and returns how many there were;
// none where that is not this store's to do.
func (s *Store) ExpireAll() (gone int) {
	if s.expiry != ExpiryDelete {
		return 0
	}
	for _, db := range s.dbs {
		gone += db.expireSample(db.ks.ttl.n)
	}
	return gone
}

// expireSample looks at the next n slots of the index.
func (db *DB) expireSample(n int) (gone int) {
	x := &db.ks.ttl
	var left, alive int64
	for range n {
		if x.next >= x.n {
			x.next = 0
		}
		if x.n == 0 {
			break
		}
		e := *x.at(uint32(x.next))
		if db.past(e) {
			db.expireNow(e) // another entry takes the slot
			gone++
			continue
		}
		left += db.ks.expireOf(e) - db.s.now
		alive++
		x.next++
	}
	if alive > 0 {
		db.ks.averageTTL(left / alive)
	}
	return gone
}

// averageTTL lets a new sample count for a fiftieth, as Redis does.
func (ks *keyspace) averageTTL(ms int64) {
	if ks.avgTTL == 0 {
		ks.avgTTL = ms
	}
	ks.avgTTL += (ms - ks.avgTTL) / 50
}
