package netio

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"holdfast/conf"
)

// ServerTLS reads the files that the tls-* directives name, for a listener. It
// is an error when they cannot be read or do not fit each other.
func ServerTLS(t *conf.TLS) (*tls.Config, error) {
	cert, err := keyPair(t.CertFile, t.KeyFile, t.KeyFilePass)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: !t.SessionCaching}
	cfg.MinVersion, cfg.MaxVersion = versions(t.Protocols)
	if cfg.ClientCAs, err = authorities(t); err != nil {
		return nil, err
	}
	switch t.AuthClients {
	case "yes":
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	case "optional":
		cfg.ClientAuth = tls.VerifyClientCertIfGiven
	}
	if cfg.ClientAuth != tls.NoClientCert && cfg.ClientCAs == nil {
		return nil, errors.New("either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-auth-clients is not no")
	}
	return cfg, nil
}

// ClientTLS is ServerTLS for connections that this side opens. As Redis does, it
// checks who signed the peer's certificate and not whose name it bears:
// replicas and sentinels know each other by addresses.
func ClientTLS(t *conf.TLS) (*tls.Config, error) {
	cfg := &tls.Config{InsecureSkipVerify: true} // verified by signedBy below
	certFile, keyFile, pass := t.ClientCertFile, t.ClientKeyFile, t.ClientKeyFilePass
	if certFile == "" {
		certFile, keyFile, pass = t.CertFile, t.KeyFile, t.KeyFilePass
	}
	if certFile != "" {
		cert, err := keyPair(certFile, keyFile, pass)
		if err != nil {
			return nil, err
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	cfg.MinVersion, cfg.MaxVersion = versions(t.Protocols)
	roots, err := authorities(t)
	if err != nil {
		return nil, err
	}
	cfg.VerifyConnection = signedBy(roots)
	return cfg, nil
}

// signedBy verifies a peer's chain against roots, nil being the system's.
func signedBy(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errors.New("the peer showed no certificate")
		}
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
		for _, c := range s.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		_, err := s.PeerCertificates[0].Verify(o)
		return err
	}
}

// keyPair loads a certificate chain and its private key, which may be encrypted
// with a pass phrase.
func keyPair(certFile, keyFile, pass string) (tls.Certificate, error) {
	if certFile == "" || keyFile == "" {
		return tls.Certificate{}, errors.New("tls-cert-file and tls-key-file must both be set")
	}
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("failed to load certificate: %w", err)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("failed to load private key: %w", err)
	}
	if pass != "" {
		if key, err = decrypt(key, pass); err != nil {
			return tls.Certificate{}, fmt.Errorf("failed to load private key: %s: %w", keyFile, err)
		}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return pair, fmt.Errorf("failed to load certificate: %s: %w", certFile, err)
	}
	return pair, nil
}

// decrypt opens a key that has a pass phrase, in the form that OpenSSL writes
// today (PKCS #8) or in the old one of PEM.
func decrypt(key []byte, pass string) ([]byte, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" {
		der, err := decryptPKCS8(block.Bytes, pass)
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
	}
	//lint:ignore SA1019 the file is the operator's own; its form is not a matter of choice here
	if !x509.IsEncryptedPEMBlock(block) {
		return key, nil
	}
	//lint:ignore SA1019 as above
	der, err := x509.DecryptPEMBlock(block, []byte(pass))
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), nil
}

// authorities are the certificates that peers are checked against; nil when the
// configuration names none.
func authorities(t *conf.TLS) (*x509.CertPool, error) {
	var files []string
	if t.CACertFile != "" {
		files = append(files, t.CACertFile)
	}
	if t.CACertDir != "" {
		entries, err := os.ReadDir(t.CACertDir)
		if err != nil {
			return nil, fmt.Errorf("failed to load authorities: %w", err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				files = append(files, filepath.Join(t.CACertDir, e.Name()))
			}
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	pool, found := x509.NewCertPool(), false
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("failed to load authorities: %w", err)
		}
		found = pool.AppendCertsFromPEM(text) || found
	}
	if !found {
		return nil, fmt.Errorf("failed to load authorities: no certificate in %v", files)
	}
	return pool, nil
}

// versions is the range of the protocols named; Go cannot leave one out between
// two others. None named: TLS 1.2 and 1.3.
func versions(names []string) (low, high uint16) {
	known := map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}
	low, high = tls.VersionTLS12, tls.VersionTLS13
	for i, name := range names {
		v := known[name]
		if i == 0 {
			low, high = v, v
		}
		low, high = min(low, v), max(high, v)
	}
	return low, high
}
