package election

import "crypto/tls"

// outgoingTLS is the configuration for connections to nodes and sentinels; nil:
// no TLS.
func (s *Sentinel) outgoingTLS() *tls.Config { return nil }
