package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/resp"
)

// patience bounds the wait for a reply; a blocking command may take it.
const patience = 24 * time.Hour

// connectTime bounds a connection's beginning: connect, handshake and login.
const connectTime = 30 * time.Second

// maxReply is the largest reply that is taken, bytes.
const maxReply = 1 << 30

// dial opens a connection as the options say: logged in, with the protocol and
// the database chosen. raw is what conn stands on.
func (o *Options) dial(ctx context.Context, onPush func(resp.Value)) (conn *client.Conn, raw net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	network := "tcp"
	if strings.HasPrefix(o.Addr, "/") || strings.HasPrefix(o.Addr, ".") {
		network = "unix"
	}
	raw, err = new(net.Dialer).DialContext(ctx, network, o.Addr)
	if err != nil {
		//lint:ignore ST1005 the text is redis-cli's, which scripts look for
		return nil, nil, fmt.Errorf("Could not connect to Redis at %s: %w", o.Addr, err)
	}
	if o.TLS != nil {
		hidden := tls.Client(raw, o.TLS)
		if err := hidden.HandshakeContext(ctx); err != nil {
			raw.Close()
			//lint:ignore ST1005 the text is redis-cli's, which scripts look for
			return nil, nil, fmt.Errorf("Could not connect to Redis at %s: %w", o.Addr, err)
		}
		raw = hidden
	}
	conn = client.New(raw, client.Options{Timeout: patience, MaxReply: maxReply, OnPush: onPush})
	if err := o.introduce(ctx, conn); err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, raw, nil
}

// introduce says who we are and how to speak.
func (o *Options) introduce(ctx context.Context, c *client.Conn) error {
	var steps [][]string
	switch {
	case o.Password != "" && o.User != "":
		steps = append(steps, []string{"AUTH", o.User, o.Password})
	case o.Password != "":
		steps = append(steps, []string{"AUTH", o.Password})
	}
	if o.RESP3 {
		steps = append(steps, []string{"HELLO", "3"})
	}
	if o.DB != 0 {
		steps = append(steps, []string{"SELECT", strconv.Itoa(o.DB)})
	}
	for _, step := range steps {
		if _, err := c.Do(ctx, step...); err != nil {
			return fmt.Errorf("%s failed: %w", step[0], err)
		}
	}
	return nil
}
