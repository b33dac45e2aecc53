package repl

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// hears makes a Told of records, one each 10 bytes from position 100 on.
func hears(self string, payloads ...string) *Told {
	t := &Told{self: self, follows: true}
	for i, p := range payloads {
		s, ok := ParseStatement([]byte(p))
		if !ok {
			panic(p)
		}
		s.From, s.End = uint64(100+10*i), uint64(110+10*i)
		t.hear(s, Everything)
	}
	return t
}

func TestToldAllows(t *testing.T) {
	for _, c := range []struct {
		self    string
		records string
		want    uint64
	}{
		{"a", "", Everything},
		{"a", "hf:holders", Everything},
		{"a", "hf:holders:0:a", Everything},
		{"a", "hf:holders:1:a,b", Everything},
		{"a", "hf:holders:1:*", Everything},
		{"c", "hf:holders:1:a,b", 100},     // what nobody had to confirm stays shown
		{"a", "hf:holders:2:a,b", 100},     // itself is not enough
		{"a", "hf:holders:2:*", 100},       // nor without a group
		{"a", "hf:holders:2:", 100},        // nobody can confirm
		{"a", "hf:holders:0:", Everything}, // nobody has to
		{"c", "hf:holders:1:a,b hf:confirmed:105", 105},
		{"c", "hf:holders:1:a,b hf:confirmed:105 hf:confirmed:103", 105},
		{"a", "hf:holders:1:a hf:holders:1:a:1:b", 110}, // loses its say
		{"a", "hf:holders:1:a hf:holders:1:a:1:b hf:holders:1:b", 110},
		{"a", "hf:holders:1:b hf:holders:1:b:1:a", 100}, // gets it
		{"a", "hf:holders:1:b hf:holders:1:b:1:a hf:holders:1:a", Everything},
		{"a", "hf:holders:1:a hf:holders:1:a:2:a,b", 110}, // N rises
		{"a", "hf:holders:1:a hf:epoch:2:x", 110},         // a barrier
		{"c", "hf:holders:1:a hf:epoch:2:x hf:confirmed:118", 118},
		{"a", "hf:holders:1:a hf:epoch:2:x hf:holders:1:a", Everything},
		{"a", "hf:holders:1:a hf:epoch:2:x hf:holders:0:", Everything},
	} {
		told := hears(c.self, strings.Fields(c.records)...)
		if got := told.Allowed(Everything); got != c.want {
			t.Errorf("%s behind %q: %d may be shown, want %d", c.self, c.records, got, c.want)
		}
	}
}

// Only what is on disk counts where it must be there, and who leads is nobody's
// replica.
func TestToldCountsWhatIsHeld(t *testing.T) {
	told := hears("a", "hf:holders:1:a")
	if got := told.Allowed(170); got != 170 {
		t.Errorf("%d may be shown of 170 on disk", got)
	}
	told.hear(Statement{From: 200, Pairs: []Holders{{N: 1, Members: []string{"b"}}}}, 170)
	if got := told.Allowed(900); got != 170 {
		t.Errorf("%d may be shown of 170 that were on disk", got)
	}
	led := Told{self: "a"}
	led.hear(Statement{From: 0, Pairs: []Holders{{N: 1, Members: []string{anybody}}}}, Everything)
	if got := led.Allowed(Everything); got != 0 {
		t.Errorf("a master that was replaced may show %d", got)
	}
}

func TestToldTravelsInSnapshots(t *testing.T) {
	for _, records := range []string{"", "hf:holders:1:a,b hf:confirmed:105", "hf:holders:2:a,b:1:", "hf:confirmed:7 hf:epoch:2:x", "hf:holders:2:*"} {
		one := hears("c", strings.Fields(records)...)
		other := Told{self: "c", follows: true}
		other.read(one.String())
		if other.String() != one.String() || other.barrier != one.barrier || !other.Says(one.pairs) && !one.barrier {
			t.Errorf("%q became %q", one.String(), other.String())
		}
	}
	var unknown Told
	if unknown.read("what is this"); unknown.Allowed(Everything) != 0 {
		t.Error("something may be shown of a stream of which nothing is known")
	}
}

func TestNoOtherPayloadIsAStatement(t *testing.T) {
	for _, payload := range []string{"", "x", "hf:", "hf:mark:1", "hf:confirmed:", "hf:confirmed:1x", "hf:confirmed:99999999999999999999",
		"hf:holdersx", "hf:holders:x:a", "hf:holders:1", "hf:holders:-1:a", "hf:holders:1:a:", "hf:epoch:x:y"} {
		if s, ok := ParseStatement([]byte(payload)); ok && payload != "hf:holders:1:a:" {
			t.Errorf("%q is taken for %+v", payload, s)
		}
	}
}

// A Told that follows a random history never allows more than N members of each
// pair that has a say hold, the node itself being one of them.
func TestToldNeverAllowsTooMuch(t *testing.T) {
	names := []string{"a", "b", "c"}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := NewConfirm(nil)
		holders := map[string]*Holder{}
		pos := map[string]uint64{}
		told := &Told{self: "a", follows: true}
		version, end, safe := uint64(1), uint64(100), uint64(100)
		random := func() Holders {
			h := Holders{Version: version, N: 1 + r.IntN(2)}
			version++
			for _, name := range names {
				if r.IntN(2) == 0 || len(h.Members) < h.N && name > "a" {
					h.Members = append(h.Members, name)
				}
			}
			return h
		}
		say := func(s Statement) {
			s.From, s.End = end, end+10
			end += 10
			told.hear(s, Everything)
			pos["a"] = end // it hears of records as it has them
			holders["a"].Ack(end)
		}
		c.Open(random(), end)
		for _, name := range names {
			holders[name] = c.Join(name)
		}
		say(Statement{Barrier: true})
		for range 60 {
			switch r.IntN(6) {
			case 0, 1:
				end += uint64(1 + r.IntN(20))
				pos["a"] = end
				holders["a"].Ack(end)
			case 2, 3:
				name := names[1+r.IntN(2)]
				pos[name] += uint64(r.Int64N(int64(end-pos[name]) + 1))
				holders[name].Ack(pos[name])
			case 4:
				if c.Change(random(), end) {
					if pairs, ok := c.Pairs(); ok {
						say(Statement{Pairs: pairs})
					}
				} else if reached := c.Reached(); reached > 0 {
					say(Statement{Confirmed: reached})
				}
			case 5:
				if _, pending, ready := c.Version(); ready && c.Commit(pending) {
					pairs, _ := c.Pairs()
					say(Statement{Pairs: pairs})
				}
			}
			if pairs, ok := c.Pairs(); ok {
				all := end
				for _, h := range pairs {
					var held []uint64
					for _, m := range h.Members {
						held = append(held, pos[m])
					}
					all = min(all, nth(held, h.N))
				}
				safe = max(safe, all) // what both pairs hold once, the next one has too
			}
			if allowed := min(told.Allowed(Everything), end); allowed > safe {
				t.Fatalf("seed %d: %d may be shown, and only %d was held by all pairs", seed, allowed, safe)
			}
		}
	}
}

// Records of confirmations are told only when there is more than they to confirm.
func TestStreamTellsNoMoreThanNews(t *testing.T) {
	s := NewStream(0)
	s.Activate()
	s.Append(0, words("SET a 1"))
	end := s.Offset()
	if !s.Tell(end) || s.Tell(s.Offset()) || s.Tell(s.Offset()) {
		t.Fatal("a record about a record")
	}
	s.Ping()
	if s.Tell(end) || !s.Tell(s.Offset()) {
		t.Fatal("news of a unit is not told")
	}
	if n := testing.AllocsPerRun(100, func() { s.Ping(); s.Tell(s.Offset()) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// A splitter passes the records on with their places, also through a relay.
func TestSplitterFindsStatements(t *testing.T) {
	s := NewStream(0)
	s.Activate()
	s.Append(0, words("SET a 1"))
	first := s.Offset()
	s.Holders([]Holders{{N: 2, Members: []string{"a", "b"}}})
	s.Tell(first)
	s.Epoch(3, "run")
	r := s.log.Reader(0, func(error) {})
	s.Publish()
	var cut splitter
	cut.maxUnit = 1 << 20
	last := s.Told().String()
	if s.Append(0, words("SET a 2")); !s.Tell(s.Offset()) || s.Told().Confirmed() != s.Offset() {
		t.Errorf("behind %s all was told to be confirmed, and that is now %s", last, s.Told())
	}
	s.Publish()
	for p := r.Next(); len(p) > 0; p = r.Next() {
		cut.filled(copy(cut.space(), p))
		r.Advance(len(p))
	}
	b, err := cut.next()
	if err != nil || b == nil {
		t.Fatal(b, err)
	}
	got := fmt.Sprintf("%+v", b.Says)
	if len(b.Says) != 4 || b.Says[0].From != first || b.Says[1].Confirmed != first || !b.Says[2].Barrier || b.Says[3].End != b.End() {
		t.Error(got)
	}
	relay := NewStream(0)
	relay.Activate()
	relay.Relay(b)
	if relay.Told().String() != s.Told().String() {
		t.Errorf("relayed %q as %q", s.Told(), relay.Told())
	}
}
