package backend

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"

	"holdfast/backend/netio"
	"holdfast/conf"
)

// secrets are what the tls-* directives come to. One takes the place of another
// when they change: connections keep what they began with.
type secrets struct {
	server *tls.Config // of the TLS listener; nil without one
	client *tls.Config // towards the master; nil: plain TCP
}

// loadTLS reads certificates and keys as cfg names them.
func (n *Node) loadTLS(cfg *conf.NodeConfig) error {
	var s secrets
	var err error
	if cfg.TLS.Port != 0 {
		s.server, err = netio.ServerTLS(&cfg.TLS)
	}
	if err == nil && cfg.TLS.Outgoing {
		s.client, err = netio.ClientTLS(&cfg.TLS)
	}
	if err == nil {
		n.secrets.Store(&s)
	}
	return err
}

// reloadTLS is loadTLS for CONFIG SET. Naming the same file again reads it again,
// which is how a renewed certificate comes into use.
func (n *Node) reloadTLS(next *conf.NodeConfig, changed []string) error {
	i := slices.IndexFunc(changed, func(name string) bool { return strings.HasPrefix(name, "tls-") })
	if i < 0 {
		return nil
	}
	if err := n.loadTLS(next); err != nil {
		n.log.Warn("Failed to configure TLS: " + err.Error())
		return &conf.SetError{Name: changed[i], Err: errTLS}
	}
	return nil
}

// dialMaster connects to a master: from bind-source-addr, and by TLS where
// tls-replication asks for it. A node that ends takes nothing more in and does
// not ask for it again and again.
func (n *Node) dialMaster(ctx context.Context, addr string) (net.Conn, error) {
	if n.endingNow.Load() != nil || n.life.Err() != nil {
		return nil, errEnding
	}
	var d net.Dialer
	if from := n.cfg().BindSourceAddr; from != "" {
		ip := net.ParseIP(from)
		if ip == nil {
			return nil, fmt.Errorf("bind-source-addr %s is no address", from)
		}
		d.LocalAddr = &net.TCPAddr{IP: ip}
	}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if s := n.secrets.Load(); err == nil && s.client != nil {
		secret := tls.Client(conn, s.client)
		if err = secret.HandshakeContext(ctx); err != nil {
			conn.Close()
		}
		return secret, err
	}
	return conn, err
}

// controlTLS is what sentinels are met with at the control port: TLS where
// tls-replication says that the parts of the group talk so, if there is a
// certificate to show; nil: plain TCP.
func (n *Node) controlTLS() *tls.Config {
	s := n.secrets.Load()
	if s.client == nil {
		return nil
	}
	return s.server
}

func (n *Node) serverTLS() *tls.Config { return n.secrets.Load().server }
