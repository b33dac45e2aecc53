package election

import (
	"crypto/tls"

	"holdfast/backend/netio"
)

// secrets are what the tls-* directives come to.
type secrets struct {
	inward  *tls.Config // of the listener at tls-port; nil without one
	outward *tls.Config // towards nodes and the other sentinels; nil: plain TCP
}

// loadTLS reads certificates and keys as the configuration names them.
func (s *Sentinel) loadTLS() (err error) {
	if s.cfg.TLS.Port != 0 {
		if s.secrets.inward, err = netio.ServerTLS(&s.cfg.TLS); err != nil {
			return err
		}
	}
	if s.cfg.TLS.Outgoing {
		s.secrets.outward, err = netio.ClientTLS(&s.cfg.TLS)
	}
	return err
}
