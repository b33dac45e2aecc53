package consensus

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/hashicorp/raft"
)

const (
	poolPerMember = 3 // idle connections kept to each member
	rpcTimeout    = 2 * time.Second
)

func (n *Node) listen() (raft.Transport, error) {
	own := n.cfg.own().Addr
	if n.cfg.Network != nil {
		return n.cfg.Network.join(raft.ServerAddress(own)), nil
	}
	at := n.cfg.Listen
	if at == "" {
		at = own
	}
	ln, err := net.Listen("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("raft: cannot listen at %s: %w", at, err)
	}
	return raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:  &stream{Listener: ln, own: advertised(own)},
		MaxPool: poolPerMember,
		Timeout: rpcTimeout,
		Logger:  hclogger{log: n.log},
	}), nil
}

// stream is a TCP stream layer that keeps addresses as they are configured.
// raft's own resolves them once, at the start, which breaks with host names
// that are not known yet or move.
type stream struct {
	net.Listener
	own advertised
}

func (s *stream) Addr() net.Addr { return s.own }

func (s *stream) Dial(addr raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var d net.Dialer
	return d.DialContext(ctx, "tcp", string(addr))
}

type advertised string

func (a advertised) Network() string { return "tcp" }
func (a advertised) String() string  { return string(a) }
