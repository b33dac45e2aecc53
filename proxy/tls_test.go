package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	dial "holdfast/backend/client"
	"holdfast/backend/netio"
	"holdfast/backend/netio/freeport"
	"holdfast/backend/netio/selfsigned"
	"holdfast/conf"
)

// A proxy meets its clients by TLS, and another proxy as its node, too.
func TestTLSBothWays(t *testing.T) {
	file := selfsigned.File(t, "proxy")
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
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
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
