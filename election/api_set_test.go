package election

import (
	"strings"
	"testing"
)

// master asks a sentinel for a field of SENTINEL MASTER.
func (c *cluster) master(id, field string) string {
	v, err := c.do(id, "SENTINEL", "MASTER", "mymaster")
	if err != nil {
		return err.Error()
	}
	return v.Pairs()[field].Text
}

// A setting that is changed at one sentinel holds there with the reply, then at
// every other, at one that was not there, and after all were restarted.
func TestSetHoldsEverywhere(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, quiet)
	c.whole(2)
	c.stop("s3")
	for i, id := range []string{"s1", "s2"} { // one of them follows
		quorum := []string{"3", "4"}[i]
		if v, err := c.do(id, "SENTINEL", "SET", "mymaster", "quorum", quorum, "auth-user", "other"); err != nil || v.Text != "OK" {
			t.Fatalf("SENTINEL SET at %s: %v, %v", id, v.Text, err)
		}
		if got := c.master(id, "quorum"); got != quorum {
			t.Errorf("%s said OK and has quorum %s", id, got)
		}
		c.printed(id, "+set master mymaster", "quorum "+quorum, "auth-user other")
	}
	c.start("s3")
	holds := func(id string) {
		t.Helper()
		eventually(t, "the setting at "+id, func() bool { return c.master(id, "quorum") == "4" })
		eventually(t, id+" to log in to the nodes as another user", func() bool { return c.sentinels[id].asUser("other") })
	}
	for _, id := range ids {
		holds(id)
	}
	for _, id := range ids {
		c.stop(id)
	}
	for _, id := range ids {
		c.start(id)
	}
	for _, id := range ids {
		holds(id)
	}
	c.whole(2)
}

// asUser tells whether every node is probed as that user.
func (s *Sentinel) asUser(user string) bool {
	all := make(chan bool, 1)
	s.loop.post(func() {
		ok := s.loop.groups["mymaster"] != nil
		if ok {
			for _, w := range s.loop.groups["mymaster"].nodes {
				ok = ok && w.tuning.User == user && w.connected
			}
		}
		all <- ok
	})
	return <-all
}

// write-acks is a wish: the pair in force follows through the master, and comes
// back the same way.
func TestSetWriteAcks(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, quiet)
	c.whole(2)
	version := c.leader().group().Holders.Version
	for _, n := range []string{"2", "0", "1"} {
		if v, err := c.do("s2", "SENTINEL", "SET", "mymaster", "write-acks", n); err != nil || v.Text != "OK" {
			t.Fatalf("SENTINEL SET: %v, %v", v.Text, err)
		}
		eventually(t, "write-acks "+n+" in force", func() bool {
			g := c.sentinels["s1"].group()
			return g.Holders.N == int(n[0]-'0') && g.Next == nil && !g.Degraded
		})
		c.mustWrite("with write-acks " + n)
		after := c.sentinels["s1"].group().Holders.Version
		if after <= version {
			t.Errorf("write-acks %s came without a new version of the holders: %d after %d", n, after, version)
		}
		version = after
	}
	c.nothingLost()
}

// A setting is not committed where no majority is, and says so.
func TestSetWithoutMajority(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, quiet)
	c.whole(2)
	c.stop("s2")
	c.stop("s3")
	v, err := c.do("s1", "SENTINEL", "SET", "mymaster", "quorum", "1")
	if err == nil || v.Kind != '-' || strings.HasPrefix(v.Text, "ERR No such") {
		t.Errorf("%s, %v", show(v), err)
	}
	if got := c.master("s1", "quorum"); got != "2" {
		t.Errorf("the quorum is %s", got)
	}
}
