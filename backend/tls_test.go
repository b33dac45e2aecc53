package backend_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/netio"
	"holdfast/backend/netio/freeport"
	"holdfast/backend/netio/selfsigned"
	"holdfast/conf"
)

// secretly connects to a TLS port as somebody who trusts cert and shows it.
func secretly(t *testing.T, port int, cert string) (*client.Conn, error) {
	t.Helper()
	cfg, err := netio.ClientTLS(&conf.TLS{CertFile: cert, KeyFile: cert, CACertFile: cert})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.Dial(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), client.Options{TLS: cfg})
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert := selfsigned.File(t, "first")
	secure := func() (port int, flags []string) {
		port = freeport.Port(t)
		return port, []string{"--tls-port", strconv.Itoa(port), "--tls-cert-file", cert, "--tls-key-file", cert,
			"--tls-ca-cert-file", cert, "--tls-replication", "yes"}
	}
	port, flags := secure()
	m := begin(t, t.TempDir(), flags...)
	m.must("PING") // it answers when all of its ports are open
	c, err := secretly(t, port, cert)
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
	other := selfsigned.File(t, "second")
	if _, err := ask(t, m.data, "CONFIG", "SET", "tls-cert-file", other, "tls-key-file", cert); err == nil ||
		!strings.Contains(err.Error(), "Unable to update TLS configuration") {
		t.Errorf("a certificate with another one's key: %v", err)
	}
	m.must("CONFIG SET tls-cert-file " + other + " tls-key-file " + other)
	if _, err := secretly(t, port, cert); err == nil {
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
