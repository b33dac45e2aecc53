package rdb

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// fillStream makes a stream of n entries, of which some were deleted, with groups and
// pending entries.
func fillStream(t testing.TB, db *store.DB, name string, n int) {
	t.Helper()
	s, err := db.MakeStream([]byte(name))
	if err != nil {
		t.Fatal(err)
	}
	fields := []string{"hum 2 temp 1", "hum x temp -70000", "other field", "12 34"} // sorted: a third reader loses their order
	for i := range uint64(n) {
		if err := s.Append(types.StreamID{Ms: 1_600_000_000_000 + i/3, Seq: i}, bytes.Fields([]byte(fields[i%17%4]))); err != nil {
			t.Fatal(err)
		}
	}
	for i := uint64(1); i < uint64(n); i += 7 {
		s.Delete(types.StreamID{Ms: 1_600_000_000_000 + i/3, Seq: i})
	}
	s.Trim(types.StreamTrim{MaxLen: uint64(n * 3 / 4)})
	s.AddGroup([]byte("nobody"), types.StreamID{}, types.EntriesUnknown)
	g, _ := s.AddGroup([]byte("12"), s.Info().Last, 5)
	for _, name := range []string{"alice", "bob", "idle", "1234"} {
		c, _ := g.AddConsumer([]byte(name), 1_600_000_000_001)
		c.SetActive(c.Seen())
	}
	alice, _ := g.Consumer([]byte("alice"))
	bob, _ := g.Consumer([]byte("bob"))
	for e, i := s.Entries(types.StreamID{}, types.MaxStreamID, false), 0; e.Next(); i++ {
		p := types.Pending{ID: e.ID, Consumer: alice, Delivered: int64(i), Count: uint64(i)}
		if i%3 == 0 {
			p.Consumer = bob
		}
		g.Deliver(p)
	}
	s.Done(true)
}

// streamText is a stream with all that belongs to it.
func streamText(v store.Value) string {
	s := v.Stream()
	var b strings.Builder
	fmt.Fprintf(&b, "%+v\n", s.Info())
	s.EachNode(func(master types.StreamID, lp []byte) bool {
		fmt.Fprintf(&b, "%v %x\n", master, lp)
		return true
	})
	s.EachGroup(func(g types.Group) bool {
		fmt.Fprintf(&b, "group %s %v %d\n", g.Name(), g.LastID(), g.EntriesRead())
		g.EachPending(types.StreamID{}, func(p types.Pending) bool {
			fmt.Fprintf(&b, "  %v %d %d %s\n", p.ID, p.Delivered, p.Count, p.Consumer.Name())
			return true
		})
		g.EachConsumer(func(c types.Consumer) bool {
			fmt.Fprintf(&b, "  consumer %s seen %d active %d pending %d:", c.Name(), c.Seen(), c.Active(), c.Pending())
			c.EachPending(types.StreamID{}, func(id types.StreamID) bool {
				fmt.Fprintf(&b, " %v", id)
				return true
			})
			b.WriteString("\n")
			return true
		})
		return true
	})
	return b.String()
}

func value(t *testing.T, s *store.Store, db int, key string) store.Value {
	t.Helper()
	v, ok := s.DB(db).Value([]byte(key))
	if !ok {
		t.Fatalf("there is no %s", key)
	}
	return v
}

func TestStreamsAreReadAsWritten(t *testing.T) {
	s := newStore(t)
	for name, n := range map[string]int{"none": 0, "few": 10, "many": 3000} {
		fillStream(t, s.DB(0), name, n)
	}
	back, _ := load(t, snapshotOf(t, s))
	for name, v := range entries(s, 0) {
		if got, want := streamText(value(t, back, 0, name)), streamText(v); got != want {
			t.Errorf("%s:\n got %.3000s\nwant %.3000s", name, got, want)
		}
	}
}

// TestStreamsAreExchangedWithRedis sends streams to redis-server and back, which also
// has to work on with them, and compares the very bytes it dumps with ours.
func TestStreamsAreExchangedWithRedis(t *testing.T) {
	r := startRedis(t, t.TempDir(), "--rdbcompression", "no")
	s := newStore(t)
	fillStream(t, s.DB(0), "none", 0)
	fillStream(t, s.DB(0), "few", 10)
	fillStream(t, s.DB(0), "many", 3000)
	for name, v := range entries(s, 0) {
		ours, err := AppendDump(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		r.do("RESTORE", name, "0", string(ours))
		theirs := r.do("DUMP", name)
		if theirs[0] == typeStream2 && theirs != string(ours) {
			t.Errorf("%s: redis-server dumps %x, we %x", name, theirs, ours)
		}
		if err := restore(s, 1, []byte(name), []byte(theirs), store.NoExpire); err != nil {
			t.Fatal(err)
		}
		if got, want := streamText(value(t, s, 1, name)), streamText(v); got != want {
			t.Errorf("%s came back from redis-server as\n%.3000s\nwas %.3000s", name, got, want)
		}
		r.do("XADD", name, "*", "temp", "3", "hum", "4")
		for _, request := range []string{"XREADGROUP GROUP nobody new STREAMS " + name + " >", "XAUTOCLAIM " + name + " 12 bob 0 0 COUNT 10000",
			"XPENDING " + name + " 12 - + 10", "XINFO STREAM " + name + " FULL COUNT 0", "XTRIM " + name + " MAXLEN 3"} {
			if v, err := r.conn.Do(context.Background(), strings.Fields(request)...); err != nil || v.Kind == '-' {
				t.Errorf("%s: %v %v", request, v, err)
			}
		}
	}
}

// redisStream is what redis-server 7.2.6 dumps for a stream of three entries and two
// groups, in a form that says when consumers were active.
const redisStream = "150110000000000000000100000000000000014044440000001b0003010101010181660200010301000100010101040102010101dfff0281" +
	"760204010001010104010101816702817602060102010201dfff028176020401ff030300020001010402c011020503000003677270030004" +
	"03000000000000000200000000000000000168e5cf8b01000007000000000000000200000000000000050268e5cf8b010000010000000000" +
	"00000300000000000000000368e5cf8b010000020305616c6963655ebb4904a20100005ebb4904a201000002000000000000000200000000" +
	"000000000000000000000002000000000000000503626f6284bb4904a201000084bb4904a201000001000000000000000300000000000000" +
	"000469646c65eaba4904a2010000ffffffffffffffff000b000a39b7bbc7525c82"

func TestStreamsOfOtherVersions(t *testing.T) {
	payload, err := hex.DecodeString(redisStream)
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t)
	if err := restore(s, 0, []byte("k"), payload, store.NoExpire); err != nil {
		t.Fatal(err)
	}
	text := streamText(value(t, s, 0, "k"))
	for _, want := range []string{
		"{Length:3 Added:4 First:2-0 Last:3-0 MaxDeleted:1-1}",
		"group 17 2-5 3",
		"group grp 3-0 4",
		"2-0 1700000000001 7 alice",
		"3-0 1700000000003 2 bob",
		"consumer alice seen 1795368270686 active 1795368270686 pending 2: 2-0 2-5",
		"consumer idle seen 1795368270570 active -1 pending 0:",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}

	// The oldest form has neither the counters nor when consumers were active.
	v := value(t, s, 0, "k")
	stream := v.Stream()
	w := Writer{}
	w.length(1)
	stream.EachNode(func(master types.StreamID, lp []byte) bool {
		w.blob(master.AppendRaw(nil))
		w.blob(lp)
		return true
	})
	w.length(3)
	w.streamID(types.StreamID{Ms: 3})
	w.length(1)
	w.text([]byte("g"))
	w.streamID(types.StreamID{Ms: 3})
	w.length(1)
	w.buf = types.StreamID{Ms: 2}.AppendRaw(w.buf)
	w.milliseconds(77)
	w.length(5)
	w.length(1)
	w.text([]byte("c"))
	w.milliseconds(88)
	w.length(1)
	w.buf = types.StreamID{Ms: 2}.AppendRaw(w.buf)
	back, _ := load(t, file(9, entry(typeStream, "k", w.buf)))
	text = streamText(value(t, back, 0, "k"))
	for _, want := range []string{
		"{Length:3 Added:3 First:2-0 Last:3-0 MaxDeleted:0-0}",
		"group g 3-0 3",
		"2-0 77 5 c",
		"consumer c seen 88 active 88 pending 1: 2-0",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestHostileStreams restores damaged payloads: each is refused, kept as it is, or
// a stream that can be dumped and read again; and none takes much more memory than it has bytes.
func TestHostileStreams(t *testing.T) {
	s := newStore(t)
	fillStream(t, s.DB(0), "k", 40)
	good, err := AppendDump(nil, value(t, s, 0, "k"))
	if err != nil {
		t.Fatal(err)
	}
	other, _ := hex.DecodeString(redisStream)
	rnd := rand.New(rand.NewPCG(1, 31))
	idle, accepted, damaged := s.UsedMemory(), 0, 0
	steps := 20_000
	if testing.Short() {
		steps /= 10
	}
	for i := range steps {
		bad := bytes.Clone([][]byte{good, other}[i%2])
		bad = bad[:len(bad)-dumpFoot]
		for range 1 + rnd.IntN(3) {
			bad[1+rnd.IntN(len(bad)-1)] = []byte{0, 1, 2, 0x40, 0x7f, 0x80, 0x81, 0xc0, 0xc3, 0xff, byte(rnd.Uint32())}[rnd.IntN(11)]
		}
		if rnd.IntN(5) == 0 {
			bad = bad[:1+rnd.IntN(len(bad)-1)]
		}
		err := restore(s, 1, []byte("bad"), sealed(bad), store.NoExpire)
		if used := s.UsedMemory() - idle; used > int64(20*len(bad)+4096) {
			t.Fatalf("%d bytes take %d: %x", len(bad), used, bad)
		}
		if err != nil {
			continue
		}
		accepted++
		again, err := AppendDump(nil, value(t, s, 1, "bad"))
		if err != nil {
			t.Fatal(err)
		}
		if err := restore(s, 2, []byte("again"), again, store.NoExpire); err != nil {
			t.Fatalf("what was restored is not dumped well: %x", bad)
		}
		if v := value(t, s, 1, "bad"); v.Type == store.Damaged {
			if damaged++; !bytes.Equal(again, sealed(bad)) {
				t.Fatalf("%x\nbecame\n%x", sealed(bad), again)
			}
		} else if a, b := streamText(v), streamText(value(t, s, 2, "again")); a != b && bad[0] == typeStream2 {
			t.Fatalf("%s\nbecame\n%s", a, b)
		}
		s.DB(1).Delete([]byte("bad"))
		s.DB(2).Delete([]byte("again"))
		for s.Tidy(1000) {
		}
	}
	if accepted-damaged < 100 || damaged < 100 {
		t.Errorf("only %d payloads were accepted, %d of them as damaged: nothing was tried", accepted, damaged)
	}
}
