package proxy

import (
	"crypto/tls"

	"holdfast/backend/netio"
)

// loadTLS reads the certificates for the listener, and for connections to nodes and sentinels.
func (p *Proxy) loadTLS() (err error) {
	if p.cfg.TLS.Port != 0 {
		if p.inward, err = netio.ServerTLS(&p.cfg.TLS); err != nil {
			return err
		}
	}
	if p.cfg.TLS.Outgoing {
		p.outward, err = netio.ClientTLS(&p.cfg.TLS)
	}
	return err
}

// listenerTLS is what clients of tls-port are met with.
func (p *Proxy) listenerTLS() *tls.Config { return p.inward }
