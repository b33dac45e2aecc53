package native

import (
	"net"
	"slices"
	"strconv"
	"time"
)

// Version is the version of the protocol spoken here.
const Version = 1

// Kind names a request to a node.
type Kind string

// The requests that change something at a node or are answered with its state.
const (
	KindProbe   Kind = "PROBE"
	KindSeal    Kind = "SEAL"
	KindPromote Kind = "PROMOTE"
	KindFollow  Kind = "FOLLOW"
	KindDrain   Kind = "DRAIN"
	KindHolders Kind = "HOLDERS"
)

// Request is one request on a node's control port.
type Request struct {
	Kind Kind
	Args []string
}

// HelloArgs asks a node or a plain server who it is.
func HelloArgs() []string { return []string{"HOLDFAST", "HELLO", strconv.Itoa(Version)} }

// ProbeOf asks for a node's state and tells it the newest committed holders.
func ProbeOf(group string, term, epoch, holders uint64) Request {
	return request(KindProbe, group, dec(term), dec(epoch), dec(holders))
}

// Granting adds to a PROBE of the master the right to serve with N = 0, for a
// time counted from the moment at which the node issued the nonce. Without a time
// it has no end, and needs no nonce.
func (r Request) Granting(nonce string, lease time.Duration) Request {
	return Request{Kind: r.Kind, Args: append(slices.Clone(r.Args), nonce, dec(uint64(lease.Milliseconds())))}
}

// SealOf asks a node for the promise never to confirm a byte below epoch.
func SealOf(group string, epoch uint64) Request { return request(KindSeal, group, dec(epoch)) }

// PromoteOf makes the process runID the master of epoch, with n of members as
// the holders that open its barrier.
func PromoteOf(group string, epoch uint64, runID string, version uint64, n int, members []string) Request {
	args := []string{group, dec(epoch), runID, dec(version), strconv.Itoa(n)}
	return request(KindPromote, append(args, members...)...)
}

// FollowOf makes a node a replica of addr (host:port) as of epoch.
func FollowOf(group string, epoch uint64, addr string) (Request, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return Request{}, err
	}
	return request(KindFollow, group, dec(epoch), host, port), nil
}

// DrainOf makes the master append nothing any more.
func DrainOf(group string, epoch uint64) Request { return request(KindDrain, group, dec(epoch)) }

// HoldersOf begins a change of the holders.
func HoldersOf(group string, epoch, version uint64, n int, members []string) Request {
	args := []string{group, dec(epoch), dec(version), strconv.Itoa(n)}
	return request(KindHolders, append(args, members...)...)
}

func request(kind Kind, args ...string) Request {
	return Request{Kind: kind, Args: append([]string{"HOLDFAST", string(kind)}, args...)}
}

func dec(v uint64) string { return strconv.FormatUint(v, 10) }
