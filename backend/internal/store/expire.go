package store

// ExpireOf is key's expiry in Unix ms, NoExpire when it has none. ok is false
// when there is no such key.
func (db *DB) ExpireOf(key []byte) (ms int64, ok bool) {
	e := db.peek(key)
	if e == 0 {
		return 0, false
	}
	return db.ks.expireOf(e), true
}

// SetExpire gives key an expiry in Unix ms, or takes it away when ms is
// NoExpire, and reports whether there is such a key. A time in the past is for
// the caller to turn into a Delete, as Redis does.
func (db *DB) SetExpire(key []byte, ms int64) (ok bool, err error) {
	e := db.write(key)
	if e == 0 {
		return false, nil
	}
	if db.ks.setExpire(e, ms) == 0 {
		return true, ErrNoSpace
	}
	db.changed(key)
	return true, nil
}

// Persist takes key's expiry away and reports whether it had one.
func (db *DB) Persist(key []byte) bool {
	e := db.write(key)
	if e == 0 || db.ks.dict.Meta(e)&metaTTL == 0 {
		return false
	}
	db.ks.setExpire(e, NoExpire)
	db.changed(key)
	return true
}

// ActiveExpire deletes keys whose time has come, looking at about max keys that
// have one. As in Redis's activeExpireCycle it takes 20 at a time and stays
// with a database while more than a tenth of them were past. more is true when
// max cut it short: the engine calls again while its share of time lasts.
func (s *Store) ActiveExpire(max int) (expired int, more bool) {
	const sample, acceptable = 20, 10 // keys; percent
	if s.expiry != ExpiryDelete {
		return 0, false
	}
	for range s.dbs {
		db := s.dbs[s.sweep%len(s.dbs)]
		for {
			n := min(sample, db.ks.ttl.n)
			gone := db.expireSample(n)
			expired += gone
			if max -= n; max < 0 {
				return expired, true
			}
			if gone*100 <= n*acceptable {
				break
			}
		}
		s.sweep++
	}
	return expired, false
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
