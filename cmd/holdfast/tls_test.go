package main_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/netio"
	"holdfast/backend/netio/selfsigned"
	"holdfast/cmd/internal/up"
	"holdfast/conf"
)

// A group whose parts talk to each other by TLS alone, without a plain port but
// the proxy's: it finds its master, replicates, and outlives it.
func TestAGroupByTLSAlone(t *testing.T) {
	t.Parallel()
	file := selfsigned.File(t, "group")
	dir := t.TempDir()
	opts, err := up.Parse(strings.Fields(clusterPorts(t)))
	if err != nil {
		t.Fatal(err)
	}
	secret := func(part string, port int, lines ...string) *service {
		return newService(t, part, dir, port, append([]string{"port 0", fmt.Sprintf("tls-port %d", port), "tls-cert-file " + file,
			"tls-key-file " + file, "tls-ca-cert-file " + file, "tls-replication yes"}, lines...)...)
	}
	var nodes []*service
	var members, sentinels []string
	for i := range 3 {
		nodes = append(nodes, secret("node", opts.NodePort+i, "managed yes"))
		members = append(members, fmt.Sprintf("s%d=%s", i+1, local(opts.RaftPort+i)))
		sentinels = append(sentinels, local(opts.SentinelPort+i))
	}
	for _, n := range nodes {
		n.start(t)
	}
	for i := range 3 {
		secret("sentinel", opts.SentinelPort+i, fmt.Sprintf("sentinel monitor mymaster 127.0.0.1 %d 2", opts.NodePort),
			fmt.Sprintf("sentinel known-replica mymaster 127.0.0.1 %d", opts.NodePort+1),
			fmt.Sprintf("sentinel known-replica mymaster 127.0.0.1 %d", opts.NodePort+2),
			"sentinel down-after-milliseconds mymaster 1000", fmt.Sprintf("sentinel raft-id s%d", i+1),
			"sentinel raft-members "+strings.Join(members, " ")).start(t)
	}
	proxy := newService(t, "proxy", dir, opts.ProxyPort, "tls-cert-file "+file, "tls-key-file "+file, "tls-ca-cert-file "+file,
		"tls-replication yes", "sentinels "+strings.Join(sentinels, " "), "group mymaster", "hold-timeout 60s")
	proxy.start(t)

	await(t, 20*time.Second, "the proxy listens", func() error {
		_, err := do(t, 2*time.Second, local(proxy.port), "PING")
		return err
	})
	mustDo(t, local(proxy.port), "SET", "abc", "hahahahah")
	nodes[0].kill()
	mustDo(t, local(proxy.port), "SET", "def", "second") // held until there is another master
	awaitValue(t, local(proxy.port), "abc", "hahahahah")

	cfg, err := netio.ClientTLS(&conf.TLS{CertFile: file, KeyFile: file, CACertFile: file})
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range sentinels {
		await(t, 20*time.Second, addr+" knows the other sentinels by their TLS ports", func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			c, err := client.Dial(ctx, addr, client.Options{TLS: cfg})
			if err != nil {
				return err
			}
			defer c.Close()
			v, err := c.Do(ctx, "SENTINEL", "CKQUORUM", "mymaster")
			if err == nil && !strings.HasPrefix(v.Text, "OK 3 usable Sentinels") {
				err = errors.New(v.Text)
			}
			return err
		})
		if _, err := do(t, 2*time.Second, addr, "PING"); err == nil {
			t.Errorf("%s answers without TLS", addr)
		}
	}
}
