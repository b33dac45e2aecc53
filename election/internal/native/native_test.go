package native

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"holdfast/backend/resp"
)

// flat makes the reply that a node would give: words that look like numbers are
// integers.
func flat(words ...any) resp.Value {
	v := resp.Value{Kind: '*'}
	for _, w := range words {
		switch w := w.(type) {
		case string:
			v.Elems = append(v.Elems, resp.Value{Kind: '$', Text: w})
		case int:
			v.Elems = append(v.Elems, resp.Value{Kind: ':', Int: int64(w)})
		case resp.Value:
			v.Elems = append(v.Elems, w)
		}
	}
	return v
}

func probeReply() resp.Value {
	return flat("run-id", "r", "incarnation", "i", "group", "g", "promised-epoch", 3, "data-epoch", "2", "offset", 77,
		"role", "master", "serving", 1, "replid", "x", "master-addr", "", "link", "none", "priority", 100, "loading", 0, "write-acks", 1,
		"holders-version", 5, "holders-pending", 6, "holders-ready", 1, "nonce", "n", "addr", "h:1",
		"replicas", flat(flat("h:2", "r2", "i2", 70, "online", 12)))
}

func TestParseProbe(t *testing.T) {
	got, err := ParseProbe(probeReply())
	want := &Probe{
		Sealed: Sealed{RunID: "r", Incarnation: "i", Promised: 3, DataEpoch: 2, Offset: 77},
		Group:  "g", Role: RoleMaster, Serving: true, ReplID: "x", Link: LinkNone, Priority: 100,
		HoldersVersion: 5, HoldersPending: 6, HoldersReady: true, Nonce: "n", Addr: "h:1",
		Replicas: []Replica{{Addr: "h:2", RunID: "r2", Incarnation: "i2", Acked: 70, State: StateOnline, Lag: 12}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

// Half an answer is none.
func TestIncompleteAnswers(t *testing.T) {
	whole := probeReply()
	for i := 0; i < len(whole.Elems)-2; i += 2 {
		part := resp.Value{Kind: '*', Elems: append(append([]resp.Value{}, whole.Elems[:i]...), whole.Elems[i+2:]...)}
		name := whole.Elems[i].Text
		if _, err := ParseProbe(part); name != "write-acks" && (err == nil || !strings.Contains(err.Error(), name)) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for _, v := range []resp.Value{{}, flat(), {Kind: '+', Text: "OK"}, flat("run-id", "r", "incarnation", "i", "promised-epoch", "x", "data-epoch", 1, "offset", 1),
		flat("run-id", "r", "incarnation", "i", "promised-epoch", -1, "data-epoch", 1, "offset", 1)} {
		if _, err := ParseSealed(v); err == nil {
			t.Errorf("%+v was taken for an answer to SEAL", v)
		}
	}
	short := flat("h:2", "r2")
	bad := probeReply()
	bad.Elems[len(bad.Elems)-1] = flat(short)
	if _, err := ParseProbe(bad); err == nil {
		t.Error("a replica of two fields was accepted")
	}
}

func TestParseHello(t *testing.T) {
	got, err := ParseHello(flat("version", 1, "run-id", "r", "control-port", 17001, "role", "none", "managed", "yes", "group", ""))
	if want := (Hello{RunID: "r", ControlPort: 17001, Role: RoleNone, Managed: true}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRequests(t *testing.T) {
	follow, err := FollowOf("g", 4, "[::1]:7001")
	if err != nil {
		t.Fatal(err)
	}
	for want, r := range map[string]Request{
		"HOLDFAST PROBE g 7 3 2":                        ProbeOf("g", 7, 3, 2),
		"HOLDFAST PROBE g 7 3 2 n1 2000":                ProbeOf("g", 7, 3, 2).Granting("n1", 2*time.Second),
		"HOLDFAST PROBE g 7 3 2  0":                     ProbeOf("g", 7, 3, 2).Granting("", 0),
		"HOLDFAST SEAL g 4":                             SealOf("g", 4),
		"HOLDFAST PROMOTE g 4 r 6 1 i2 i3":              PromoteOf("g", 4, "r", 6, 1, []string{"i2", "i3"}),
		"HOLDFAST FOLLOW g 4 ::1 7001":                  follow,
		"HOLDFAST DRAIN g 4":                            DrainOf("g", 4),
		"HOLDFAST HOLDERS g 4 6 2 i2 i3":                HoldersOf("g", 4, 6, 2, []string{"i2", "i3"}),
		"HOLDFAST PROMOTE g 18446744073709551615 r 0 0": PromoteOf("g", 1<<64-1, "r", 0, 0, nil),
	} {
		if got := strings.Join(r.Args, " "); got != want || string(r.Kind) != r.Args[1] {
			t.Errorf("%s %q, want %q", r.Kind, got, want)
		}
	}
	if _, err := FollowOf("g", 4, "nowhere"); err == nil {
		t.Error("an address without a port was accepted")
	}
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]Refusal{
		"STALE promised epoch is 12": Stale, "WRONGGROUP this node belongs to another group: x": WrongGroup,
		"NOTRUNID another": NotRunID, "NOTMASTER": NotMaster, "ERR unknown": "", "STALER x": "",
	} {
		if got := RefusalOf(resp.Error(text)); got != want {
			t.Errorf("%q is %q", text, got)
		}
	}
	if e := PromisedIn(resp.Error("STALE promised epoch is 12")); e != 12 {
		t.Errorf("promised %d", e)
	}
	if RefusalOf(errors.New("STALE of the network")) != "" || PromisedIn(errors.New("STALE promised epoch is 12")) != 0 {
		t.Error("a broken connection was taken for a refusal")
	}
	if !IsUnknownCommand(resp.Error("ERR unknown command 'HOLDFAST', with args beginning with: 'HELLO' '1' ")) || IsUnknownCommand(resp.Error("NOAUTH x")) {
		t.Error("a plain Redis is not recognised")
	}
}
