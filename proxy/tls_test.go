package proxy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dial "holdfast/backend/client"
	"holdfast/backend/netio"
	"holdfast/backend/netio/freeport"
	"holdfast/conf"
)

// certificate writes a self-signed certificate and its key into one file.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	public, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "both.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A proxy meets its clients by TLS, and another proxy as its node, too.
func TestTLSBothWays(t *testing.T) {
	file := certificate(t)
	files := conf.TLS{CertFile: file, KeyFile: file, CACertFile: file}
	redis := startRedis(t)
	flags := []string{"--tls-cert-file", file, "--tls-key-file", file, "--tls-ca-cert-file", file}
	_, inner := hostPort(freeport.Addr(t))
	startProxy(t, append(flags, "--master", redis.addr, "--tls-port", inner)...)
	_, outer := hostPort(freeport.Addr(t))
	startProxy(t, append(flags, "--master", net.JoinHostPort("127.0.0.1", inner), "--tls-replication", "yes", "--tls-port", outer)...)

	cfg, err := netio.ClientTLS(&files)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, err := dial.Dial(ctx, net.JoinHostPort("127.0.0.1", outer), dial.Options{TLS: cfg})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	big := strings.Repeat("x", 1<<20)
	if v, err := c.Do(ctx, "SET", "big", big); err != nil || v.Err() != nil {
		t.Fatal(v, err)
	}
	if v, err := c.Do(ctx, "GET", "big"); err != nil || v.Text != big {
		t.Fatalf("%d bytes came back, %v", len(v.Text), err)
	}
	plain := &tls.Config{InsecureSkipVerify: true}
	if c, err := dial.Dial(ctx, net.JoinHostPort("127.0.0.1", outer), dial.Options{TLS: plain}); err == nil {
		defer c.Close()
		if _, err := c.Do(ctx, "PING"); err == nil {
			t.Error("a client without a certificate was answered")
		}
	}
}
