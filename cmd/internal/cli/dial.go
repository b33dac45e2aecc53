package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
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
func (o *Options) dial(ctx context.Context, errs io.Writer, onPush func(resp.Value)) (conn *client.Conn, raw net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	network := "tcp"
	if strings.HasPrefix(o.Addr, "/") || strings.HasPrefix(o.Addr, ".") {
		network = "unix"
	}
	raw, err = new(net.Dialer).DialContext(ctx, network, o.Addr)
	if err != nil {
		return nil, nil, o.unreachable(err)
	}
	if o.TLS != nil {
		hidden := tls.Client(raw, o.TLS)
		if err := hidden.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, nil, o.unreachable(err)
		}
		raw = hidden
	}
	conn = client.New(raw, client.Options{Timeout: patience, MaxReply: maxReply, OnPush: onPush})
	if err := o.introduce(ctx, conn, errs); err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, raw, nil
}

// unreachable is redis-cli's text, which scripts look for, with the system's words
// for the cause as C's strerror has them.
func (o *Options) unreachable(err error) error {
	reason := err.Error()
	if number := syscall.Errno(0); errors.As(err, &number) {
		reason = number.Error()
		reason = strings.ToUpper(reason[:1]) + reason[1:]
	} else if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		reason = "Name or service not known (" + dns.Err + ")"
	} else if errors.Is(err, context.DeadlineExceeded) {
		reason = "Connection timed out"
	}
	//lint:ignore ST1005 see above
	return fmt.Errorf("Could not connect to Redis at %s: %s", o.Addr, reason)
}

// introduce says who we are and how to speak. A password that the server does not
// ask for, as REDISCLI_AUTH may hold one, is no reason not to talk to it.
func (o *Options) introduce(ctx context.Context, c *client.Conn, errs io.Writer) error {
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
		v, err := c.Do(ctx, step...)
		switch {
		case strings.Contains(v.Text, "without any password configured"):
			fmt.Fprintf(errs, "AUTH failed: %s\n", v.Text)
		case err != nil:
			return fmt.Errorf("%s failed: %w", step[0], err)
		}
	}
	return nil
}
