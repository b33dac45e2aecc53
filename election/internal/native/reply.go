package native

import (
	"fmt"
	"strconv"
	"strings"

	"holdfast/backend/resp"
)

// Hello is a node's answer to HELLO.
type Hello struct {
	RunID       string
	ControlPort int
	Role        string
	Managed     bool
	Group       string
	Process     string // as package process names it; "" of one that does not tell
}

// Sealed is a node's answer to SEAL. The pair (DataEpoch, Offset) orders
// histories.
type Sealed struct {
	RunID       string
	Incarnation string
	Promised    uint64
	DataEpoch   uint64
	Offset      int64
}

// Link states of a replica, as PROBE names them.
const (
	LinkUp   = "up"
	LinkDown = "down"
	LinkSync = "sync"
	LinkNone = "none"
)

// Roles, as PROBE names them.
const (
	RoleMaster  = "master"
	RoleReplica = "replica"
	RoleNone    = "none"
)

// StateOnline is the state of a replica that streams.
const StateOnline = "online"

// Probe is a node's answer to PROBE.
type Probe struct {
	Sealed
	Group          string
	Role           string
	Serving        bool
	ReplID         string
	MasterAddr     string
	Link           string
	Priority       int
	Loading        bool
	HoldersVersion uint64
	HoldersPending uint64
	HoldersReady   bool
	Nonce          string
	Addr           string
	Replicas       []Replica
}

// Replica is one replica in a master's answer to PROBE.
type Replica struct {
	Addr        string
	RunID       string
	Incarnation string
	Acked       int64
	State       string
	Lag         int64 // milliseconds
}

// fields reads a flat map and remembers the first thing that was wrong.
type fields struct {
	of  string
	by  map[string]resp.Value
	err error
}

func newFields(of string, v resp.Value) *fields {
	f := &fields{of: of, by: v.Pairs()}
	if len(f.by) == 0 {
		f.err = fmt.Errorf("native: the answer to %s is not a map", of)
	}
	return f
}

func (f *fields) text(name string) string {
	v, ok := f.by[name]
	if !ok && f.err == nil {
		f.err = fmt.Errorf("native: the answer to %s lacks %s", f.of, name)
	}
	return textOf(v)
}

func (f *fields) number(name string) int64 {
	n, err := strconv.ParseInt(f.text(name), 10, 64)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("native: %s in the answer to %s is not a number: %q", name, f.of, textOf(f.by[name]))
	}
	return n
}

func (f *fields) epoch(name string) uint64 {
	n := f.number(name)
	if n < 0 && f.err == nil {
		f.err = fmt.Errorf("native: %s in the answer to %s is negative: %d", name, f.of, n)
	}
	return uint64(max(0, n))
}

// truth takes 1/0 and yes/no.
func (f *fields) truth(name string) bool {
	t := f.text(name)
	return t == "1" || t == "yes"
}

func textOf(v resp.Value) string {
	if v.Kind == ':' {
		return strconv.FormatInt(v.Int, 10)
	}
	return v.Text
}

// ParseHello reads the answer to HELLO.
func ParseHello(v resp.Value) (Hello, error) {
	f := newFields("HELLO", v)
	h := Hello{
		RunID:       f.text("run-id"),
		ControlPort: int(f.number("control-port")),
		Role:        f.text("role"),
		Managed:     f.truth("managed"),
		Group:       f.text("group"),
		Process:     textOf(f.by["process"]),
	}
	return h, f.err
}

// ParseSealed reads the answer to SEAL.
func ParseSealed(v resp.Value) (Sealed, error) {
	f := newFields("SEAL", v)
	return f.sealed(), f.err
}

func (f *fields) sealed() Sealed {
	return Sealed{
		RunID:       f.text("run-id"),
		Incarnation: f.text("incarnation"),
		Promised:    f.epoch("promised-epoch"),
		DataEpoch:   f.epoch("data-epoch"),
		Offset:      f.number("offset"),
	}
}

// ParseProbe reads the answer to PROBE.
func ParseProbe(v resp.Value) (*Probe, error) {
	f := newFields("PROBE", v)
	p := &Probe{
		Sealed:         f.sealed(),
		Group:          f.text("group"),
		Role:           f.text("role"),
		Serving:        f.truth("serving"),
		ReplID:         f.text("replid"),
		MasterAddr:     f.text("master-addr"),
		Link:           f.text("link"),
		Priority:       int(f.number("priority")),
		Loading:        f.truth("loading"),
		HoldersVersion: f.epoch("holders-version"),
		HoldersPending: f.epoch("holders-pending"),
		HoldersReady:   f.truth("holders-ready"),
		Nonce:          f.text("nonce"),
		Addr:           f.text("addr"),
	}
	for _, e := range f.by["replicas"].Elems {
		r, err := parseReplica(e)
		if err != nil {
			return nil, err
		}
		p.Replicas = append(p.Replicas, r)
	}
	return p, f.err
}

func parseReplica(v resp.Value) (Replica, error) {
	if len(v.Elems) < 6 {
		return Replica{}, fmt.Errorf("native: a replica in the answer to PROBE has %d fields of 6", len(v.Elems))
	}
	t := v.Strings()
	acked, err1 := strconv.ParseInt(t[3], 10, 64)
	lag, err2 := strconv.ParseInt(t[5], 10, 64)
	if err1 != nil || err2 != nil {
		return Replica{}, fmt.Errorf("native: a replica in the answer to PROBE has acked %q and lag %q", t[3], t[5])
	}
	return Replica{Addr: t[0], RunID: t[1], Incarnation: t[2], Acked: acked, State: t[4], Lag: lag}, nil
}

// Refusal tells which rule of the protocol made a node refuse.
type Refusal string

// The refusals, by the code of the error reply.
const (
	Stale      Refusal = "STALE"
	WrongGroup Refusal = "WRONGGROUP"
	NotRunID   Refusal = "NOTRUNID"
	NotMaster  Refusal = "NOTMASTER"
)

// RefusalOf returns the code of an error reply that is a refusal, "" for any
// other error or none.
func RefusalOf(err error) Refusal {
	text, ok := err.(resp.Error)
	if !ok {
		return ""
	}
	code, _, _ := strings.Cut(string(text), " ")
	switch r := Refusal(code); r {
	case Stale, WrongGroup, NotRunID, NotMaster:
		return r
	}
	return ""
}

// PromisedIn returns the epoch that a -STALE refusal names, 0 without one.
func PromisedIn(err error) uint64 {
	if RefusalOf(err) != Stale {
		return 0
	}
	words := strings.Fields(err.Error())
	n, _ := strconv.ParseUint(words[len(words)-1], 10, 64)
	return n
}

// IsUnknownCommand tells a plain Redis, which does not know HOLDFAST.
func IsUnknownCommand(err error) bool {
	text, ok := err.(resp.Error)
	return ok && strings.HasPrefix(strings.ToLower(string(text)), "err unknown command")
}
