package backend_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/netio"
	"holdfast/backend/netio/freeport"
	"holdfast/conf"
)

// certificate writes a self-signed certificate, its own authority, for name.
func certificate(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	public, err := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// secretly connects to a TLS port as somebody who trusts cert.
func secretly(t *testing.T, port int, cert, key string) (*client.Conn, error) {
	t.Helper()
	cfg, err := netio.ClientTLS(&conf.TLS{CertFile: cert, KeyFile: key, CACertFile: cert})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := client.Dial(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), client.Options{TLS: cfg})
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := certificate(t, dir, "first")
	secure := func() (port int, flags []string) {
		port = freeport.Port(t)
		return port, []string{"--tls-port", strconv.Itoa(port), "--tls-cert-file", cert, "--tls-key-file", key,
			"--tls-ca-cert-file", cert, "--tls-replication", "yes"}
	}
	port, flags := secure()
	m := begin(t, t.TempDir(), flags...)
	c, err := secretly(t, port, cert, key)
	if err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 3<<20)
	if _, err := ask(t, c, "SET", "big", big); err != nil {
		t.Fatal(err)
	}
	if v, err := ask(t, c, "GET", "big"); err != nil || v.Text != big {
		t.Fatalf("%d bytes came back, %v", len(v.Text), err)
	}

	// A replica over TLS: a snapshot, then the stream.
	_, flags = secure()
	r := begin(t, t.TempDir(), flags...)
	r.must(fmt.Sprintf("REPLICAOF 127.0.0.1 %d", port))
	r.inSync()
	m.must("SET k 1")
	await(t, "the stream goes through TLS", func() bool { return r.must("GET k").Text == "1" })
	equal(t, m, r)

	// A renewed certificate: new connections see it, old ones stay.
	other, otherKey := certificate(t, dir, "second")
	if _, err := ask(t, m.data, "CONFIG", "SET", "tls-cert-file", other, "tls-key-file", key); err == nil ||
		!strings.Contains(err.Error(), "Unable to update TLS configuration") {
		t.Errorf("a certificate with another one's key: %v", err)
	}
	m.must("CONFIG SET tls-cert-file " + other + " tls-key-file " + otherKey)
	if _, err := secretly(t, port, cert, key); err == nil {
		t.Error("the old certificate is still shown")
	}
	raw, err := tls.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if got := raw.ConnectionState().PeerCertificates[0].Subject.CommonName; got != "second" {
		t.Errorf("the certificate is %s", got)
	}
	if v, err := ask(t, c, "GET", "k"); err != nil || v.Text != "1" {
		t.Errorf("an old connection: %v, %v", v.Text, err)
	}
	m.must("CONFIG SET tls-port 0")
	if _, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second); err == nil {
		t.Error("the TLS port is still open")
	}
}
