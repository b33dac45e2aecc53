package backend_test

import (
	"fmt"
	"testing"
)

// What a replica's own clients wrote expires there, and the master's keys do
// not.
func TestWritableReplicaExpiresItsOwnKeys(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir(), "--enable-debug-command", "yes"), begin(t, t.TempDir())
	m.must("DEBUG SET-ACTIVE-EXPIRE 0")
	r.follows(m)
	m.must("PSETEX masters 50 x")
	r.must("CONFIG SET replica-read-only no")
	r.must("PSETEX own 20 x")
	r.must("SET lasting x")
	await(t, "the own key is deleted", func() bool { return infoInt(t, r, "expired_keys") == 1 })
	await(t, "nothing is looked after any more", func() bool { return infoInt(t, r, "slave_expires_tracked_keys") == 0 })
	await(t, "the master's key is hidden", func() bool { return r.must("EXISTS masters").Int == 0 })
	if n := r.must("DBSIZE").Int; n != 2 || infoInt(t, r, "expired_keys") != 1 {
		t.Errorf("%d keys left of lasting and masters, %d expired", n, infoInt(t, r, "expired_keys"))
	}
}

// A flood of keys that are past is gone soon, though nobody asks for them, each
// in a DEL of its own.
func TestActiveExpiryKeepsUp(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--enable-debug-command", "yes")
	p.must("DEBUG SET-ACTIVE-EXPIRE 0")
	for i := range 5000 {
		p.must(fmt.Sprintf("PSETEX key:%d 1 x", i))
	}
	p.must("DEBUG SET-ACTIVE-EXPIRE 1")
	await(t, "all are gone", func() bool { return p.must("DBSIZE").Int == 0 })
	if infoInt(t, p, "expired_keys") != 5000 {
		t.Errorf("%d expired", infoInt(t, p, "expired_keys"))
	}
	if infoField(t, p, "expired_stale_perc") == "0.00" {
		t.Error("expired_stale_perc stayed 0")
	}
}

// A master that starts drops what its file has of keys whose time has come, and
// counts it apart.
func TestExpiryAtStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir, "--enable-debug-command", "yes")
	p.must("DEBUG SET-ACTIVE-EXPIRE 0")
	for i := range 100 {
		p.must(fmt.Sprintf("PSETEX short:%d 1 x", i))
		p.must(fmt.Sprintf("SETEX long:%d 1000 x", i))
	}
	await(t, "the keys are past", func() bool { return p.must("EXISTS short:99").Int == 0 })
	p.must("SAVE")
	saved := p.must("DBSIZE").Int
	p.stop()
	p = begin(t, dir)
	await(t, "the data is there", func() bool { return infoInt(t, p, "loading") == 0 })
	loaded, expired := infoInt(t, p, "rdb_last_load_keys_loaded"), infoInt(t, p, "rdb_last_load_keys_expired")
	if n := p.must("DBSIZE").Int; n != 100 || loaded != 100 || int64(expired) != saved-100 || expired == 0 {
		t.Errorf("%d keys, %d loaded, %d expired of %d saved", n, loaded, expired, saved)
	}
}
